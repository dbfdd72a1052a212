"""Where a payload breaks: a walk over the wire format, used once the runtime has refused it.

Source: Protocol Buffers documentation, Encoding.
"""

from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.protobuf.protojson.messages import MAX_PAYLOAD_DEPTH

_VARINT, _FIXED64, _DELIMITED, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_FIXED_SIZES: Final = {_FIXED64: 8, _FIXED32: 4}
_MAX_FIELD_NUMBER: Final = 2**29 - 1
_MAX_VARINT_BYTES: Final = 10


class _BrokenError(Exception):
    """The walk came to a place that cannot be read."""

    def __init__(self, code: str, path: str, text: str) -> None:
        super().__init__(text)
        self.finding = Finding(code=code, path=path, message=text)


def first_problem(descriptor: Descriptor, data: bytes, path: str = "") -> Finding:
    """The first place at which `data` is no message of type `descriptor`, as far as the walk can tell.

    `path` is the place of the message in the whole payload.
    """
    try:
        _Walk(data).message(descriptor, 0, len(data), path, 1, None)
    except _BrokenError as broken:
        return broken.finding
    text = f"The payload is no valid message of type {descriptor.full_name}."
    return Finding(code="protobuf.MALFORMED", path=path, message=text)


class _Walk:
    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def message(
        self, descriptor: Descriptor | None, at: int, end: int, path: str, depth: int, group: int | None
    ) -> int:
        """Walks over the fields from `at` to `end`, or to the end of the group `group`; returns where it ended."""
        if depth > MAX_PAYLOAD_DEPTH:
            text = f"The payload is nested deeper than {MAX_PAYLOAD_DEPTH} levels at {path or 'the root'}."
            raise _BrokenError("protobuf.TOO_DEEP", path, text)
        fields = descriptor.fields_by_number if descriptor is not None else {}
        while at < end:
            start = at
            tag, at = self._varint(at, end, path)
            number, wire_type = tag >> 3, tag & 7
            if not 1 <= number <= _MAX_FIELD_NUMBER or wire_type > _FIXED32:
                raise _malformed(path, start, f"there is no field {number} with wire type {wire_type}")
            if wire_type == _END_GROUP:
                if number != group:
                    raise _malformed(path, start, f"group {number} ends, but it was not open")
                return at
            field = fields.get(number)
            here = path if field is None else f"{path}/{field.name}"
            at = self._value(field, number, wire_type, at, end, here, depth)
        if group is not None:
            raise _malformed(path, at, f"group {group} never ends")
        return at

    def _value(
        self,
        field: FieldDescriptor | None,
        number: int,
        wire_type: int,
        at: int,
        end: int,
        path: str,
        depth: int,
    ) -> int:
        if wire_type == _VARINT:
            return self._varint(at, end, path)[1]
        if wire_type == _START_GROUP:
            nested = field.message_type if field is not None else None
            return self.message(nested, at, end, path, depth + 1, number)
        size = _FIXED_SIZES.get(wire_type)
        if size is None:
            size, at = self._varint(at, end, path)
        if size > end - at:
            raise _malformed(path, at, f"{size} bytes are announced, {end - at} are left")
        if wire_type == _DELIMITED and field is not None:
            self._delimited(field, at, at + size, path, depth)
        return at + size

    def _delimited(self, field: FieldDescriptor, at: int, end: int, path: str, depth: int) -> None:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            self.message(field.message_type, at, end, path, depth + 1, None)
        elif field.type == FieldDescriptor.TYPE_STRING:
            try:
                self._data[at:end].decode()
            except UnicodeDecodeError as error:
                text = f"The string at {path} is not UTF-8 (byte {at + error.start} of the payload)."
                raise _BrokenError("protobuf.INVALID_UTF8", path, text) from None

    def _varint(self, at: int, end: int, path: str) -> tuple[int, int]:
        value = 0
        for count in range(_MAX_VARINT_BYTES):
            if at + count >= end:
                raise _malformed(path, at, "the payload ends inside a number")
            byte = self._data[at + count]
            value |= (byte & 0x7F) << (7 * count)
            if byte < 0x80:
                return value, at + count + 1
        raise _malformed(path, at, "a number is longer than ten bytes")


def _malformed(path: str, at: int, what: str) -> _BrokenError:
    return _BrokenError("protobuf.MALFORMED", path, f"The payload cannot be read at byte {at}: {what}.")
