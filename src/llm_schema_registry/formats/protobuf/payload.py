"""Payloads: compiled validators for the wire format and for the JSON mapping."""

import re
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, message_factory, unknown_fields
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.message import DecodeError, Message

from llm_schema_registry.findings import Finding, Severity
from llm_schema_registry.formats.format import InvalidSchemaError
from llm_schema_registry.formats.protobuf.descriptor_options import map_entry_of, pool_of
from llm_schema_registry.formats.protobuf.json_mapping import JsonChecker
from llm_schema_registry.formats.protobuf.wire import first_problem

DEFAULT_MESSAGE: Final = (0,)
_MAX_UNKNOWN: Final = 20
_INDEX = re.compile(r"\[([^\]]*)\]")


class ProtobufValidator:
    """Checks payloads of one schema. Fulfils `PayloadValidator`; the default message is the first of the file."""

    def __init__(self, descriptors: bytes) -> None:
        """Compiles the validator.

        Args:
            descriptors: a serialised FileDescriptorSet, the file of the schema last.

        Raises:
            InvalidSchemaError: protoc takes the schema, but the runtime does not (JSON names that collide in proto2).
        """
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptors)
        try:
            pool = pool_of(files)
        except TypeError as error:
            message = f"The Protobuf runtime cannot load this schema: {error}"
            raise InvalidSchemaError(message, (Finding(code="protobuf.INVALID", message=message),)) from None
        self._file: FileDescriptor = pool.FindFileByName(files.file[-1].name)
        self._json = JsonChecker(pool)
        self._found: dict[tuple[int, ...], Descriptor] = {}

    def descriptor(self, message_indexes: tuple[int, ...] = DEFAULT_MESSAGE) -> Descriptor | None:
        """The message that Confluent message indexes name, `None` if there is no such message.

        The first index counts the top-level messages of the file, each further one the messages nested in the
        one before, synthetic map entries included, as descriptors have them.
        """
        found = self._found.get(message_indexes)
        if found is None:
            nested = list(self._file.message_types_by_name.values())
            for index in message_indexes:
                if not 0 <= index < len(nested):
                    return None
                found = nested[index]
                nested = list(found.nested_types)
            if found is not None:
                self._found[message_indexes] = found
        return found

    def check_value(self, value: Any) -> list[Finding]:
        """Findings for a payload in the JSON mapping of the first message."""
        return self.check_value_of(DEFAULT_MESSAGE, value)

    def check_value_of(self, message_indexes: tuple[int, ...], value: Any) -> list[Finding]:
        """Findings for a payload in the JSON mapping of the message that `message_indexes` name."""
        descriptor = self.descriptor(message_indexes)
        return [_no_message(message_indexes)] if descriptor is None else self._json.check(descriptor, value)

    def check_bytes(self, data: bytes) -> list[Finding]:
        """Findings for a payload on the wire, as the first message."""
        return self.check_bytes_of(DEFAULT_MESSAGE, data)

    def check_bytes_of(self, message_indexes: tuple[int, ...], data: bytes) -> list[Finding]:
        """Findings for a payload on the wire, as the message that Confluent's `message_indexes` name.

        Errors: bytes that are no message, strings that are no UTF-8, missing required fields, fields in the
        encoding of another type. Warnings: fields and closed enums' numbers that the schema does not know.
        """
        descriptor = self.descriptor(message_indexes)
        if descriptor is None:
            return [_no_message(message_indexes)]
        message_class: Any = message_factory.GetMessageClass(descriptor)
        try:
            message = message_class.FromString(data)
        except DecodeError:
            return [first_problem(descriptor, data)]
        findings = []
        if not message.IsInitialized():
            findings = [_required_missing(path) for path in message.FindInitializationErrors()]
        size = len(message.SerializePartialToString())
        message.DiscardUnknownFields()
        if len(message.SerializePartialToString()) != size:
            for finding in _unknown_fields(message_class.FromString(data), ""):
                findings.append(finding)
                if len(findings) >= _MAX_UNKNOWN:
                    break
        return findings


def _no_message(message_indexes: tuple[int, ...]) -> Finding:
    indexes = ", ".join(map(str, message_indexes))
    return Finding(
        code="protobuf.NO_MESSAGE",
        message=f"The schema has no message at the indexes [{indexes}].",
        fix="Check that the payload was written with this schema.",
    )


def _required_missing(dotted: str) -> Finding:
    path = "/" + _INDEX.sub(r"/\1", dotted).replace(".", "/")
    return Finding(code="protobuf.REQUIRED_MISSING", path=path, message=f"The required field at {path} is missing.")


def _unknown_fields(message: Message, path: str) -> Iterator[Finding]:
    """A finding for each number that a message or a message in it could not make sense of."""
    unknown = unknown_fields.UnknownFieldSet(message)
    numbers = {unknown[index].field_number for index in range(len(unknown))}
    for number in sorted(numbers):
        yield _unknown_field(message, number, path)
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for step, item in _messages_in(field, value):
            yield from _unknown_fields(item, f"{path}/{field.name}{step}")


def _unknown_field(message: Message, number: int, path: str) -> Finding:
    place = path or "the root"
    field = message.DESCRIPTOR.fields_by_number.get(number)
    if field is None:
        text = f"Field number {number} at {place} is not in message {message.DESCRIPTOR.full_name}."
        return Finding(code="protobuf.UNKNOWN_FIELD", path=path, message=text, severity=Severity.WARNING)
    path = f"{path}/{field.name}"
    if field.enum_type is not None:
        text = f"The field at {path} holds a number that the closed enum {field.enum_type.full_name} lacks."
        return Finding(code="protobuf.UNKNOWN_ENUM_VALUE", path=path, message=text, severity=Severity.WARNING)
    text = f"The field at {path} is not encoded as its type is: it was written with another schema."
    return Finding(code="protobuf.WIRE_TYPE_MISMATCH", path=path, message=text)


def _messages_in(field: FieldDescriptor, value: Any) -> Iterator[tuple[str, Message]]:
    """The messages in a field's value, each with its step of the path."""
    map_entry = map_entry_of(field)
    if not field.is_repeated:
        yield "", value
    elif map_entry is None:
        for index, item in enumerate(value):
            yield f"/{index}", item
    elif map_entry[1].message_type is not None:
        for key in value:
            yield f"/{key}", value[key]
