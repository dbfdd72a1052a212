"""The check of a payload on the wire against a message, values inside `Any` included."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import unknown_fields
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from llm_schema_registry.core.findings import Finding, Severity
from llm_schema_registry.formats.protobuf.descriptor_options import map_entry_of
from llm_schema_registry.formats.protobuf.protojson.messages import (
    ANY,
    MAX_FINDINGS,
    MAX_PAYLOAD_DEPTH,
    MAX_WARNINGS,
    unknown_type,
)
from llm_schema_registry.formats.protobuf.wire import first_problem

_INDEX = re.compile(r"\[([^\]]*)\]")


class WireChecker:
    """Checks payloads on the wire against the messages of one pool. Safe to share."""

    def __init__(self, pool: DescriptorPool, message_class: Callable[[Descriptor], Any]) -> None:
        """Prepares the checker.

        Args:
            pool: the messages that an `Any` can hold.
            message_class: the class of the payloads of a message.
        """
        self._pool = pool
        self._message_class = message_class
        self._reaches_any: dict[str, bool] = {}

    def check(self, descriptor: Descriptor, data: bytes) -> list[Finding]:
        """Findings for a payload of a message: at most `MAX_FINDINGS` errors and `MAX_WARNINGS` warnings.

        Errors: bytes that are not a message, strings that are not UTF-8, missing required fields, fields in the
        encoding of another type, also in a value inside `Any`. Warnings: fields, numbers of closed enums and types
        inside `Any` that the schema does not know.
        """
        if self._is_plainly_valid(descriptor, data):
            return []
        errors: list[Finding] = []
        warnings: list[Finding] = []
        for finding in self._findings(descriptor, data, "", 1):
            if finding.severity is Severity.ERROR:
                errors.append(finding)
                if len(errors) == MAX_FINDINGS:
                    break
            elif len(warnings) < MAX_WARNINGS:
                warnings.append(finding)
        return errors + warnings

    def _is_plainly_valid(self, descriptor: Descriptor, data: bytes) -> bool:
        """Whether a payload has no findings and nothing inside `Any`: the common case, without a walk."""
        if self._reaches_any.get(descriptor.full_name, True):
            return False
        message_class = self._message_class(descriptor)
        try:
            message = message_class.FromString(data)
        except DecodeError:
            return False
        size = len(message_class.SerializePartialToString(message))
        message_class.DiscardUnknownFields(message)
        same = len(message_class.SerializePartialToString(message)) == size
        return same and bool(message_class.IsInitialized(message))

    def _findings(self, descriptor: Descriptor, data: bytes, path: str, depth: int) -> Iterator[Finding]:
        message_class = self._message_class(descriptor)
        try:
            message = message_class.FromString(data)
        except DecodeError:
            yield first_problem(descriptor, data, path)
            return
        # Through the class: a field may have the name of a method, and hides it in the message.
        if not message_class.IsInitialized(message):
            for dotted in message_class.FindInitializationErrors(message):
                yield _required_missing(path, dotted)
        if self._can_hold_any(descriptor):
            yield from self._any_findings(message, path, depth)
        size = len(message_class.SerializePartialToString(message))
        message_class.DiscardUnknownFields(message)
        if len(message_class.SerializePartialToString(message)) != size:
            yield from _unknown_fields(message_class.FromString(data), path)

    def _can_hold_any(self, descriptor: Descriptor) -> bool:
        """Whether a message or one that it can hold is an `Any`."""
        found = self._reaches_any.get(descriptor.full_name)
        if found is None:
            seen: set[str] = set()
            pending = [descriptor]
            while pending:
                message = pending.pop()
                if message.full_name not in seen:
                    seen.add(message.full_name)
                    fields = (*message.fields, *message.file.pool.FindAllExtensions(message))
                    pending += [field.message_type for field in fields if field.message_type is not None]
            found = self._reaches_any[descriptor.full_name] = ANY in seen
        return found

    def _any_findings(self, message: Message, path: str, depth: int) -> Iterator[Finding]:
        if type(message).DESCRIPTOR.full_name == ANY:
            yield from self._held(message, path, depth)
            return
        for field, value in type(message).ListFields(message):
            if field.message_type is not None and self._can_hold_any(field.message_type):
                for step, item in _messages_in(field, value):
                    yield from self._any_findings(item, f"{path}/{field.name}{step}", depth + 1)

    def _held(self, holder: Any, path: str, depth: int) -> Iterator[Finding]:
        """Findings for the value inside an `Any`; an empty one holds nothing."""
        if depth > MAX_PAYLOAD_DEPTH:
            text = f"The payload is nested deeper than {MAX_PAYLOAD_DEPTH} levels at {path or 'the root'}."
            yield Finding(code="protobuf.TOO_DEEP", path=path, message=text)
        elif holder.type_url or holder.value:
            try:
                descriptor = self._pool.FindMessageTypeByName(holder.type_url.rpartition("/")[2])
            except KeyError:
                yield unknown_type(holder.type_url, path)
            else:
                yield from self._findings(descriptor, holder.value, path, depth + 1)


def _required_missing(outer: str, dotted: str) -> Finding:
    path = f"{outer}/" + _INDEX.sub(r"/\1", dotted).replace(".", "/")
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
