"""Inline tags of messages and fields: the options `(confluent.message_meta)` and `(confluent.field_meta)`.

Paths are written `.Message.Nested.field`; a leading package, and the dot, may be there or not.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.format import Entity, EntityKind, changed_tags, spend_on, untaggable
from llm_schema_registry.formats.protobuf.ast import (
    Aggregate,
    Field,
    Import,
    ListValue,
    Literal,
    LiteralKind,
    Message,
    Option,
    OptionValue,
)
from llm_schema_registry.formats.protobuf.canonical import canonical_text
from llm_schema_registry.formats.protobuf.schema import ProtobufSchema

_IMPORT: Final = "confluent/meta.proto"
_META: Final = {EntityKind.RECORD: "(confluent.message_meta)", EntityKind.FIELD: "(confluent.field_meta)"}
_TAGS: Final = "tags"


def tags(schema: ProtobufSchema, budget: Budget) -> dict[Entity, tuple[str, ...]]:
    """The messages and fields of a file with their tags; groups are messages, their statements no fields."""
    found: dict[Entity, tuple[str, ...]] = {}
    for message in schema.file.messages:
        _find(message, "", found, budget)
    return found


def with_tags(
    schema: ProtobufSchema,
    add: Mapping[Entity, Sequence[str]],
    remove: Mapping[Entity, Sequence[str]],
    budget: Budget,
) -> str:
    """The text with other tags; see `Format.with_tags`. Imports what the options are declared in."""
    found = tags(schema, budget)
    changed: dict[Entity, list[str]] = {}
    for named in dict.fromkeys((*add, *remove)):
        entity = _own(named, schema.file.package, found)
        if entity is None:
            raise untaggable(named, next((each.path for each in found if each.kind is named.kind), ""))
        before = changed.get(entity, found[entity])
        changed[entity] = changed_tags(before, add.get(named, ()), remove.get(named, ()))
    file = schema.file
    imports = file.imports
    if any(changed.values()) and all(each.path != _IMPORT for each in imports):
        imports = (*imports, Import(_IMPORT))
    messages = tuple(_changed(message, "", changed) for message in file.messages)
    return canonical_text(msgspec.structs.replace(file, imports=imports, messages=messages))


def _own(named: Entity, package: str, found: Mapping[Entity, object]) -> Entity | None:
    """The entity that a path means, however it is written."""
    path = "." + named.path.removeprefix(".")
    for candidate in (path, path.removeprefix(f".{package}") if package else path):
        entity = named._replace(path=candidate)
        if entity in found:
            return entity
    return None


def _find(message: Message, scope: str, found: dict[Entity, tuple[str, ...]], budget: Budget) -> None:
    path = f"{scope}.{message.name}"
    found[spend_on(Entity(path, EntityKind.RECORD), budget)] = _tags(message.options, EntityKind.RECORD)
    for field in (*message.fields, *(field for oneof in message.oneofs for field in oneof.fields)):
        entity = Entity(f"{path}.{field.name}", EntityKind.FIELD)
        found[spend_on(entity, budget)] = _tags(field.options, EntityKind.FIELD)
    for group in (*message.groups, *(group for oneof in message.oneofs for group in oneof.groups)):
        _find(group.body, path, found, budget)
    for nested in message.messages:
        _find(nested, path, found, budget)


def _changed(message: Message, scope: str, changed: Mapping[Entity, Sequence[str]]) -> Message:
    path = f"{scope}.{message.name}"

    def fields(members: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(
            field
            if (new := changed.get(Entity(f"{path}.{field.name}", EntityKind.FIELD))) is None
            else msgspec.structs.replace(field, options=_with_tags(field.options, EntityKind.FIELD, new))
            for field in members
        )

    replace = msgspec.structs.replace
    own = changed.get(Entity(path, EntityKind.RECORD))
    return replace(
        message,
        options=message.options if own is None else _with_tags(message.options, EntityKind.RECORD, own),
        fields=fields(message.fields),
        oneofs=tuple(
            replace(
                oneof,
                fields=fields(oneof.fields),
                groups=tuple(replace(group, body=_changed(group.body, path, changed)) for group in oneof.groups),
            )
            for oneof in message.oneofs
        ),
        groups=tuple(replace(group, body=_changed(group.body, path, changed)) for group in message.groups),
        messages=tuple(_changed(nested, path, changed) for nested in message.messages),
    )


def _tags(options: Iterable[Option], kind: EntityKind) -> tuple[str, ...]:
    """The tags in either notation: `(meta).tags = "A"`, repeated, or `(meta) = {tags: ["A", "B"]}`."""
    found: list[str] = []
    for option in options:
        if not _is_meta(option, kind):
            continue
        if option.name[1:] == (_TAGS,):
            found += _strings(option.value)
        elif len(option.name) == 1 and isinstance(option.value, Aggregate):
            found += (text for key, value in option.value.entries if key == _TAGS for text in _strings(value))
    return tuple(found)


def _with_tags(options: tuple[Option, ...], kind: EntityKind, tags: Sequence[str]) -> tuple[Option, ...]:
    """Options with these tags, in the notation that is there already: protoc does not take both for one option."""
    literals = tuple(Literal(LiteralKind.STRING, tag) for tag in tags)
    entry = ((_TAGS, ListValue(literals)),) if tags else ()
    kept: list[Option] = []
    dotted = placed = False
    for option in options:
        if not _is_meta(option, kind):
            kept.append(option)
        elif len(option.name) == 1 and isinstance(option.value, Aggregate):
            entries = tuple(each for each in option.value.entries if each[0] != _TAGS) + entry
            placed = True
            if entries:
                kept.append(Option(option.name, Aggregate(entries)))
        else:
            dotted = True
            if option.name[1:] != (_TAGS,):
                kept.append(option)
    if placed or not tags:
        return tuple(kept)
    name = _META[kind]
    if dotted:
        return (*kept, *(Option((name, _TAGS), literal) for literal in literals))
    return (*kept, Option((name,), Aggregate(entry)))


def _is_meta(option: Option, kind: EntityKind) -> bool:
    return option.name[0].replace("(.", "(") == _META[kind]


def _strings(value: OptionValue) -> Iterable[str]:
    items = value.items if isinstance(value, ListValue) else (value,)
    return [item.text for item in items if isinstance(item, Literal) and item.kind is LiteralKind.STRING]
