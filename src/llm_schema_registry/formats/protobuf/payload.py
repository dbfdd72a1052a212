"""Payloads: compiled validators for the wire format and for the JSON mapping."""

import copy
import enum
import itertools
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.message import Message

from llm_schema_registry.core.findings import Finding, Severity, shortened
from llm_schema_registry.formats.format import InvalidSchemaError, UnknownMessageError
from llm_schema_registry.formats.protobuf.descriptor_options import pool_of
from llm_schema_registry.formats.protobuf.protojson.messages import JsonChecker, has_no_object_form
from llm_schema_registry.formats.protobuf.wire_checker import WireChecker
from llm_schema_registry.formats.suggestions import MAX_CANDIDATES, begin_suggestions, similar

DEFAULT_MESSAGE: Final = (0,)
TYPE_KEY: Final = "@type"
# The runtime's own way to a class recurses from message to message, and stops the process of long chains of them.
_MESSAGE_CLASS: Final[Any] = type(descriptor_pb2.FileDescriptorProto)
_BYTES_OF_A_BYTE: Final = 10
_METHODS: Final = frozenset(dir(Message))
_NAMES_IN_AN_ERROR: Final = 10
_NAME_CHARACTERS: Final = 200


class ProtobufValidator:
    """Checks payloads of one schema. Fulfils `MessageValidator`; the default message is the first of the file.

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
        # Editions have delimited fields instead of groups: their messages are declared as such.
        self._has_groups = files.file[-1].syntax != "editions"
        self._chosen: Descriptor | None = None
        self._parts: dict[str, dict[Descriptor, _Part]] = {}
        self._json = JsonChecker(pool)
        self._wire = WireChecker(pool, self.message_class)
        self._readings: dict[tuple[int, ...], tuple[Descriptor, ...]] = {}
        self._classes: dict[str, Any] = {}
        self.hidden_methods: set[str] = set()
        self._default = self.descriptor()
        self._default_name: str | None = None if self._default is None else self._default.full_name

    def descriptor(self, message_indexes: tuple[int, ...] = DEFAULT_MESSAGE) -> Descriptor | None:
        """The message that Confluent message indexes name, `None` if there is no such message.

        The first index counts the top-level messages of the file, each further one the messages nested in the one
        before, in the order of the text: entries of maps and bodies of groups are counted, as descriptors have them.
        Java clients leave groups out, and entries too if they normalize. Such a reading is taken if that of the text
        ends at an entry or a group.
        """
        return next(iter(self._reading(message_indexes)), None)

    def _reading(self, message_indexes: tuple[int, ...]) -> tuple[Descriptor, ...]:
        """The messages that indexes can mean: first the one in the order of the text."""
        reading = self._readings.get(message_indexes)
        if reading is None:
            reading = self._read_indexes(message_indexes)
            if reading:
                self._readings[message_indexes] = reading
        return reading

    def _read_indexes(self, message_indexes: tuple[int, ...]) -> tuple[Descriptor, ...]:
        ends = [self._walk(message_indexes, left_out) for left_out in _COUNTS]
        messages = {found.full_name: found for found, part in ends if found is not None and part is _Part.MESSAGE}
        if messages:
            return tuple(messages.values())
        return tuple(found for found, part in ends if found is not None and part is _Part.GROUP)[:1]

    def _walk(
        self, message_indexes: tuple[int, ...], left_out: "frozenset[_Part]"
    ) -> "tuple[Descriptor | None, _Part]":
        found, part = None, _Part.MESSAGE
        for index in message_indexes:
            counted = [each for each in self._nested(found).items() if each[1] not in left_out]
            if not 0 <= index < len(counted):
                return None, _Part.MESSAGE
            found, part = counted[index]
        return found, part

    def _nested(self, outer: Descriptor | None) -> "dict[Descriptor, _Part]":
        """The messages directly in another one, or in the file, each with what it is declared as."""
        key: str = outer.full_name if outer is not None else ""
        nested = self._parts.get(key)
        if nested is None:
            messages = outer.nested_types if outer is not None else self.file.message_types_by_name.values()
            groups = _groups(outer, self.file) if self._has_groups else frozenset()
            nested = {message: _part(message, groups) for message in messages}
            self._parts[key] = nested
        return nested

    def messages(self) -> Iterator[Descriptor]:
        """The messages of the file that were declared as such: the top-level ones in order, then those in them."""
        level: list[Descriptor | None] = [None]
        while level:
            level = [nested for outer in level for nested in self._declared_in(outer)]
            yield from filter(None, level)

    def _declared_in(self, outer: Descriptor | None) -> list[Descriptor]:
        return [message for message, part in self._nested(outer).items() if part is _Part.MESSAGE]

    def as_message(self, name: str) -> "ProtobufValidator":
        """The validator of the same schema that takes payloads for another message than the first.

        Args:
            name: the full name of a message, or its name below the package (`Outer.Inner`). A full name wins.

        Raises:
            UnknownMessageError: `messages` does not list it.
        """
        found = self._full_named(name) or self.message_named(name)
        if found is None:
            raise UnknownMessageError(f"The schema does not declare message {_shown(name)}. {self._known(name)}")
        chosen = copy.copy(self)
        chosen._chosen = chosen._default = found
        chosen._default_name = found.full_name
        return chosen

    def _known(self, name: str) -> str:
        """The fix for a name that is not declared: the closest name, and the first names there are."""
        names: list[str] = [message.full_name for message in itertools.islice(self.messages(), MAX_CANDIDATES)]
        if not names:
            return "It has no messages."
        close = self._closest(name, names)
        hint = f"Did you mean {_shown(close)}? " if close is not None else ""
        listed = ", ".join(map(_shown, names[:_NAMES_IN_AN_ERROR]))
        return f"{hint}It declares {listed}{' and more' if len(names) > _NAMES_IN_AN_ERROR else ''}."

    def _closest(self, name: str, names: list[str]) -> str | None:
        last = name.rpartition(".")[2]
        begin_suggestions()
        local = {full.removeprefix(self._prefix): full for full in names}
        same = next((full for full in names if full.rpartition(".")[2] == last), None)
        return same or local.get(similar(name.removeprefix(self._prefix), local) or "")

    def message_of(self, value: Any) -> tuple[Descriptor | None, Any]:
        """The message that a JSON value is a payload of, and its value in the JSON mapping of that message.

        A value is of the chosen message, by default the first, unless it names another one as `google.protobuf.Any`
        does in JSON: `{"@type": "package.Other", "field": 1}`; the value of a message that is no object in JSON, such
        as a Timestamp, is under the key `value`. The message is `None` if the file does not declare it.
        """
        default = self._default
        if not isinstance(value, dict) or TYPE_KEY not in value:
            return default, value
        if default is not None and has_type_key(default):
            return default, value
        name = value[TYPE_KEY]
        found = self._full_named(name.rpartition("/")[2]) if isinstance(name, str) else None
        rest = {key: item for key, item in value.items() if key != TYPE_KEY}
        return found, rest.get("value") if found is not None and has_no_object_form(found) else rest

    def message_named(self, name: str) -> Descriptor | None:
        """The message that `messages` lists with that name below the package (`Outer.Inner`), `None` if none."""
        found: Descriptor | None = None
        for part in name.split("."):
            within = self.file.message_types_by_name if found is None else found.nested_types_by_name
            inner = within.get(part)
            if inner is None or self._nested(found).get(inner) is not _Part.MESSAGE:
                return None
            found = inner
        return found

    def _full_named(self, name: str) -> Descriptor | None:
        prefix = self._prefix
        return self.message_named(name.removeprefix(prefix)) if name.startswith(prefix) else None

    @property
    def _prefix(self) -> str:
        return f"{self.file.package}." if self.file.package else ""

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
        """Findings for a payload in the JSON mapping of the message that `message_of` finds."""
        return self.judge_value(value)[1]

    def check_bytes(self, data: bytes) -> list[Finding]:
        """Findings for a payload on the wire, as the chosen message, by default the first."""
        return self.judge_bytes(data)[1]

    def judge_value(self, value: Any) -> tuple[str | None, list[Finding]]:
        """See `MessageValidator`; `message_of` says how a payload names its message."""
        descriptor, payload = self.message_of(value)
        if descriptor is None:
            has_type = isinstance(value, dict) and TYPE_KEY in value
            return None, [self._unknown_type(value) if has_type else _no_message(DEFAULT_MESSAGE)]
        if descriptor is self._default:
            return self._default_name, self._json.check(descriptor, payload)
        if self._chosen is not None:
            return None, [_conflict(descriptor, TYPE_KEY, self._chosen, f"/{TYPE_KEY}")]
        return descriptor.full_name, self._json.check(descriptor, payload)

    def judge_bytes(
        self, data: bytes, message_indexes: tuple[int, ...] | None = None
    ) -> tuple[str | None, list[Finding]]:
        """See `MessageValidator`. Errors and warnings are those of `WireChecker.check`.

        Indexes that can mean several messages mean the chosen one if it is among them. Without a choice they mean the
        first, and there is a warning.
        """
        if message_indexes is None:
            if self._default is None:
                return None, [_no_message(DEFAULT_MESSAGE)]
            return self._default_name, self._wire.check(self._default, data)
        readings = self._reading(message_indexes)
        if not readings:
            return None, [_no_message(message_indexes)]
        taken = self._chosen or readings[0]
        if taken not in readings:
            return None, [_conflict(readings[0], "message indexes", taken)]
        findings = self._wire.check(taken, data)
        if len(readings) > 1 and self._chosen is None:
            findings = [*findings, _ambiguous(message_indexes, *readings[:2])]
        return taken.full_name, findings

    def _unknown_type(self, value: dict[str, Any]) -> Finding:
        name = value[TYPE_KEY]
        return Finding(
            code="protobuf.NO_MESSAGE",
            path=f"/{TYPE_KEY}",
            message=f"The schema has no message {_shown(str(name))}, which the payload names as its {TYPE_KEY}.",
            fix=self._known(name.rpartition("/")[2]) if isinstance(name, str) else "Give the full name of a message.",
        )


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


def _groups(outer: Descriptor | None, file: FileDescriptor) -> frozenset[str]:
    """The full names of the bodies of groups that are declared in a message, or at the top of the file."""
    holders = (file.extensions_by_name.values(),) if outer is None else (outer.fields, outer.extensions)
    groups = (field for fields in holders for field in fields if field.type == FieldDescriptor.TYPE_GROUP)
    bodies = ((field.name, field.message_type) for field in groups)
    return frozenset(body.full_name for name, body in bodies if body is not None and name == body.name.lower())


def _part(message: Descriptor, groups: frozenset[str]) -> _Part:
    if message.GetOptions().map_entry:
        return _Part.ENTRY
    return _Part.GROUP if message.full_name in groups else _Part.MESSAGE


def _shown(name: str) -> str:
    return shortened(name, _NAME_CHARACTERS)


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


def _conflict(named: Descriptor, how: str, chosen: Descriptor, path: str = "") -> Finding:
    named_as, chosen_as = _shown(named.full_name), _shown(chosen.full_name)
    return Finding(
        code="protobuf.MESSAGE_CONFLICT",
        path=path,
        message=f"The payload is of message {named_as}, as its {how} say{'s' if path else ''}, but it is validated as "
        f"message {chosen_as}.",
        fix=f"Ask for message {named_as}, or send a payload of {chosen_as}.",
    )


def _no_message(message_indexes: tuple[int, ...]) -> Finding:
    indexes = ", ".join(map(str, message_indexes))
    return Finding(
        code="protobuf.NO_MESSAGE",
        message=f"The schema has no message at the indexes [{indexes}].",
        fix="Check that the payload was written with this schema.",
    )
