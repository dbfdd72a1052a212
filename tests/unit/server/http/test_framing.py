import pytest

from llm_schema_registry.registry import RegistryError
from llm_schema_registry.server.http.v1.framing import Payload, framed_id, unframed

_PREFIX = b"\x00\x00\x00\x01\x00"


@pytest.mark.parametrize(
    ("message", "expected"),
    [(_PREFIX, 256), (_PREFIX + b"x", 256), (b"", None), (b"\x00\x00", None), (b"\x01\x00\x00\x00\x01", None)],
)
def test_the_id_in_a_prefix(message: bytes, expected: int | None) -> None:
    assert framed_id(message) == expected


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"\x00rest", Payload(b"rest", (0,))),
        (b"\x02\x02rest", Payload(b"rest", (1,))),
        (b"\x04\x02\x00rest", Payload(b"rest", (1, 0))),
        (b"\x02\x80\x01rest", Payload(b"rest", (64,))),
    ],
)
def test_message_indexes(rest: bytes, expected: Payload) -> None:
    assert unframed(_PREFIX + rest, "PROTOBUF") == expected


def test_other_formats_have_none() -> None:
    assert unframed(_PREFIX + b"\x00rest", "AVRO") == Payload(b"\x00rest")


@pytest.mark.parametrize("rest", [b"", b"\x02", b"\x01", b"\xff\xff\xff\xff\xff\xff\xff", b"\xfe\xff\xff\x0f"])
def test_broken_indexes(rest: bytes) -> None:
    with pytest.raises(RegistryError, match="message indexes"):
        unframed(_PREFIX + rest, "PROTOBUF")
