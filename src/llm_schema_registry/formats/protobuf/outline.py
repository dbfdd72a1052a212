"""The field tree of a schema, with the documentation and tags of `(confluent.field_meta)`."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from llm_schema_registry.formats.format import OutlineField
from llm_schema_registry.formats.protobuf.ast import (
    Aggregate,
    Enum,
    Field,
    Group,
    ListValue,
    Literal,
    LiteralKind,
    Message,
    Option,
    OptionValue,
)
from llm_schema_registry.formats.protobuf.model import SCALARS, label_of
from llm_schema_registry.formats.protobuf.schema import ProtobufSchema
from llm_schema_registry.formats.protobuf.symbols import TypeTable

MAX_FIELDS: Final = 5_000
_MAX_DEPTH: Final = 50
_META: Final = "confluent.field_meta"
_WELL_KNOWN: Final = "google.protobuf."
_WORDS: Final = {"true": True, "false": False}


def outline_of(schema: ProtobufSchema) -> list[OutlineField]:
    """The fields of all messages, at most `MAX_FIELDS`, and at most 50 messages deep.

    The first message is the one payloads have by default: its paths have no prefix. Each further top-level
    message has its name in front (`Other.field`). Types below google.protobuf are leaves.
    """
    fields: list[OutlineField] = []
    package = schema.meaning.package
    tree = _Tree(schema.types)
    for index, message in enumerate(schema.meaning.messages):
        prefix = "" if index == 0 else f"{message.name}."
        full_name = f"{package}.{message.name}" if package else message.name
        for field in tree.fields(prefix, full_name, message, (full_name,)):
            fields.append(field)
            if len(fields) == MAX_FIELDS:
                return fields
    return fields


class _Tree:
    def __init__(self, types: TypeTable) -> None:
        self._types = types

    def fields(self, prefix: str, scope: str, message: Message, ancestors: tuple[str, ...]) -> Iterator[OutlineField]:
        """The fields of a message and below, `ancestors` being the messages that lead there."""
        for element in _members(message):
            path = prefix + element.name
            if isinstance(element, Group):
                path = prefix + element.name.lower()
                full_name: str | None = f"{scope}.{element.name}"
            else:
                full_name = None if element.type in SCALARS else self._types.resolve(element.type, scope)
            yield self._row(path, element, full_name)
            if full_name is None or full_name in ancestors or len(ancestors) == _MAX_DEPTH:
                continue
            if full_name.startswith(_WELL_KNOWN):
                continue
            declared = self._types.find(full_name)
            if declared is not None and isinstance(declared.element, Message):
                below = path + _suffix(element)
                yield from self.fields(below, full_name, declared.element, (*ancestors, full_name))

    def _row(self, path: str, element: Field | Group, full_name: str | None) -> OutlineField:
        required = label_of(element) == "required"
        meta = list(_meta(element.options))
        doc = next((item.text for key, item in meta if key == "doc" and isinstance(item, Literal)), None)
        tags = tuple(tag for key, item in meta if key == "tags" for tag in _strings(item))
        default = _json_default(element.default) if isinstance(element, Field) and element.default else None
        return OutlineField(path, self._type(element, full_name), required, default, doc, tags)

    def _type(self, element: Field | Group, full_name: str | None) -> str:
        if isinstance(element, Group):
            name = element.name
        elif full_name is None:
            name = element.type.removeprefix(".")
        else:
            declared = self._types.find(full_name)
            local = full_name
            if declared is not None and declared.package and not full_name.startswith(_WELL_KNOWN):
                local = full_name.removeprefix(f"{declared.package}.")
            name = f"enum<{local}>" if declared is not None and isinstance(declared.element, Enum) else local
        if isinstance(element, Field) and element.map_key is not None:
            return f"map<{element.map_key}, {name}>"
        return f"array<{name}>" if element.label == "repeated" else name


def _members(message: Message) -> Iterator[Field | Group]:
    yield from message.fields
    for oneof in message.oneofs:
        yield from oneof.fields
        yield from oneof.groups
    yield from message.groups


def _suffix(element: Field | Group) -> str:
    if isinstance(element, Field) and element.map_key is not None:
        return "{}."
    return "[]." if element.label == "repeated" else "."


def _meta(options: Sequence[Option]) -> Iterator[tuple[str, OptionValue]]:
    """The entries of `(confluent.field_meta)` in either notation."""
    for option in options:
        if option.name[0].strip("().") != _META:
            continue
        if len(option.name) == 2:
            yield option.name[1], option.value
        elif len(option.name) == 1 and isinstance(option.value, Aggregate):
            yield from option.value.entries


def _strings(value: OptionValue) -> Iterator[str]:
    items = value.items if isinstance(value, ListValue) else (value,)
    for item in items:
        if isinstance(item, Literal) and item.kind is LiteralKind.STRING:
            yield item.text


def _json_default(value: OptionValue) -> str | None:
    if not isinstance(value, Literal):
        return None
    if value.kind is LiteralKind.NUMBER:
        return value.text
    return json.dumps(_WORDS.get(value.text, value.text))
