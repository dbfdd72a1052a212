"""Request bodies: read within a bound, then decoded into the type that an operation declares."""

from codecs import BOM_UTF8
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException

from llm_schema_registry.server.connections.limits import room_refusal
from llm_schema_registry.server.connections.memory_budget import SHARE, Share
from llm_schema_registry.server.connections.turns import OwnTurns
from llm_schema_registry.server.http.content_coding import content_coding, decompressed
from llm_schema_registry.server.http.errors import RETRY, STATUS_ERRORS, HttpError
from llm_schema_registry.server.http.media_types import ACCEPTED, NDJSON, bare
from llm_schema_registry.server.operations import NoBody, RawBytes, Surface

# To decode so many bytes, and to begin with what they ask for, takes a millisecond or more.
_LARGE_BYTES = 64 * 1024
_ACCEPTED = {Surface.CONFLUENT: ACCEPTED, Surface.NATIVE: ACCEPTED | {NDJSON}}


async def read_body(request: Request[Any, Any, Any], kind: Any, surface: Surface, limit: int, turns: OwnTurns) -> Any:
    """The body of a request as `kind`. A request without Content-Type is read as JSON.

    Args:
        request: whose body is read.
        kind: the type that the operation declares.
        surface: of the operation.
        limit: the most bytes of the body, also after decompression.
        turns: of the event loop, for large bodies.

    Raises:
        HttpError: 415 for another media type or content coding, 413 for too much after decompression, 422 for a
            missing body, 400 for what is not JSON or does not have the declared shape, with the path of the
            place, 503 when there is no memory for what it is after decompression; 499 if the client leaves before
            its end.
        HTTPException: 413, by the framework.
    """
    if kind is NoBody:
        return _NO_BODY
    media_type = bare(request.headers.get("content-type", ""))
    if media_type and media_type not in _ACCEPTED[surface]:
        raise HttpError(415, "HTTP 415 Unsupported Media Type")
    coding = content_coding(request.headers.get("content-encoding", ""))
    try:
        # Not `body()`, which keeps it with the request until the connection sends another one.
        data = b"".join([part async for part in request.stream()])
    except InternalServerException:
        # The framework's word for a client that closed the connection.
        raise HttpError(499, STATUS_ERRORS[499][1]) from None
    if coding is not None or len(data) > _LARGE_BYTES:
        await turns.take()
    if coding is not None:
        data = decompressed(data, coding, limit)
        share: Share | None = request.scope.get(SHARE)  # type: ignore[assignment]
        if share is not None and not share.hold_more(len(data)):
            raise HttpError(503, room_refusal().message, RETRY)
    data = data.removeprefix(BOM_UTF8)
    if kind is RawBytes:
        return RawBytes(data, media_type)
    return decode(data, kind)


def decode(data: bytes, kind: Any) -> Any:
    """JSON text as a value of a type; raises `HttpError` 422 if there is none, 400 if it is another shape."""
    if not data.strip() or data.strip() == b"null":
        raise HttpError(422, "The request has no body; a JSON object is expected.")
    try:
        return _decoder(kind).decode(data)
    except msgspec.ValidationError as error:
        raise HttpError(400, f"The request body does not have the expected shape: {error}") from None
    except UnicodeDecodeError:
        raise HttpError(400, "The request body is not valid JSON: it is not UTF-8.") from None
    except msgspec.DecodeError as error:
        raise HttpError(400, f"The request body is not valid JSON: {error}") from None
    except RecursionError:
        raise HttpError(400, "The request body is nested too deeply.") from None


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


_NO_BODY = NoBody()
