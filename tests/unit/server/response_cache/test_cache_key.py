"""Which requests may be served the same answer when the store is out of reach."""

import pytest

from llm_schema_registry.server.response_cache.cache_key import cache_key


def request(*fields: str, line: str = "GET /subjects HTTP/1.1") -> bytes:
    return "\r\n".join((line, *fields, "", "")).encode()


PLAIN = cache_key(request("Host: a", "Accept: application/json"))


@pytest.mark.parametrize(
    "same",
    [
        request("Host: b:8081", "accept:application/json"),
        request("Accept: application/json", "User-Agent: x", "X-Request-ID: 1", "traceparent: 00-1-1-01"),
        request("Accept: application/json", 'If-None-Match: "x"'),
        request("Accept: application/json", line="HEAD /subjects HTTP/1.1"),
    ],
)
def test_who_asks_and_what_is_held_makes_no_difference(same: bytes) -> None:
    assert PLAIN is not None
    assert cache_key(same) == PLAIN


@pytest.mark.parametrize(
    "other",
    [
        request("Host: a"),
        request("Host: a", "Accept: application/json", "Authorization: Basic x"),
        request("Host: a", "Accept: application/json", "Cookie: x"),
        request("Host: a", "Accept: application/json", "X-Forwarded-User: x"),
        request("Host: a", "Accept: application/json", "X-Unknown: x"),
        request("Host: a", "Accept: application/json", "Accept: text/html"),
        request("Host: a", "Accept: application/json", line="GET /subjects? HTTP/1.1"),
        request("Host: a", "Accept: application/json", line="GET /subjects HTTP/1.0"),
    ],
)
def test_whatever_else_is_said_does(other: bytes) -> None:
    assert cache_key(other) is not None
    assert cache_key(other) != PLAIN


@pytest.mark.parametrize("unlike", [request(line="POST /subjects/s HTTP/1.1"), request() + b"body", b""])
def test_what_is_no_plain_read_is_like_nothing(unlike: bytes) -> None:
    assert cache_key(unlike) is None
