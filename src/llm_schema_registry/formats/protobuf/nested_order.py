"""The order of messages in a descriptor: that of the canonical text, which message indexes follow.

protoc puts the entry of a map and the body of a group where the field is written. The canonical text has the fields of
a message first, then its oneofs, groups and extensions, and then the messages in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from google.protobuf import descriptor_pb2 as pb

from llm_schema_registry.formats.protobuf.ast import Extend, File, Group, Message


def in_canonical_order(descriptors: bytes, file: File) -> bytes:
    """A serialized FileDescriptorSet with the messages of its last file in the order of the canonical text of `file`.

    An entry of a map that `file` has as a message keeps its place among the messages.
    """
    if not _is_order_open(file.messages, file.extends):
        return descriptors
    files = pb.FileDescriptorSet.FromString(descriptors)
    last = files.file[-1]
    groups = _groups_of(file.extends)
    _reorder(last.message_type, (*(message.name for message in file.messages), *(group.name for group in groups)))
    _reorder_nested(last.message_type, (*file.messages, *(group.body for group in groups)))
    return files.SerializeToString()


def _is_order_open(messages: Iterable[Message], extends: Sequence[Extend]) -> bool:
    """Whether a text can have its messages in another order than the canonical text."""
    return any(extend.groups for extend in extends) or any(map(_has_open_order, messages))


def _has_open_order(message: Message) -> bool:
    groups = list(_groups_in(message))
    maps = any(field.map_key is not None for field in message.fields)
    written_entries = any(field.label == "repeated" for field in message.fields) and bool(message.messages)
    if (message.messages and (maps or written_entries)) or groups:
        return True
    return any(map(_has_open_order, message.messages))


def _groups_in(message: Message) -> Iterator[Group]:
    for oneof in message.oneofs:
        yield from oneof.groups
    yield from message.groups
    yield from _groups_of(message.extends)


def _groups_of(extends: Iterable[Extend]) -> list[Group]:
    return [group for extend in extends for group in extend.groups]


def _reorder_nested(compiled: Iterable[pb.DescriptorProto], written: Iterable[Message]) -> None:
    elements = {message.name: message for message in written}
    for descriptor in compiled:
        message = elements.get(descriptor.name)
        if message is None:
            continue
        types = {field.name: field.type_name.rpartition(".")[2] for field in descriptor.field}
        groups = list(_groups_in(message))
        names = [
            *(types[field.name] for field in message.fields if field.map_key is not None),
            *(group.name for group in groups),
            *(nested.name for nested in message.messages),
        ]
        _reorder(descriptor.nested_type, names)
        _reorder_nested(descriptor.nested_type, (*message.messages, *(group.body for group in groups)))


def _reorder(compiled: Any, names: Sequence[str]) -> None:
    """Sorts a repeated field of messages by the place of their names."""
    present = [message.name for message in compiled]
    positions = {name: position for position, name in enumerate(names)}
    ordered = sorted(compiled, key=lambda message: positions.get(message.name, len(names)))
    if [message.name for message in ordered] != present:
        copies = [pb.DescriptorProto.FromString(message.SerializeToString()) for message in ordered]
        del compiled[:]
        compiled.extend(copies)
