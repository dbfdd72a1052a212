"""Strings of descriptors that are not UTF-8: protoc accepts them, runtimes cannot load or print them."""

import re
from typing import Final

from google.protobuf import descriptor_pb2 as pb
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.format import InvalidSchemaError

ESCAPED_BYTE: Final = re.compile(r"\\(?:[xX][89a-fA-F]|[23][0-7]|[uU]0*[dD][89a-fA-F])")
"""A text without a match has only valid strings: these escapes write a byte from 0x80 on, or a surrogate."""

_KINDS: Final[dict[type[Message], str]] = {
    pb.DescriptorProto: "message",
    pb.FieldDescriptorProto: "field",
    pb.OneofDescriptorProto: "oneof",
    pb.EnumDescriptorProto: "enum",
    pb.EnumValueDescriptorProto: "enum value",
    pb.ServiceDescriptorProto: "service",
    pb.MethodDescriptorProto: "method",
}
_LABELS: Final = {"default_value": "default"}


def refuse_invalid_strings(file: pb.FileDescriptorProto) -> None:
    """Refuses a file with a string that is not UTF-8.

    Raises:
        InvalidSchemaError: it has one; the message names the place.
    """
    found = invalid_string(file)
    if found is not None:
        message = f"The {found} is not UTF-8."
        raise InvalidSchemaError(message, (Finding(code="protobuf.INVALID", message=message),))


def invalid_string(file: pb.FileDescriptorProto) -> str | None:
    """The first string of a file that is not UTF-8, such as `json_name of field "a" in message "M"`.

    `None` if all strings are valid. Custom options are not read: only their declaration knows which are strings.
    """
    return _invalid_string(file, "the file", "")


def _invalid_string(element: Message, owner: str, outer: str) -> str | None:
    for field, value in element.ListFields():
        if field.is_extension:
            continue
        values = value if field.is_repeated else (value,)
        if field.type == FieldDescriptor.TYPE_STRING and any(isinstance(item, bytes) for item in values):
            return f"{_LABELS.get(field.name, field.name)} of {owner}{outer}"
        for item in values if field.message_type is not None else ():
            kind = _KINDS.get(type(item))
            if kind is None:
                found = _invalid_string(item, owner, outer)
            else:
                inside = "" if isinstance(element, pb.FileDescriptorProto) else f" in {owner}"
                found = _invalid_string(item, f'{kind} "{item.name}"', inside)
            if found is not None:
                return found
    return None
