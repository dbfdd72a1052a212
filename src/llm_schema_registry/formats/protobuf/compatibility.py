"""Whether a reader can read what a writer wrote: all differences of two schemas, by the Confluent rules.

Fields are matched by tag over the whole message, members of oneofs included. Types of fields are matched by
their name below the package and then compared structurally, across references. Services, options, reserved
numbers, imports and the syntax do not matter to a reader.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.core.findings import shortened
from llm_schema_registry.formats.format import Difference, DifferenceType, Impact, InconsistentComparisonError
from llm_schema_registry.formats.protobuf.ast import Enum, Group
from llm_schema_registry.formats.protobuf.canonical import field_text
from llm_schema_registry.formats.protobuf.differences import DIFFERENCE_TYPES
from llm_schema_registry.formats.protobuf.model import (
    FieldKind,
    FieldModel,
    MessageModel,
    ScalarGroup,
    SchemaModel,
)

WORK: Final = "The compatibility check"
# Differences inside a message are repeated under every field that holds the message: up to so many times, and
# so many messages deep. Past that, a field only says that its message is not compatible.
_MAX_EXPANSIONS: Final = 1_000
_MAX_DEPTH: Final = 100

_Pair = tuple[str, str]


class _Found(NamedTuple):
    """A difference with its path, in a message the path below the message."""

    type: DifferenceType
    path: str
    reader: str | None = None
    writer: str | None = None


class _Inner(NamedTuple):
    """A place in a message where two other messages meet: nested by the same name, or the types of a field.

    Attributes:
        pair: reader's and writer's message.
        path: the path below the message.
        changed: the difference to report if the two are incompatible; `None` for nested messages.
    """

    pair: _Pair
    path: str
    changed: _Found | None


def compare_models(reader: SchemaModel, writer: SchemaModel, budget: Budget) -> list[Difference]:
    """All differences for `reader` reading what `writer` wrote, compatible ones included.

    Order: package, messages, enums; in a message nested types, oneofs, fields by tag. A message that is being
    compared counts as compatible where it meets itself again, so recursive types come to an end.

    Raises:
        BudgetExceededError: too many comparisons.
    """
    return [
        Difference(found.type, "#" + found.path, "", found.reader, found.writer)
        for found in _Comparison(reader, writer, budget).files()
    ]


class _Comparison:
    """One comparison of two schemas.

    Each pair of messages that meet is compared once by itself (`_own`); which pairs are different or
    incompatible through others follows from that, and the report is written by walking over the pairs.
    """

    __slots__ = ("_budget", "_different", "_expansions", "_incompatible", "_own", "_reader", "_report", "_writer")

    def __init__(self, reader: SchemaModel, writer: SchemaModel, budget: Budget) -> None:
        self._reader = reader
        self._writer = writer
        self._budget = budget
        self._own: dict[_Pair, list[_Found | _Inner]] = {}
        self._different: set[_Pair] = set()
        self._incompatible: set[_Pair] = set()
        self._report: list[_Found] = []
        self._expansions = 0

    def files(self) -> list[_Found]:
        """Differences of the whole files."""
        reader, writer = self._reader, self._writer
        if reader.package != writer.package:
            self._report.append(_found("PACKAGE_CHANGED", "/", reader.package, writer.package))
        top = list(_types(reader.messages, writer.messages, reader.enums, writer.enums))
        self._compare_pairs([item.pair for item in top if isinstance(item, _Inner)])
        for item in top:
            if isinstance(item, _Found):
                self._report.append(item)
            elif item.pair in self._different:
                self._expand(item.pair, item.path, {item.pair})
        if self._incompatible and not any(found.type.impact is Impact.INCOMPATIBLE for found in self._report):
            raise InconsistentComparisonError
        return self._report

    def _compare_pairs(self, pending: list[_Pair]) -> None:
        """Compares these pairs and all that meet in them, and finds out which are different and incompatible."""
        holders: dict[_Pair, list[_Pair]] = {}
        while pending:
            pair = pending.pop()
            if pair in self._own:
                continue
            reader, writer = self._reader.message(pair[0]), self._writer.message(pair[1])
            self._budget.spend(1 + len(reader.fields) + len(writer.fields))
            own = self._own[pair] = list(_messages(reader, writer))
            for item in own:
                if isinstance(item, _Inner):
                    holders.setdefault(item.pair, []).append(pair)
                    pending.append(item.pair)
                else:
                    self._different.add(pair)
                    if item.type.impact is Impact.INCOMPATIBLE:
                        self._incompatible.add(pair)
        _spread(self._different, holders)
        _spread(self._incompatible, holders)

    def _expand(self, pair: _Pair, path: str, open_pairs: set[_Pair]) -> bool:
        """Reports what is different in a pair, at `path`; returns whether any of it is incompatible."""
        incompatible = False
        for item in self._own[pair]:
            if isinstance(item, _Found):
                self._add(item, path)
                incompatible |= item.type.impact is Impact.INCOMPATIBLE
                continue
            inner = item.pair
            if inner not in self._different or inner in open_pairs:
                continue
            # A nested message has no field that could say that it is not compatible.
            is_nested = item.changed is None
            if is_nested or (self._expansions < _MAX_EXPANSIONS and len(open_pairs) < _MAX_DEPTH):
                self._budget.spend()
                self._expansions += 1
                open_pairs.add(inner)
                broken = self._expand(inner, path + item.path, open_pairs)
                open_pairs.remove(inner)
            else:
                broken = inner in self._incompatible
            if broken:
                incompatible = True
                if item.changed is not None:
                    self._add(item.changed, path)
        return incompatible

    def _add(self, found: _Found, path: str) -> None:
        self._budget.spend()
        self._report.append(found._replace(path=path + found.path))


def _spread(pairs: set[_Pair], holders: dict[_Pair, list[_Pair]]) -> None:
    """Adds to `pairs` every pair in which one of them meets, directly or not."""
    pending = list(pairs)
    while pending:
        for holder in holders.get(pending.pop(), ()):
            if holder not in pairs:
                pairs.add(holder)
                pending.append(holder)


def _types(
    reader_messages: dict[str, str],
    writer_messages: dict[str, str],
    reader_enums: dict[str, Enum],
    writer_enums: dict[str, Enum],
) -> Iterator[_Found | _Inner]:
    reader_positions = {name: position for position, name in enumerate(reader_messages)}
    for position, (name, writer_type) in enumerate(writer_messages.items()):
        path = "/" + name
        reader_type = reader_messages.get(name)
        if reader_type is None:
            yield _found("MESSAGE_REMOVED", path, None, f"message {name}")
            continue
        yield _Inner((reader_type, writer_type), path, None)
        if reader_positions[name] != position:
            yield _found("MESSAGE_MOVED", path)
    for name in reader_messages:
        if name not in writer_messages:
            yield _found("MESSAGE_ADDED", "/" + name, f"message {name}", None)
    if reader_enums or writer_enums:
        yield from _enums(reader_enums, writer_enums)


def _messages(reader: MessageModel, writer: MessageModel) -> Iterator[_Found | _Inner]:
    if reader.messages or writer.messages or reader.enums or writer.enums:
        yield from _types(reader.messages, writer.messages, reader.enums, writer.enums)
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
            yield from _fields(_path(reader_field, tag), reader_field, writer_field)


def _fields(path: str, reader: FieldModel, writer: FieldModel) -> Iterator[_Found | _Inner]:
    if reader.name != writer.name:
        yield _field_found("FIELD_NAME_CHANGED", path, reader, writer)
    kind = reader.kind
    # The reference names the change of a scalar's label, and does not see that a field becomes required otherwise.
    named = kind is FieldKind.SCALAR and writer.label is not None
    if reader.label == "required" and writer.label != "required" and not named:
        yield _field_found("REQUIRED_FIELD_ADDED", path, reader, writer)
    if kind is not writer.kind:
        yield _field_found("FIELD_KIND_CHANGED", path, reader, writer)
        return
    if reader.key is not None and writer.key is not None and reader.key.scalar is not writer.key.scalar:
        yield _field_found("FIELD_SCALAR_KIND_CHANGED", path, reader, writer)
    if reader.type.kind is not writer.type.kind:
        yield _field_found("FIELD_KIND_CHANGED", path, reader, writer)
    elif reader.type.kind is not FieldKind.SCALAR:
        yield from _message_types(path, reader, writer)
    elif reader.type.scalar is not writer.type.scalar:
        yield _field_found("FIELD_SCALAR_KIND_CHANGED", path, reader, writer)
    elif reader.label != writer.label and reader.label is not None and writer.label is not None:
        yield _field_found(_label_change(reader), path, reader, writer)


def _message_types(path: str, reader: FieldModel, writer: FieldModel) -> Iterator[_Found | _Inner]:
    changed = _field_found("FIELD_NAMED_TYPE_CHANGED", path, reader, writer)
    if reader.type.local_name != writer.type.local_name:
        yield changed
    elif reader.type.full_name is not None and writer.type.full_name is not None:
        yield _Inner((reader.type.full_name, writer.type.full_name), path, changed)


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
    reader_names, writer_names = _names_by_number(reader), _names_by_number(writer)
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


def _names_by_number(enum: Enum) -> dict[int, str]:
    """The names of each number; aliases in alphabetical order, since theirs means nothing."""
    names: dict[int, str] = {}
    for name, number in sorted((value.name, value.number) for value in enum.values):
        names[number] = f"{names[number]}, {name}" if number in names else name
    return names


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
