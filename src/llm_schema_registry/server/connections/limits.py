"""Bounds of a connection, and the refusals of requests that the HTTP protocol does not pass to the application."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

REFUSAL: Final = "llm_schema_registry.refusal"
"""Scope key of a `Refusal`: the application answers the request with it and does nothing else."""
CYCLE: Final = "llm_schema_registry.cycle"
"""Scope key of uvicorn's cycle of request and response; its `disconnected` says whether the client has left."""

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(?::[0-9]*)?")
_VERSIONS = frozenset({"1.0", "1.1"})
# Name and value of a header field are followed by four bytes: colon, space and the end of the line.
_FIELD_BYTES = 4
# A field of two characters takes 150 bytes of memory.
_MAX_FIELDS = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one client may send, and on how many connect to one worker.

    Attributes:
        request_seconds: to send a head, and again to send a body.
        idle_seconds: between two requests of a connection.
        head_bytes: of the request line and the header fields, and again of the trailers.
        url_bytes: of the request target.
        body_bytes: of a body as it is sent.
        room_bytes: of a worker, for requests in progress and for answers that are not read.
        connections: of a worker; `RESERVED_CONNECTIONS` more are accepted for health checks.
    """

    request_seconds: int = 30
    idle_seconds: int = 75
    head_bytes: int = 64 * 1024
    url_bytes: int = 16 * 1024
    body_bytes: int = 10 * 1024 * 1024
    room_bytes: int = 128 * 1024 * 1024
    connections: int = 10_000


RESERVED_CONNECTIONS: Final = 64


class Refusal(NamedTuple):
    """Why a request is refused.

    Attributes:
        status: of the answer.
        message: one sentence for people.
    """

    status: int
    message: str


Headers = Sequence[tuple[bytes, bytes]]


def head_bytes(url: bytes, headers: Headers) -> int:
    """The size of a head, without its method and version."""
    return len(url) + sum(len(name) + len(value) + _FIELD_BYTES for name, value in headers)


def size_refusal(limits: Limits, url: bytes, size: int, fields: int = 0) -> Refusal | None:
    """The refusal of a head for its size and its number of fields so far, 414 or 431; `None` within the limits."""
    if len(url) > limits.url_bytes:
        return Refusal(414, f"The URL has more than {limits.url_bytes} bytes. The limit is set by LSR_MAX_URL_BYTES.")
    if size > limits.head_bytes:
        return Refusal(
            431,
            f"The head of the request has more than {limits.head_bytes} bytes. The limit is set by LSR_MAX_HEAD_BYTES.",
        )
    if fields > _MAX_FIELDS:
        return Refusal(431, f"The head of the request has more than {_MAX_FIELDS} header fields.")
    return None


def body_refusal(limits: Limits, size: int) -> Refusal | None:
    """The refusal of a body for its size so far, 413; `None` within the limit."""
    if size <= limits.body_bytes:
        return None
    return Refusal(
        413, f"The request body has more than {limits.body_bytes} bytes. The limit is set by LSR_MAX_BODY_BYTES."
    )


def room_refusal() -> Refusal:
    """The refusal of a request that there is no memory for at the moment, 503."""
    return Refusal(
        503,
        "The requests in progress take too much memory to accept another one of this size. Try again in a moment. "
        "The limit is set by LSR_MAX_BUFFERED_MB.",
    )


def unread_refusal() -> Refusal:
    """Why a connection ends whose client does not read its answer, while others need the memory."""
    return Refusal(408, "The answer was not read, and its memory is needed. The limit is set by LSR_MAX_BUFFERED_MB.")


def time_refusal(limits: Limits) -> Refusal:
    """The refusal of a request that takes too long to arrive, 408."""
    return Refusal(
        408,
        f"The request did not arrive within {limits.request_seconds} seconds. "
        "The limit is set by LSR_REQUEST_TIMEOUT_SECONDS.",
    )


def head_refusal(limits: Limits, version: str, url: bytes, headers: Headers) -> Refusal | None:
    """The refusal of a complete head; `None` if the request can be read.

    The parser has checked the grammar, and that at most one of Content-Length and Transfer-Encoding is present.

    Args:
        limits: of the connection.
        version: of HTTP, e.g. `1.1`.
        url: the request target.
        headers: names in lower case.
    """
    hosts, lengths, codings, expectations = [], [], [], []
    size = len(url)
    for name, value in headers:
        size += len(name) + len(value) + _FIELD_BYTES
        if name == b"host":
            hosts.append(value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
        elif name == b"expect":
            expectations.append(value)
    if version not in _VERSIONS:
        return Refusal(505, f"HTTP version {version} is not supported. Use HTTP/1.1.")
    if (refusal := size_refusal(limits, url, size, len(headers))) is not None:
        return refusal
    # RFC 9112, 3.2.
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return Refusal(400, f"The request has {len(hosts)} Host header fields. HTTP/1.1 requires exactly one.")
    if hosts and not _HOST.fullmatch(hosts[0]):
        return Refusal(400, "The Host header field is not a host name with an optional port.")
    if codings and (refusal := _coding_refusal(version, codings)) is not None:
        return refusal
    if any(expected.lower() != b"100-continue" for expected in expectations):
        return Refusal(417, "The only supported value of the Expect header field is 100-continue.")
    return body_refusal(limits, int(lengths[0])) if lengths else None


def _coding_refusal(version: str, fields: Sequence[bytes]) -> Refusal | None:
    """RFC 9112, 6.1: `chunked` is the one coding here, it is applied once, and HTTP/1.0 has none."""
    codings = [coding.strip().lower() for field in fields for coding in field.split(b",")]
    if any(coding != b"chunked" for coding in codings):
        return Refusal(501, "The only supported transfer coding is chunked.")
    if len(codings) > 1 or version == "1.0":
        return Refusal(400, "The transfer coding chunked is applied twice, or in HTTP/1.0.")
    return None
