"""Payloads: compiled validators for the wire format and for the JSON mapping."""

import re
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, unknown_fields
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.message import DecodeError, Message

from llm_schema_registry.findings import Finding, Severity, shortened
from llm_schema_registry.formats.format import InvalidSchemaError
from llm_schema_registry.formats.protobuf.descriptor_options import map_entry_of, pool_of
from llm_schema_registry.formats.protobuf.json_mapping import JsonChecker, has_no_object_form
from llm_schema_registry.formats.protobuf.wire import first_problem

DEFAULT_MESSAGE: Final = (0,)
TYPE_KEY: Final = "@type"
_MAX_UNKNOWN: Final = 20
# The runtime's own way to a class recurses from message to message, and stops the process of long chains of them.
_MESSAGE_CLASS: Final[Any] = type(descriptor_pb2.FileDescriptorProto)
_METHODS: Final = frozenset(dir(Message))
_INDEX = re.compile(r"\[([^\]]*)\]")


class ProtobufValidator:
    """Checks payloads of one schema. Fulfils `PayloadValidator`; the default message is the first of the file.

    Attributes:
        file: the file of the schema, linked with all it imports.
        hidden_methods: the methods of messages that fields of the same name hide, in the classes made so far.
    """

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
        self.file: FileDescriptor = pool.FindFileByName(files.file[-1].name)
        self._json = JsonChecker(pool)
        self._found: dict[tuple[int, ...], Descriptor] = {}
        self._classes: dict[str, Any] = {}
        self.hidden_methods: set[str] = set()

    def descriptor(self, message_indexes: tuple[int, ...] = DEFAULT_MESSAGE) -> Descriptor | None:
        """The message that Confluent message indexes name, `None` if there is no such message.

        The first index counts the top-level messages of the file, each further one the messages nested in the
        one before, synthetic map entries included, as descriptors have them.
        """
        found = self._found.get(message_indexes)
        if found is None:
            nested = list(self.file.message_types_by_name.values())
            for index in message_indexes:
                if not 0 <= index < len(nested):
                    return None
                found = nested[index]
                nested = list(found.nested_types)
            if found is not None:
                self._found[message_indexes] = found
        return found

    def messages(self) -> Iterator[Descriptor]:
        """The messages of the file that were declared as such: the top-level ones in order, then those in them."""
        level = list(self.file.message_types_by_name.values())
        while level:
            yield from level
            level = [nested for outer in level for nested in outer.nested_types if not _is_part(nested, outer)]

    def message_of(self, value: Any) -> tuple[Descriptor | None, Any]:
        """The message that a JSON value is a payload of, and its value in the JSON mapping of that message.

        A value is of the first message unless it names another one as `google.protobuf.Any` does in JSON:
        `{"@type": "package.Other", "field": 1}`; the value of a message that is no object in JSON, such as a
        Timestamp, is under the key `value`. The message is `None` if the file has none of that name.
        """
        default = self.descriptor()
        if not isinstance(value, dict) or TYPE_KEY not in value:
            return default, value
        if default is not None and has_type_key(default):
            return default, value
        name = value[TYPE_KEY]
        local = name.rpartition("/")[2] if isinstance(name, str) else ""
        prefix = f"{self.file.package}." if self.file.package else ""
        found = self.message_named(local.removeprefix(prefix)) if local.startswith(prefix) else None
        rest = {key: item for key, item in value.items() if key != TYPE_KEY}
        return found, rest.get("value") if found is not None and has_no_object_form(found) else rest

    def message_named(self, name: str) -> Descriptor | None:
        """The message of the file with that name below the package (`Outer.Inner`), `None` if there is none."""
        first, *inner = name.split(".")
        found: Descriptor | None = self.file.message_types_by_name.get(first)
        for part in inner:
            found = found.nested_types_by_name.get(part) if found is not None else None
        return found

    def message_class(self, descriptor: Descriptor) -> Any:
        """The class of the payloads of a message of this schema."""
        pending = [descriptor]
        while pending:
            message = pending.pop()
            if message.full_name not in self._classes:
                self._classes[message.full_name] = _MESSAGE_CLASS(
                    message.name, (Message,), {"DESCRIPTOR": message, "__module__": None}
                )
                self.hidden_methods |= _METHODS.intersection(message.fields_by_name)
                fields = (*message.fields, *message.file.pool.FindAllExtensions(message))
                pending += [field.message_type for field in fields if field.message_type is not None]
        return self._classes[descriptor.full_name]

    def check_value(self, value: Any) -> list[Finding]:
        """Findings for a payload in the JSON mapping of the first message, or of the one that it names.

        See `message_of` for how a payload names its message.
        """
        descriptor, payload = self.message_of(value)
        if descriptor is not None:
            return self._json.check(descriptor, payload)
        if isinstance(value, dict) and TYPE_KEY in value:
            named = shortened(str(value[TYPE_KEY]))
            text = f"The schema has no message {named}, which the payload names as its {TYPE_KEY}."
            return [Finding(code="protobuf.NO_MESSAGE", path=f"/{TYPE_KEY}", message=text)]
        return [_no_message(DEFAULT_MESSAGE)]

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
        message_class = self.message_class(descriptor)
        try:
            message = message_class.FromString(data)
        except DecodeError:
            return [first_problem(descriptor, data)]
        findings = []
        # Through the class: a field may have the name of a method, and hides it in the message.
        if not message_class.IsInitialized(message):
            findings = [_required_missing(path) for path in message_class.FindInitializationErrors(message)]
        size = len(message_class.SerializePartialToString(message))
        message_class.DiscardUnknownFields(message)
        if len(message_class.SerializePartialToString(message)) != size:
            for finding in _unknown_fields(message_class.FromString(data), ""):
                findings.append(finding)
                if len(findings) >= _MAX_UNKNOWN:
                    break
        return findings


def has_type_key(descriptor: Descriptor) -> bool:
    """Whether the JSON mapping of a message has a field called like the key that names messages."""
    return any(field.json_name == TYPE_KEY for field in descriptor.fields)


def _is_part(nested: Descriptor, outer: Descriptor) -> bool:
    """Whether a nested message is a map's entry or a group's body."""
    groups = (field.name for field in (*outer.fields, *outer.extensions) if field.type == FieldDescriptor.TYPE_GROUP)
    return bool(nested.GetOptions().map_entry) or nested.name.lower() in groups


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
    for field, value in type(message).ListFields(message):
        if field.message_type is None:
            continue
        for step, item in _messages_in(field, value):
            yield from _unknown_fields(item, f"{path}/{field.name}{step}")


def _unknown_field(message: Message, number: int, path: str) -> Finding:
    place = path or "the root"
    descriptor = type(message).DESCRIPTOR
    field = descriptor.fields_by_number.get(number)
    if field is None:
        text = f"Field number {number} at {place} is not in message {descriptor.full_name}."
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
