"""Heads that are refused before the application, and their sizes."""

import pytest

from llm_schema_registry.server.connections.limits import Limits, body_refusal, head_bytes, head_refusal, size_refusal

LIMITS = Limits(head_bytes=200, url_bytes=50, body_bytes=1000)
HOST = (b"host", b"localhost")


def status_of(*headers: tuple[bytes, bytes], version: str = "1.1", url: bytes = b"/") -> int | None:
    refusal = head_refusal(LIMITS, version, url, headers)
    return None if refusal is None else refusal.status


@pytest.mark.parametrize(
    "host",
    [b"localhost", b"localhost:8081", b"127.0.0.1:80", b"[::1]:8081", b"a-b.example.org", b"", b"a:", b"x_y"],
)
def test_hosts(host: bytes) -> None:
    assert status_of((b"host", host)) is None


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"user@a", b"a:b", b"[::1", b"::1", b"a?b", b"a\xff", b"a,b:1:2"])
def test_no_hosts(host: bytes) -> None:
    assert status_of((b"host", host)) == 400


@pytest.mark.parametrize(
    ("headers", "version", "status"),
    [
        ((), "1.1", 400),
        ((), "1.0", None),
        ((HOST, HOST), "1.1", 400),
        ((HOST, HOST), "1.0", 400),
        ((HOST,), "2.0", 505),
        ((HOST,), "0.9", 505),
        ((HOST, (b"transfer-encoding", b"Chunked")), "1.1", None),
        ((HOST, (b"transfer-encoding", b"chunked")), "1.0", 400),
        ((HOST, (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")), "1.1", 400),
        ((HOST, (b"transfer-encoding", b"gzip, chunked")), "1.1", 501),
        ((HOST, (b"transfer-encoding", b"identity")), "1.1", 501),
        ((HOST, (b"transfer-encoding", b"x"), (b"transfer-encoding", b"chunked")), "1.1", 501),
        ((HOST, (b"expect", b"100-Continue")), "1.1", None),
        ((HOST, (b"expect", b"")), "1.1", 417),
        ((HOST, (b"expect", b"100-continue"), (b"expect", b"200-ok")), "1.1", 417),
        ((HOST, (b"content-length", b"1000")), "1.1", None),
        ((HOST, (b"content-length", b"1001")), "1.1", 413),
    ],
)
def test_fields(headers: tuple[tuple[bytes, bytes], ...], version: str, status: int | None) -> None:
    assert status_of(*headers, version=version) == status


def test_sizes_end_exactly_at_the_limit() -> None:
    assert status_of(HOST, url=b"/" * 50) is None
    assert status_of(HOST, url=b"/" * 51) == 414
    left = LIMITS.head_bytes - head_bytes(b"/", (HOST, (b"x", b"")))
    assert status_of(HOST, (b"x", b"a" * left)) is None
    assert status_of(HOST, (b"x", b"a" * (left + 1))) == 431
    assert body_refusal(LIMITS, 1000) is None
    assert size_refusal(LIMITS, b"", 200) is None


@pytest.mark.parametrize(
    ("status", "setting", "url", "headers"),
    [
        (414, "LSR_MAX_URL_BYTES", b"/" * 51, (HOST,)),
        (431, "LSR_MAX_HEAD_BYTES", b"/", (HOST, (b"x", b"a" * 200))),
        (413, "LSR_MAX_BODY_BYTES", b"/", (HOST, (b"content-length", b"9" * 30))),
    ],
)
def test_a_refusal_names_the_setting(
    status: int, setting: str, url: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    refusal = head_refusal(LIMITS, "1.1", url, headers)
    assert refusal is not None
    assert refusal.status == status
    assert setting in refusal.message
