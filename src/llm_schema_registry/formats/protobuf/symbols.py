"""Names of types: what a file declares, and what a name means where it is written."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from llm_schema_registry.formats.format import Dependency
from llm_schema_registry.formats.protobuf.ast import Enum, Extend, Field, File, Group, Message
from llm_schema_registry.formats.protobuf.map_fields import OPTION, with_map_fields
from llm_schema_registry.formats.protobuf.parser import parse_file
from llm_schema_registry.formats.protobuf.well_known import bundled_text

_REMEMBERED_FILES = 512


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared type.

    Attributes:
        element: the message or enum.
        file: the file that declares it.
    """

    element: Message | Enum
    file: File

    @property
    def package(self) -> str:
        """The package of its file."""
        return self.file.package


class FileTypes:
    """What one file declares, by full name without a leading dot.

    Attributes:
        file: the file.
        types: messages (the bodies of groups included) and enums.
        extensions: extension fields.
    """

    __slots__ = ("extensions", "file", "types")

    def __init__(self, file: File) -> None:
        self.file = file
        self.types: dict[str, Declared] = {}
        self.extensions: dict[str, Field] = {}
        prefix = f"{file.package}." if file.package else ""
        for message in file.messages:
            self._add_message(prefix, message)
        for enum in file.enums:
            self.types[prefix + enum.name] = Declared(enum, file)
        self._add_extends(prefix, file.extends)

    def _add_message(self, prefix: str, message: Message) -> None:
        name = prefix + message.name
        self.types[name] = Declared(message, self.file)
        inner = name + "."
        for nested in message.messages:
            self._add_message(inner, nested)
        for enum in message.enums:
            self.types[inner + enum.name] = Declared(enum, self.file)
        for group in groups_of(message):
            self._add_message(inner, group.body)
        self._add_extends(inner, message.extends)

    def _add_extends(self, prefix: str, extends: Iterable[Extend]) -> None:
        for extend in extends:
            for field in extend.fields:
                self.extensions[prefix + field.name] = field
            for group in extend.groups:
                self._add_message(prefix, group.body)


def groups_of(message: Message) -> Iterator[Group]:
    """The groups of a message, those in oneofs included."""
    yield from message.groups
    for oneof in message.oneofs:
        yield from oneof.groups


@functools.lru_cache(_REMEMBERED_FILES)
def types_of_text(text: str) -> FileTypes:
    """The types of a dependency, remembered by its text.

    Raises:
        InvalidSchemaError: no `.proto` text.
    """
    file = parse_file(text)
    return FileTypes(with_map_fields(file) if OPTION in text else file)


class TypeTable:
    """The types that a file can name: its own and those of everything it imports, transitively."""

    __slots__ = ("files",)

    def __init__(self, file: File, dependencies: Sequence[Dependency]) -> None:
        texts = {dependency.name: dependency.text for dependency in dependencies}
        self.files = [FileTypes(file)]
        seen = set()
        pending = [item.path for item in file.imports]
        while pending:
            path = pending.pop()
            if path in seen:
                continue
            seen.add(path)
            text = texts.get(path)
            if text is None:
                text = bundled_text(path)
            if text is not None:
                found = types_of_text(text)
                self.files.append(found)
                pending.extend(item.path for item in found.file.imports)

    def find(self, full_name: str) -> Declared | None:
        """The type of that full name (no leading dot)."""
        for file in self.files:
            declared = file.types.get(full_name)
            if declared is not None:
                return declared
        return None

    def resolve(self, name: str, scope: str) -> str | None:
        """The full name that `name` means inside the message or package `scope`, innermost scope first.

        `None` if no known type has it.
        """
        return _resolve(name, scope, [file.types for file in self.files])

    def resolve_extension(self, name: str, scope: str) -> str | None:
        """The full name of the extension field that `name` means inside `scope`, `None` if unknown."""
        return _resolve(name, scope, [file.extensions for file in self.files])

    def extension(self, full_name: str) -> Field | None:
        """The extension field of that full name."""
        for file in self.files:
            field = file.extensions.get(full_name)
            if field is not None:
                return field
        return None


def _resolve(name: str, scope: str, tables: Sequence[dict[str, Declared]] | Sequence[dict[str, Field]]) -> str | None:
    if name.startswith("."):
        full_name = name[1:]
        return full_name if any(full_name in table for table in tables) else None
    while scope:
        candidate = f"{scope}.{name}"
        for table in tables:
            if candidate in table:
                return candidate
        scope = scope.rpartition(".")[0]
    return name if any(name in table for table in tables) else None
