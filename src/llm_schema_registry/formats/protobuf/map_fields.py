"""Maps that are written out: `repeated FooEntry foo = 1;` beside `message FooEntry { option map_entry = true; … }`.

Clients that make their text from descriptors register maps so. The compiler wants `map<K, V> foo = 1;`, which means
the same to whoever reads data.
"""

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from llm_schema_registry.formats.protobuf.ast import Extend, Field, File, Group, Literal, Message

OPTION = "map_entry"
"""A text without this word has no map that is written out."""


def with_map_fields(file: File) -> File:
    """`file` with a map field in the place of every map that is written out."""
    return replace(
        file,
        messages=tuple(_message(message, file.package) for message in file.messages),
        extends=_extends(file.extends, file.package),
    )


def _message(message: Message, outer: str) -> Message:
    scope = f"{outer}.{message.name}" if outer else message.name
    names = Counter(nested.name for nested in message.messages)
    entries = {nested.name: nested for nested in message.messages if names[nested.name] == 1 and _is_entry(nested)}
    fields = []
    used = set()
    for field in message.fields:
        name = field.type.rpartition(".")[2]
        entry = entries.get(name) if field.label == "repeated" else None
        if entry is not None and f".{scope}.{name}".endswith(f".{field.type.removeprefix('.')}"):
            field = _map_field(field, entry)
            used.add(name)
        fields.append(field)
    return replace(
        message,
        fields=tuple(fields),
        messages=tuple(_message(nested, scope) for nested in message.messages if nested.name not in used),
        groups=tuple(_group(group, scope) for group in message.groups),
        extends=_extends(message.extends, scope),
        oneofs=tuple(
            replace(oneof, groups=tuple(_group(group, scope) for group in oneof.groups)) for oneof in message.oneofs
        ),
    )


def _extends(extends: Iterable[Extend], scope: str) -> tuple[Extend, ...]:
    return tuple(replace(extend, groups=tuple(_group(group, scope) for group in extend.groups)) for extend in extends)


def _group(group: Group, scope: str) -> Group:
    return replace(group, body=_message(group.body, scope))


def _is_entry(message: Message) -> bool:
    marked = any(
        option.name == (OPTION,) and isinstance(option.value, Literal) and option.value.text == "true"
        for option in message.options
    )
    if not marked or message.messages or message.enums or message.oneofs or message.groups:
        return False
    return [(field.number, field.label in {None, "optional"}) for field in message.fields] == [(1, True), (2, True)]


def _map_field(field: Field, entry: Message) -> Field:
    key, value = entry.fields
    return replace(field, label=None, map_key=key.type, type=value.type)
