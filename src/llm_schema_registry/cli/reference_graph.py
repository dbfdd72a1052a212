"""Reference graph of a directory: which schemas refer to which others, read from their texts."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin

import msgspec

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.schema_files import SchemaFile
from llm_schema_registry.contracts import Reference
from llm_schema_registry.formats import InvalidSchemaError, SchemaType

LATEST = -1
_AVRO_NAMED = frozenset({"record", "error", "enum", "fixed"})
_AVRO_PLAIN = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string", "array", "map"})
_JSON_DATA = frozenset({"enum", "const", "default", "examples"})
_BUNDLED_IMPORTS = ("google/protobuf/", "google/type/", "confluent/")


def link(files: Sequence[SchemaFile], declared: Sequence[Reference] = ()) -> dict[str, list[Reference]]:
    """The references of every file, by its path.

    Within the set a reference means the version that the set brings (-1). How one is recognised:

    - Avro: the name of a type that the text uses and does not define, and that another file defines.
    - JSON Schema: a `$ref` to the `$id` of another file, or to its path relative to the referring file.
    - Protobuf: an import of another file by its path below the directory, or by the end of it.

    Args:
        files: the set.
        declared: references to what is in the registry and not in the set; one concerns the files that mention its
            name, and wins over the set.

    Raises:
        CliError: a name could mean several files.
    """
    links = Links(files, declared)
    return {file.path: links.of(file) for file in files}


class Links:
    """The references among files; see `link`."""

    def __init__(self, files: Sequence[SchemaFile], declared: Sequence[Reference] = ()) -> None:
        self._declared = declared
        self._by_type: dict[str, list[SchemaFile]] = {}
        self._by_id: dict[str, list[SchemaFile]] = {}
        self._by_path: dict[tuple[SchemaType, str], SchemaFile] = {}
        self._names: dict[str, _AvroNames] = {}
        for file in files:
            self._by_path[file.schema_type, _relative(file)] = file
            if file.schema_type is SchemaType.AVRO:
                names = self._names[file.path] = _AvroNames(_json(file))
                for name in names.defined:
                    self._by_type.setdefault(name, []).append(file)
            elif file.schema_type is SchemaType.JSON and (own := _id(_json(file))):
                self._by_id.setdefault(own, []).append(file)

    def of(self, file: SchemaFile) -> list[Reference]:
        """The references of a file of the set; raises `CliError` if a name could mean several files."""
        own = [reference for reference in self._declared if reference.name in file.text]
        by_name = {reference.name: reference for reference in (*self._within(file), *own)}
        # Their order is a part of a schema's identity, so it may not depend on the order of words.
        return [by_name[name] for name in sorted(by_name)]

    def _within(self, file: SchemaFile) -> Iterator[Reference]:
        if file.schema_type is SchemaType.AVRO:
            return self._of_avro(file)
        if file.schema_type is SchemaType.JSON:
            return self._of_json(file)
        return self._of_protobuf(file)

    def _of_avro(self, file: SchemaFile) -> Iterator[Reference]:
        names = self._names[file.path]
        for candidates in names.used:
            if any(name in names.defined for name in candidates):
                continue
            for name in candidates:
                others = self._by_type.get(name, [])
                # A file whose own type has the name is meant before one that has it inside.
                roots = [other for other in others if self._names[other.path].root == name]
                other = _only(file, name, roots or others)
                if other is not None:
                    # One reference per file: a second name in it would bring its types a second time.
                    yield Reference(self._names[other.path].root or name, other.name, LATEST)
                    break

    def _of_json(self, file: SchemaFile) -> Iterator[Reference]:
        root = _json(file)
        base = _id(root)
        for uri in _refs(root):
            by_id = self._by_id.get(uri) or (self._by_id.get(urljoin(base, uri)) if base else None) or []
            other = _only(file, uri, [each for each in by_id if each is not file])
            if other is None:
                path = posixpath.normpath(posixpath.join(posixpath.dirname(_relative(file)), uri))
                other = self._by_path.get((SchemaType.JSON, path))
            if other is not None and other is not file:
                yield Reference(uri, other.name, LATEST)

    def _of_protobuf(self, file: SchemaFile) -> Iterator[Reference]:
        # The parser of Protobuf is imported only where there is Protobuf.
        from llm_schema_registry.formats.protobuf.parser import parse_file

        try:
            paths = [item.path for item in parse_file(file.text).imports]
        except InvalidSchemaError:
            return
        for path in paths:
            other = self._by_path.get((SchemaType.PROTOBUF, path))
            if other is None and not path.startswith(_BUNDLED_IMPORTS):
                other = _only(file, path, [each for each in self._protobuf() if _ends_alike(_relative(each), path)])
            if other is not None and other is not file:
                yield Reference(path, other.name, LATEST)

    def _protobuf(self) -> Iterable[SchemaFile]:
        return (file for (schema_type, _), file in self._by_path.items() if schema_type is SchemaType.PROTOBUF)


class _AvroNames:
    """The full names that a text defines, and those that it uses: each as what it could mean, nearest first."""

    def __init__(self, root: Any) -> None:
        self.defined: dict[str, None] = {}
        self.used: dict[tuple[str, ...], None] = {}
        self._walk(root, "")
        kind = root.get("type") if isinstance(root, dict) else None
        is_named = isinstance(kind, str) and kind in _AVRO_NAMED
        self.root = next(iter(self.defined), None) if is_named else None

    def _walk(self, root: Any, namespace: str) -> None:
        pending = [(root, namespace)]
        while pending:
            node, namespace = pending.pop()
            if isinstance(node, list):
                pending += [(each, namespace) for each in node]
            elif isinstance(node, str) and node not in _AVRO_PLAIN:
                inside = f"{namespace}.{node}" if namespace and "." not in node else node
                self.used[tuple(dict.fromkeys((inside, node)))] = None
            elif isinstance(node, dict):
                kind = node.get("type")
                if isinstance(kind, str) and kind in _AVRO_NAMED:
                    namespace = self._define(node, namespace)
                    fields = node.get("fields")
                    pending += [
                        (field.get("type"), namespace)
                        for field in (fields if isinstance(fields, list) else ())
                        if isinstance(field, dict)
                    ]
                else:
                    pending += [(node.get(key), namespace) for key in ("type", "items", "values")]

    def _define(self, node: dict[str, Any], namespace: str) -> str:
        name, own = node.get("name"), node.get("namespace", namespace)
        if not isinstance(name, str) or not isinstance(own, str):
            return namespace
        full = name if "." in name or not own else f"{own}.{name}"
        self.defined[full] = None
        return full.rpartition(".")[0]


def _json(file: SchemaFile) -> Any:
    """The JSON of a text; `None` if it is none, which the registry will say better."""
    try:
        return msgspec.json.decode(file.text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _id(root: Any) -> str:
    own = (root.get("$id") or root.get("id")) if isinstance(root, dict) else None
    return own.partition("#")[0] if isinstance(own, str) else ""


def _refs(root: Any) -> Iterator[str]:
    """The documents that `$ref`s name, without fragments."""
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            pending += [value for key, value in node.items() if key not in _JSON_DATA]
            uri = node.get("$ref")
            if isinstance(uri, str) and (document := uri.partition("#")[0]):
                yield document


def _relative(file: SchemaFile) -> str:
    return file.name + PurePosixPath(file.path).suffix


def _ends_alike(one: str, other: str) -> bool:
    return one.endswith(f"/{other}") or other.endswith(f"/{one}")


def _only(file: SchemaFile, name: str, found: Sequence[SchemaFile]) -> SchemaFile | None:
    if len(found) > 1:
        raise CliError(
            f"{file.path} refers to {name}, which is in {found[0].path} and in {found[1].path}",
            f"Rename one, or say which with --reference {name}=SUBJECT@VERSION.",
        )
    return found[0] if found else None
