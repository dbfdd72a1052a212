"""Content codings of request bodies: within the limit, or refused."""

import gzip
import zlib

import pytest

from llm_schema_registry.server.http.content_coding import content_coding, decompressed
from llm_schema_registry.server.http.errors import HttpError

TEXT = b'{"schema": "\\"string\\""}' * 100
RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("header", "coding"),
    [("", None), ("identity", None), ("GZip", "gzip"), ("x-gzip", "x-gzip"), (" deflate ,identity", "deflate")],
)
def test_names(header: str, coding: str | None) -> None:
    assert content_coding(header) == coding


@pytest.mark.parametrize("header", ["br", "zstd", "gzip, gzip", "gzip, br", "gzip;q=1", "*"])
def test_other_codings_are_refused_with_those_that_are_not(header: str) -> None:
    with pytest.raises(HttpError) as refused:
        content_coding(header)
    assert refused.value.status == 415
    assert refused.value.headers == (("accept-encoding", "gzip, deflate"),)


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:10], mtime=0) + gzip.compress(TEXT[10:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", DEFLATED),
    ],
)
def test_what_was_compressed_comes_back(coding: str, data: bytes) -> None:
    assert decompressed(data, coding, len(TEXT)) == TEXT
    for broken in (data[:-1], data[:20], b"\xff" + data[1:], data + b"x"):
        with pytest.raises(HttpError) as refused:
            decompressed(broken, coding, 2 * len(TEXT))
        assert refused.value.status == 400
    with pytest.raises(HttpError) as refused:
        decompressed(data, coding, len(TEXT) - 1)
    assert refused.value.status == 413


def test_nothing_compresses_to_nothing() -> None:
    assert decompressed(b"", "gzip", 10) == b""
    assert decompressed(gzip.compress(b""), "gzip", 0) == b""


def test_a_bomb_is_not_unfolded() -> None:
    bomb = gzip.compress(gzip.compress(bytes(100_000_000)))
    assert len(bomb) < 2000
    inner = decompressed(bomb, "gzip", 1_000_000)
    with pytest.raises(HttpError) as refused:
        decompressed(inner, "gzip", 1_000_000)
    assert refused.value.status == 413


def test_members_are_read_whatever_their_size_up_to_a_number() -> None:
    texts = [bytes([65 + number]) * size for number, size in enumerate((0, 1, 70_000, 3, 200_000, 0))]
    packed = b"".join(gzip.compress(text, 0) for text in texts)
    assert decompressed(packed, "gzip", 1_000_000) == b"".join(texts)
    empty = gzip.compress(b"")
    assert decompressed(empty * 1000, "gzip", 10) == b""
    # Each member costs time, however little it holds.
    with pytest.raises(HttpError) as refused:
        decompressed(empty * 1001, "gzip", 10)
    assert refused.value.status == 400
