"""Whether a reader can read what a writer wrote: all differences of two schemas, by the Confluent rules.

Fields are matched by tag over the whole message, members of oneofs included. Types of fields are matched by
their name below the package and then compared structurally, across references. Services, options, reserved
numbers, imports and the syntax do not matter to a reader.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from llm_schema_registry.budget import Budget, BudgetExceededError
from llm_schema_registry.findings import shortened
from llm_schema_registry.formats.format import Difference, DifferenceType, Impact
from llm_schema_registry.formats.protobuf.canonical import field_text
from llm_schema_registry.formats.protobuf.differences import DIFFERENCE_TYPES
from llm_schema_registry.formats.protobuf.elements import Enum, Group
from llm_schema_registry.formats.protobuf.model import (
    FieldKind,
    FieldModel,
    MessageModel,
    ScalarGroup,
    SchemaModel,
    TypeModel,
)

WORK: Final = "The compatibility check"
# A difference inside a message is repeated under every field that holds the message, up to this many.
_MAX_REPEATED: Final = 1_000
# Chains of message types longer than this are given up: each link costs several frames of the stack.
_MAX_CHAIN: Final = 100
_NO_DEPTH: Final = _MAX_CHAIN + 1

_Pair = tuple[str, str]


class _Found(NamedTuple):
    """A difference with its path relative to the message that was compared."""

    type: DifferenceType
    path: str
    reader: str | None = None
    writer: str | None = None


def compare_models(reader: SchemaModel, writer: SchemaModel, budget: Budget) -> list[Difference]:
    """All differences for `reader` reading what `writer` wrote, compatible ones included.

    Order: package, messages, enums; in a message nested types, oneofs, fields by tag.

    Raises:
        BudgetExceededError: too many comparisons, or types nested too deeply.
    """
    return [
        Difference(found.type, "#" + found.path, "", found.reader, found.writer)
        for found in _Comparison(reader, writer, budget).files()
    ]


class _Comparison:
    """One comparison of two schemas; remembers the pairs of messages it has compared."""

    __slots__ = ("_budget", "_done", "_open", "_reader", "_repeated", "_touched", "_writer")

    def __init__(self, reader: SchemaModel, writer: SchemaModel, budget: Budget) -> None:
        self._reader = reader
        self._writer = writer
        self._budget = budget
        self._done: dict[_Pair, list[_Found]] = {}
        self._open: dict[_Pair, int] = {}
        # The outermost open pair that the current message was found equal to by assumption: what rests on
        # such an assumption is not remembered.
        self._touched = _NO_DEPTH
        self._repeated = 0

    def files(self) -> Iterator[_Found]:
        """Differences of the whole files."""
        reader, writer = self._reader, self._writer
        if reader.package != writer.package:
            yield _found("PACKAGE_CHANGED", "/", reader.package, writer.package)
        yield from self._types(reader.messages, writer.messages, reader.enums, writer.enums)

    def _types(
        self,
        reader_messages: dict[str, str],
        writer_messages: dict[str, str],
        reader_enums: dict[str, Enum],
        writer_enums: dict[str, Enum],
    ) -> Iterator[_Found]:
        reader_positions = {name: position for position, name in enumerate(reader_messages)}
        for position, (name, writer_type) in enumerate(writer_messages.items()):
            path = "/" + name
            reader_type = reader_messages.get(name)
            if reader_type is None:
                yield _found("MESSAGE_REMOVED", path, None, f"message {name}")
                continue
            for found in self._message_pair(reader_type, writer_type):
                yield found._replace(path=path + found.path)
            if reader_positions[name] != position:
                yield _found("MESSAGE_MOVED", path)
        for name in reader_messages:
            if name not in writer_messages:
                yield _found("MESSAGE_ADDED", "/" + name, f"message {name}", None)
        if reader_enums or writer_enums:
            yield from _enums(reader_enums, writer_enums)

    def _message_pair(self, reader_name: str, writer_name: str) -> list[_Found]:
        """Differences of two messages; none while the same two are being compared further out."""
        pair = (reader_name, writer_name)
        done = self._done.get(pair)
        if done is not None:
            return done
        depth = self._open.get(pair)
        if depth is not None:
            self._touched = min(self._touched, depth)
            return []
        depth = len(self._open)
        if depth > _MAX_CHAIN:
            raise BudgetExceededError(WORK)
        outer_touched, self._touched = self._touched, _NO_DEPTH
        self._open[pair] = depth
        found = list(self._messages(self._reader.message(reader_name), self._writer.message(writer_name)))
        del self._open[pair]
        if self._touched >= depth:
            self._done[pair] = found
            self._touched = outer_touched
        else:
            self._touched = min(self._touched, outer_touched)
        return found

    def _messages(self, reader: MessageModel, writer: MessageModel) -> Iterator[_Found]:
        self._budget.spend(1 + len(reader.fields) + len(writer.fields))
        if reader.messages or writer.messages or reader.enums or writer.enums:
            yield from self._types(reader.messages, writer.messages, reader.enums, writer.enums)
        if reader.oneofs or writer.oneofs:
            yield from _oneofs(reader, writer)
        for tag in sorted(reader.fields.keys() | writer.fields.keys()):
            reader_field = reader.fields.get(tag)
            writer_field = writer.fields.get(tag)
            if writer_field is None:
                if reader_field is not None:
                    yield from _added(reader_field, tag, writer)
            elif reader_field is None:
                yield from _removed(writer_field, tag, reader, writer)
            else:
                if writer_field.oneof is not None and reader_field.oneof is None:
                    path = _path(writer_field, tag)
                    yield _field_found("ONEOF_FIELD_MOVED_TO_TOP_LEVEL", path, reader_field, writer_field)
                yield from self._fields(_path(reader_field, tag), reader_field, writer_field)

    def _fields(self, path: str, reader: FieldModel, writer: FieldModel) -> Iterator[_Found]:
        if reader.element.name != writer.element.name:
            yield _field_found("FIELD_NAME_CHANGED", path, reader, writer)
        kind = reader.kind
        if kind is not writer.kind:
            yield _field_found("FIELD_KIND_CHANGED", path, reader, writer)
            return
        if reader.key is not None and writer.key is not None:
            for name in self._value_types(reader.key, writer.key):
                yield _field_found(name, path, reader, writer)
        if kind is FieldKind.SCALAR or (kind is FieldKind.MAP and reader.type.kind is not FieldKind.MESSAGE):
            for name in self._value_types(reader.type, writer.type):
                yield _field_found(name, path, reader, writer)
            if (
                reader.label != writer.label
                and reader.label is not None
                and writer.label is not None
                and reader.type.scalar is writer.type.scalar
            ):
                yield _field_found(_label_change(reader), path, reader, writer)
        elif reader.type.kind is not writer.type.kind:
            yield _field_found("FIELD_KIND_CHANGED", path, reader, writer)
        else:
            yield from self._message_fields(path, reader, writer)

    def _value_types(self, reader: TypeModel, writer: TypeModel) -> Iterator[str]:
        if reader.kind is not writer.kind:
            yield "FIELD_KIND_CHANGED"
        elif reader.scalar is not writer.scalar:
            yield "FIELD_SCALAR_KIND_CHANGED"

    def _message_fields(self, path: str, reader: FieldModel, writer: FieldModel) -> Iterator[_Found]:
        compatible = reader.type.local_name == writer.type.local_name
        if compatible and reader.type.full_name is not None and writer.type.full_name is not None:
            inner = self._message_pair(reader.type.full_name, writer.type.full_name)
            compatible = all(found.type.impact is Impact.COMPATIBLE for found in inner)
            if self._repeated < _MAX_REPEATED:
                self._repeated += len(inner)
                for found in inner:
                    yield found._replace(path=path + found.path)
        if not compatible:
            yield _field_found("FIELD_NAMED_TYPE_CHANGED", path, reader, writer)


def _label_change(reader: FieldModel) -> str:
    if reader.type.scalar is ScalarGroup.STRING_OR_BYTES:
        return "FIELD_STRING_OR_BYTES_LABEL_CHANGED"
    return "FIELD_NUMERIC_LABEL_CHANGED"


def _enums(reader: dict[str, Enum], writer: dict[str, Enum]) -> Iterator[_Found]:
    for name, writer_enum in writer.items():
        path = "/" + name
        reader_enum = reader.get(name)
        if reader_enum is None:
            yield _found("ENUM_REMOVED", path, None, f"enum {name}")
        else:
            yield from _constants(path, reader_enum, writer_enum)
    for name in reader:
        if name not in writer:
            yield _found("ENUM_ADDED", "/" + name, f"enum {name}", None)


def _constants(path: str, reader: Enum, writer: Enum) -> Iterator[_Found]:
    reader_names = {value.number: value.name for value in reader.values}
    writer_names = {value.number: value.name for value in writer.values}
    if reader_names == writer_names:
        return
    for number in sorted(reader_names.keys() | writer_names.keys()):
        reader_name = reader_names.get(number)
        writer_name = writer_names.get(number)
        if reader_name == writer_name:
            continue
        if reader_name is None:
            change = "ENUM_CONST_REMOVED"
        else:
            change = "ENUM_CONST_ADDED" if writer_name is None else "ENUM_CONST_CHANGED"
        yield _found(change, f"{path}/{number}", reader_name, writer_name)


def _oneofs(reader: MessageModel, writer: MessageModel) -> Iterator[_Found]:
    for name in writer.oneofs:
        if name not in reader.oneofs:
            yield _found("ONEOF_REMOVED", "/" + name, None, f"oneof {name}")
    for name, tags in reader.oneofs.items():
        # Where the members come from that existed before: a oneof is one origin, each other field is its own.
        before = [writer.fields[tag] for tag in tags if tag in writer.fields]
        alone = sum(field.oneof is None for field in before)
        origins = alone + len({field.oneof for field in before if field.oneof is not None})
        if origins > 1:
            change = "MULTIPLE_FIELDS_MOVED_TO_ONEOF" if alone > 1 else "FIELD_MOVED_TO_EXISTING_ONEOF"
            yield _found(change, "/" + name, f"oneof {name}", None)
        elif name not in writer.oneofs:
            yield _found("ONEOF_ADDED", "/" + name, f"oneof {name}", None)


def _added(field: FieldModel, tag: int, writer: MessageModel) -> Iterator[_Found]:
    if field.oneof is None:
        change = "REQUIRED_FIELD_ADDED" if field.label == "required" else "FIELD_ADDED"
        yield _field_found(change, _path(field, tag), field, None)
    elif field.oneof in writer.oneofs:
        yield _field_found("ONEOF_FIELD_ADDED", _path(field, tag), field, None)


def _removed(field: FieldModel, tag: int, reader: MessageModel, writer: MessageModel) -> Iterator[_Found]:
    if field.oneof is None:
        change = "REQUIRED_FIELD_REMOVED" if field.label == "required" else "FIELD_REMOVED"
        yield _field_found(change, _path(field, tag), None, field)
    elif field.oneof in reader.oneofs or any(member in reader.fields for member in writer.oneofs[field.oneof]):
        yield _field_found("ONEOF_FIELD_REMOVED", _path(field, tag), None, field)


def _path(field: FieldModel, tag: int) -> str:
    return f"/{tag}" if field.oneof is None else f"/{field.oneof}/{tag}"


def _found(name: str, path: str, reader: str | None = None, writer: str | None = None) -> _Found:
    return _Found(DIFFERENCE_TYPES[name], path, reader, writer)


def _field_found(name: str, path: str, reader: FieldModel | None, writer: FieldModel | None) -> _Found:
    return _Found(DIFFERENCE_TYPES[name], path, _fragment(reader), _fragment(writer))


def _fragment(field: FieldModel | None) -> str | None:
    if field is None:
        return None
    element = field.element
    if isinstance(element, Group):
        label = f"{element.label} " if element.label else ""
        return f"{label}group {element.name} = {element.number}"
    return shortened(field_text(element).removesuffix(";\n"))
