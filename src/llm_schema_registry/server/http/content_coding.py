"""Content codings of request bodies (RFC 9110, 8.4): decompressed within the limit of a body."""

import zlib
from typing import Final

from llm_schema_registry.server.http.errors import STATUS_ERRORS, HttpError

_IDENTITY = "identity"
_AUTOMATIC = 32 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_WINDOWS: Final = {"gzip": _AUTOMATIC, "x-gzip": _AUTOMATIC, "deflate": _AUTOMATIC}
_ACCEPTED = (("accept-encoding", "gzip, deflate"),)
_UNSUPPORTED = (
    "HTTP 415 Unsupported Media Type: the only content codings of a request are gzip and deflate, one at a time."
)
_DAMAGED = "The request body is not valid {coding} data."
_PIECE_BYTES = 64 * 1024
_MAX_MEMBERS = 1000
_TOO_MANY_MEMBERS = f"The request body has more than {_MAX_MEMBERS} members of gzip. Compress it as one."
_TRUNCATED = "The request body is not valid {coding} data: it ends too early."


def content_coding(header: str) -> str | None:
    """The coding that a `Content-Encoding` header names, in lower case; `None` for none.

    Raises:
        HttpError: 415, it is not supported, or there are several.
    """
    codings = [
        coding for coding in (part.strip().lower() for part in header.split(",")) if coding not in ("", _IDENTITY)
    ]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in _WINDOWS:
        raise HttpError(415, _UNSUPPORTED, _ACCEPTED)
    return codings[0]


def decompressed(data: bytes, coding: str, limit: int) -> bytes:
    """A body without its coding.

    Args:
        data: the body as it was sent.
        coding: of `content_coding`.
        limit: the most bytes of the result; no more are decompressed.

    Raises:
        HttpError: 400, the data is damaged or truncated, or has too many members; 413, the result is larger than the
            limit.
    """
    window = _WINDOWS[coding]
    # Many clients leave out the frame around deflate.
    if coding == "deflate" and not _has_zlib_header(data):
        window = _RAW
    parts: list[bytes] = []
    size = at = members = 0
    view = memoryview(data)
    while at < len(data):
        # Each member of gzip is one stream. What follows it is copied, so the data is read in pieces.
        stream = zlib.decompressobj(window)
        members += 1
        if members > _MAX_MEMBERS:
            raise HttpError(400, _TOO_MANY_MEMBERS)
        while not stream.eof and at < len(data):
            piece = view[at : at + _PIECE_BYTES]
            at += len(piece)
            try:
                part = stream.decompress(piece, limit - size + 1)
            except zlib.error:
                raise HttpError(400, _DAMAGED.format(coding=coding)) from None
            size += len(part)
            if size > limit:
                raise HttpError(413, STATUS_ERRORS[413][1])
            parts.append(part)
        if not stream.eof:
            raise HttpError(400, _TRUNCATED.format(coding=coding))
        at -= len(stream.unused_data)
    return b"".join(parts)


def _has_zlib_header(data: bytes) -> bool:
    """RFC 1950, 2.2."""
    return len(data) >= 2 and data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
