"""Payloads: compiled validators for the wire format and for the JSON mapping."""

import enum
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.message import Message

from llm_schema_registry.findings import Finding, Severity, shortened
from llm_schema_registry.formats.format import InvalidSchemaError
from llm_schema_registry.formats.protobuf.descriptor_options import pool_of
from llm_schema_registry.formats.protobuf.json_mapping import JsonChecker, has_no_object_form
from llm_schema_registry.formats.protobuf.wire_checker import WireChecker

DEFAULT_MESSAGE: Final = (0,)
TYPE_KEY: Final = "@type"
# The runtime's own way to a class recurses from message to message, and stops the process of long chains of them.
_MESSAGE_CLASS: Final[Any] = type(descriptor_pb2.FileDescriptorProto)
_BYTES_OF_A_BYTE: Final = 10
_METHODS: Final = frozenset(dir(Message))


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
        self._length = len(descriptors)
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptors)
        try:
            pool = pool_of(files)
        except TypeError as error:
            message = f"The Protobuf runtime cannot load this schema: {error}"
            raise InvalidSchemaError(message, (Finding(code="protobuf.INVALID", message=message),)) from None
        self.file: FileDescriptor = pool.FindFileByName(files.file[-1].name)
        self._json = JsonChecker(pool)
        self._wire = WireChecker(pool, self.message_class)
        self._readings: dict[tuple[int, ...], tuple[Descriptor | None, tuple[Finding, ...]]] = {}
        self._classes: dict[str, Any] = {}
        self.hidden_methods: set[str] = set()

    def descriptor(self, message_indexes: tuple[int, ...] = DEFAULT_MESSAGE) -> Descriptor | None:
        """The message that Confluent message indexes name, `None` if there is no such message.

        The first index counts the top-level messages of the file, each further one the messages nested in the one
        before, in the order of the text: entries of maps and bodies of groups are counted, as descriptors have them.
        Java clients leave groups out, and entries too if they normalize. Such a reading is taken if that of the text
        ends at an entry or a group.
        """
        return self._reading(message_indexes)[0]

    def _reading(self, message_indexes: tuple[int, ...]) -> tuple[Descriptor | None, tuple[Finding, ...]]:
        """The message that indexes name, and a warning if they name another one when they are counted otherwise."""
        reading = self._readings.get(message_indexes)
        if reading is None:
            reading = self._read_indexes(message_indexes)
            if reading[0] is not None:
                self._readings[message_indexes] = reading
        return reading

    def _read_indexes(self, message_indexes: tuple[int, ...]) -> tuple[Descriptor | None, tuple[Finding, ...]]:
        ends = [self._walk(message_indexes, left_out) for left_out in _COUNTS]
        payloads = {found.full_name: found for found, part in ends if found is not None and part is _Part.MESSAGE}
        if not payloads:
            return next((found for found, part in ends if part is _Part.GROUP), None), ()
        found, *others = payloads.values()
        return found, (_ambiguous(message_indexes, found, others[0]),) if others else ()

    def _walk(
        self, message_indexes: tuple[int, ...], left_out: "frozenset[_Part]"
    ) -> "tuple[Descriptor | None, _Part]":
        found: Descriptor | None = None
        for index in message_indexes:
            nested = found.nested_types if found is not None else self.file.message_types_by_name.values()
            counted = [message for message in nested if _part(message, self.file) not in left_out]
            if not 0 <= index < len(counted):
                return None, _Part.MESSAGE
            found = counted[index]
        return found, _Part.MESSAGE if found is None else _part(found, self.file)

    def messages(self) -> Iterator[Descriptor]:
        """The messages of the file that were declared as such: the top-level ones in order, then those in them."""
        level = list(self.file.message_types_by_name.values())
        while level:
            yield from level
            level = [
                nested for outer in level for nested in outer.nested_types if _part(nested, self.file) is _Part.MESSAGE
            ]

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
        known = self._classes.get(descriptor.full_name)
        if known is not None:
            return known
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

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, roughly."""
        return _BYTES_OF_A_BYTE * self._length

    def check_value(self, value: Any, text: bytes | None = None) -> list[Finding]:
        """Findings for a payload in the JSON mapping of the first message, or of the one that it names.

        See `message_of` for how a payload names its message.
        """
        descriptor, payload = self.message_of(value)
        if descriptor is not None:
            return self._json.check(descriptor, payload)
        if isinstance(value, dict) and TYPE_KEY in value:
            named = shortened(str(value[TYPE_KEY]))
            message = f"The schema has no message {named}, which the payload names as its {TYPE_KEY}."
            return [Finding(code="protobuf.NO_MESSAGE", path=f"/{TYPE_KEY}", message=message)]
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

        Errors and warnings are those of `WireChecker.check`; indexes that have two meanings are another warning.
        """
        descriptor, doubts = self._reading(message_indexes)
        if descriptor is None:
            return [_no_message(message_indexes)]
        findings = self._wire.check(descriptor, data)
        return [*findings, *doubts] if doubts else findings


def has_type_key(descriptor: Descriptor) -> bool:
    """Whether the JSON mapping of a message has a field called like the key that names messages."""
    return any(field.json_name == TYPE_KEY for field in descriptor.fields)


class _Part(enum.Enum):
    """What a message of a descriptor is declared as."""

    MESSAGE = "message"
    ENTRY = "entry of a map"
    GROUP = "body of a group"


_COUNTS: Final = tuple(map(frozenset, ((), (_Part.ENTRY,), (_Part.GROUP,), (_Part.ENTRY, _Part.GROUP))))
"""What is left out when messages are counted, from the reading of the text to that of clients that normalize."""


def _part(message: Descriptor, file: FileDescriptor) -> _Part:
    if message.GetOptions().map_entry:
        return _Part.ENTRY
    outer = message.containing_type
    holders = (file.extensions_by_name.values(),) if outer is None else (outer.fields, outer.extensions)
    groups = (field for fields in holders for field in fields if field.type == FieldDescriptor.TYPE_GROUP)
    is_group = any(field.message_type == message and field.name == message.name.lower() for field in groups)
    return _Part.GROUP if is_group else _Part.MESSAGE


def _ambiguous(message_indexes: tuple[int, ...], found: Descriptor, other: Descriptor) -> Finding:
    indexes = ", ".join(map(str, message_indexes))
    return Finding(
        code="protobuf.AMBIGUOUS_INDEXES",
        message=f"The message indexes [{indexes}] mean {found.full_name} in the order of the text, and "
        f"{other.full_name} for clients that do not count entries of maps or groups. The payload was read as "
        f"{found.full_name}.",
        severity=Severity.WARNING,
        fix="Declare nested messages before maps and groups in new schemas, or write with a client that counts both.",
    )


def _no_message(message_indexes: tuple[int, ...]) -> Finding:
    indexes = ", ".join(map(str, message_indexes))
    return Finding(
        code="protobuf.NO_MESSAGE",
        message=f"The schema has no message at the indexes [{indexes}].",
        fix="Check that the payload was written with this schema.",
    )
