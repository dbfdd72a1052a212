"""The wire format's prefix: which schema a message was written with (Confluent's rule)."""

from typing import NamedTuple

from llm_schema_registry.formats import SchemaType
from llm_schema_registry.registry import ErrorCode, RegistryError

_FIRST_MESSAGE = (0,)
_MAGIC = 0
_PREFIX_LENGTH = 5
_MAX_INDEXES = 100


class Payload(NamedTuple):
    """A message without its prefix.

    Attributes:
        data: the payload in the encoding of its format.
        message_indexes: which message of a Protobuf schema it is; `None` if there is no prefix that says so.
    """

    data: bytes
    message_indexes: tuple[int, ...] | None = None


def framed_id(message: bytes) -> int | None:
    """The schema id in a message's prefix; `None` if it has none."""
    if len(message) < _PREFIX_LENGTH or message[0] != _MAGIC:
        return None
    return int.from_bytes(message[1:_PREFIX_LENGTH], "big")


def unframed(message: bytes, schema_type: str) -> Payload:
    """A framed message without its prefix; raises INVALID_PAYLOAD for message indexes that make no sense."""
    if schema_type != SchemaType.PROTOBUF:
        return Payload(message[_PREFIX_LENGTH:])
    count, at = _zigzag(message, _PREFIX_LENGTH)
    if count == 0:
        return Payload(message[at:], _FIRST_MESSAGE)
    if not 0 < count <= _MAX_INDEXES:
        raise _malformed()
    indexes = []
    for _ in range(count):
        index, at = _zigzag(message, at)
        indexes.append(index)
    return Payload(message[at:], tuple(indexes))


def _zigzag(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 35:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
    raise _malformed()


def _malformed() -> RegistryError:
    return RegistryError(
        ErrorCode.INVALID_PAYLOAD, message="The message indexes after the schema id of the Protobuf message are broken."
    )
