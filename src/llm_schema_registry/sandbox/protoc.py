"""The program of the sandbox that protoc runs in. It imports no format, so that it starts quickly."""

import atexit
import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from llm_schema_registry.sandbox.limits import MEBIBYTE, limit_file_size

Job = tuple[str, dict[str, str]]
"""The file to compile, and the files by import path."""

_GROUPS = ("google/protobuf", "google/type", "confluent")
_FILE_LIMIT = 256 * MEBIBYTE


class ProtocRefusedError(Exception):
    """protoc calls the schema invalid; the text is what it printed."""


def prepare(folder: str, roots: Sequence[str]) -> Callable[[], Callable[[Job], bytes]]:
    """Compiles the bundled files once, so that no schema has to wait for their texts.

    Args:
        folder: where processes may write.
        roots: the folders of the bundled files.
    """
    from grpc_tools import protoc

    # The owner may be killed, and cannot remove it then.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bundle = Path(folder, "bundle")
    names = {
        path.relative_to(root).as_posix()
        for root in roots
        for group in _GROUPS
        for path in Path(root, group).rglob("*.proto")
    }
    protoc.main(["protoc", *(f"-I{root}" for root in roots), f"--descriptor_set_out={bundle}", *sorted(names)])

    def start() -> Callable[[Job], bytes]:
        _remove_leftovers(folder)
        own = Path(folder, str(os.getpid()))
        sources = own / "sources"
        sources.mkdir(parents=True)
        limit_file_size(_FILE_LIMIT)
        messages = os.open(own / "messages", os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(messages, 2)
        # From within the folder of the sources, protoc calls every file by its import path.
        os.chdir(sources)

        def answer(job: Job) -> bytes:
            main, files = job
            imports_bundled = any(f"{group}/" in text for text in files.values() for group in _GROUPS)
            options = [f"--descriptor_set_in={bundle}"] if imports_bundled else []
            return _compiled(own, options, messages, main, files)

        return answer

    return start


def _remove_leftovers(folder: str) -> None:
    """Removes the folders of processes that were killed."""
    for entry in os.scandir(folder):
        if entry.name.isdecimal() and not _runs(int(entry.name)):
            shutil.rmtree(entry.path, ignore_errors=True)


def _runs(pid: int) -> bool:
    with contextlib.suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True


def _compiled(folder: Path, options: list[str], messages: int, name: str, files: dict[str, str]) -> bytes:
    from grpc_tools import protoc

    output = folder / "output"
    for path, text in files.items():
        if "/" in path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(text.encode())
    os.ftruncate(messages, 0)
    os.lseek(messages, 0, os.SEEK_SET)
    always = ("-I.", "--include_imports", "--retain_options", f"--descriptor_set_out={output}")
    status = protoc.main(["protoc", *always, *options, name])
    for top in {path.partition("/")[0] for path in files}:
        if os.path.isdir(top):
            shutil.rmtree(top)
        else:
            os.unlink(top)
    if status == 0:
        return output.read_bytes()
    os.lseek(messages, 0, os.SEEK_SET)
    with open(messages, "rb", closefd=False) as stream:
        raise ProtocRefusedError(stream.read().replace(str(folder).encode(), b"").decode("utf-8", "replace"))
