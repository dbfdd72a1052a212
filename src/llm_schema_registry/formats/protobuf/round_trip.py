"""Whether a reader got what was written, apart from what its own schema leaves out or fills in."""

import json
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from llm_schema_registry.core.findings import shortened
from llm_schema_registry.formats.protobuf.descriptor_options import map_entry_of

_SHOWN: Final = 60
_Entries = Mapping[Any, tuple[FieldDescriptor, Any]]


def misread(written: Message, found: Message, place: str = "") -> str | None:
    """What is the first field that did not arrive as it was written, as a sentence; `None` if all did.

    Fields are matched by number. One that the reader does not know is kept as unknown, one that was not written
    has the reader's default: neither is a misreading. Numbers count by their value, enums by their number, texts
    and bytes by their bytes, and one value is as good as a list of one.

    Args:
        written: the message as its writer knows it.
        found: the same bytes as the reader knows them.
        place: behind the number of a field, which message it is in.
    """
    known: Mapping[int, Any] = type(found).DESCRIPTOR.fields_by_number
    field: FieldDescriptor
    for field, value in type(written).ListFields(written):
        other = known.get(field.number)
        if other is None or field.is_extension:
            continue
        here = f"field {field.number}{place}"
        if other.has_presence and not type(found).HasField(found, other.name):
            return f"{here} was written as {_shown(field, value)} and is missing"
        problem = _misread_field(field, value, other, getattr(found, other.name), here)
        if problem is not None:
            return problem
    return None


def _misread_field(field: FieldDescriptor, value: Any, other: FieldDescriptor, found: Any, here: str) -> str | None:
    if map_entry_of(field) is not None or map_entry_of(other) is not None:
        return _misread_map(field, value, other, found, here)
    items = list(value) if field.is_repeated else [value]
    others = list(found) if other.is_repeated else [found]
    if len(items) != len(others):
        return f"{here} was written as {_shown(field, value)} and read as {_shown(other, found)}"
    for item, found_item in zip(items, others, strict=True):
        problem = _misread_item(field, item, other, found_item, here)
        if problem is not None:
            return problem
    return None


def _misread_map(field: FieldDescriptor, value: Any, other: FieldDescriptor, found: Any, here: str) -> str | None:
    entries, others = _entries(field, value), _entries(other, found)
    if entries is None or others is None:
        return f"{here} was written as {_shown(field, value)} and read as {_shown(other, found)}"
    for key, (value_field, item) in entries.items():
        if key not in others:
            return f"{here} was written with the key {_shown_scalar(key)} and read without it"
        problem = _misread_item(value_field, item, *others[key], here)
        if problem is not None:
            return problem
    return None if len(value) == len(found) else f"{here} was read with other keys than it was written with"


def _entries(field: FieldDescriptor, value: Any) -> _Entries | None:
    """A map, or a list of messages that are encoded as the entries of a map are, by key; `None` if it is neither."""
    map_entry = map_entry_of(field)
    if map_entry is not None:
        return {key: (map_entry[1], value[key]) for key in value}
    numbers = field.message_type.fields_by_number if field.is_repeated and field.message_type is not None else {}
    key_field, value_field = numbers.get(1), numbers.get(2)
    if key_field is None or value_field is None or key_field.is_repeated or key_field.message_type is not None:
        return None
    return {getattr(item, key_field.name): (value_field, getattr(item, value_field.name)) for item in value}


def _misread_item(field: FieldDescriptor, item: Any, other: FieldDescriptor, found: Any, here: str) -> str | None:
    if isinstance(item, Message) and isinstance(found, Message):
        return misread(item, found, f" of {type(item).DESCRIPTOR.full_name}")
    same = not isinstance(item, Message) and not isinstance(found, Message) and _same_scalar(item, found)
    return None if same else f"{here} was written as {_shown_item(field, item)} and read as {_shown_item(other, found)}"


def _same_scalar(item: Any, found: Any) -> bool:
    if isinstance(item, str):
        item = item.encode()
    if isinstance(found, str):
        found = found.encode()
    not_a_number = item != item and found != found
    return bool(item == found or not_a_number)


def _shown(field: FieldDescriptor, value: Any) -> str:
    if not field.is_repeated:
        return _shown_item(field, value)
    return f"a map of {len(value)}" if map_entry_of(field) is not None else f"a list of {len(value)}"


def _shown_item(field: FieldDescriptor, value: Any) -> str:
    if isinstance(value, Message):
        return f"a {type(value).DESCRIPTOR.full_name}"
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return f"{value} ({named.name})" if named is not None else str(value)
    return _shown_scalar(value)


def _shown_scalar(value: Any) -> str:
    if isinstance(value, bytes):
        return f"the bytes {shortened(value.hex(' '), _SHOWN)}" if value else "no bytes"
    return shortened(json.dumps(value, ensure_ascii=False), _SHOWN)
