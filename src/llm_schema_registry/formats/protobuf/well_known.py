"""The files that every schema may import without a reference: google/protobuf, google/type and confluent."""

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path

_OWN_ROOT = Path(__file__).parent / "bundled"
_GROUPS = ("google/protobuf", "google/type", "confluent")


@functools.cache
def bundled_files() -> Mapping[str, Path]:
    """Where the bundled files are, by import path."""
    found: dict[str, Path] = {}
    for root in _roots():
        for group in _GROUPS:
            for path in sorted((root / group).rglob("*.proto")):
                found.setdefault(path.relative_to(root).as_posix(), path)
    return found


def bundled_text(import_path: str) -> str | None:
    """The text of a bundled file, `None` if there is no such file."""
    path = bundled_files().get(import_path)
    return None if path is None else path.read_text(encoding="utf-8")


def bundled_roots() -> tuple[str, ...]:
    """The folders under which the import paths of the bundled files start."""
    return tuple(str(root) for root in _roots())


def _roots() -> tuple[Path, ...]:
    """Our own files, those of grpcio-tools and those of googleapis-common-protos; nothing is imported for it."""
    roots = [_OWN_ROOT]
    tools = importlib.util.find_spec("grpc_tools")
    if tools is not None and tools.origin is not None:
        roots.append(Path(tools.origin).parent / "_proto")
    types = importlib.util.find_spec("google.type")
    if types is not None and types.submodule_search_locations:
        roots.extend(Path(location).parents[1] for location in types.submodule_search_locations)
    return tuple(roots)
