"""Answers that are JSON arrays of any length: short ones are sent whole, long ones streamed in bounded memory."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final

import msgspec
import structlog
from litestar.response.base import ASGIResponse

from llm_schema_registry.server.connections.limits import CYCLE
from llm_schema_registry.server.operations import Items, RawBytes

_WHOLE_BYTES: Final = 4 * 1024 * 1024
_PART_BYTES: Final = 64 * 1024
_encoder = msgspec.json.Encoder()
_log = structlog.get_logger()


class ArrayStream(ASGIResponse):
    """The answer with a long array; it holds one part at a time. A failure breaks the connection off.

    Args:
        items: of the array.
        begun: parts that are ready to be sent.
        rest: makes the parts after them.
        media_type: of the answer.
        failed: called with an error that ends the stream too early.
    """

    _should_set_content_length = False

    def __init__(
        self,
        items: Items,
        begun: list[bytes],
        rest: AsyncGenerator[bytes, None],
        media_type: str,
        failed: Callable[[Exception], None],
    ) -> None:
        super().__init__(media_type=media_type)
        self._items = items
        self._begun = begun
        self._rest = rest
        self._failed = failed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Sends the answer (ASGI)."""
        async with aclosing(self._rest):
            try:
                await self._send_all(scope, send)
            except Exception as error:
                # Without its end, the message is incomplete: the server closes the connection.
                self._failed(error)

    async def _send_all(self, scope: Any, send: Any) -> None:
        if scope["method"] != "HEAD" and scope["http_version"] == "1.0":
            # It has no chunks, and the end of a connection would not tell a whole answer from a part of one.
            self.headers["content-length"] = str(await self._length())
        await self.start_response(send)
        if scope["method"] != "HEAD":
            cycle = scope.get(CYCLE)
            self._begun.reverse()
            while self._begun:
                await send({"type": "http.response.body", "body": self._begun.pop(), "more_body": True})
            async for part in self._rest:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                if cycle is not None and cycle.disconnected:
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _length(self) -> int:
        length = 0
        async for part in _parts(self._items):
            length += len(part)
        return length


async def begun(items: Items, media_type: str, failed: Callable[[Exception], None]) -> RawBytes | ArrayStream:
    """The answer with an array: whole if it is short, else begun.

    Raises what making its first items raises.

    Args:
        items: of the array.
        media_type: of the answer.
        failed: see `ArrayStream`.
    """
    parts = _parts(items)
    begun: list[bytes] = []
    size = 0
    async for part in parts:
        begun.append(part)
        size += len(part)
        if size > _WHOLE_BYTES:
            return ArrayStream(items, begun, parts, media_type, failed)
    return RawBytes(b"".join(begun), media_type)


async def _parts(items: Items) -> AsyncGenerator[bytes, None]:
    """The text of an array in parts of some size; others get their turn between two of them."""
    part = bytearray(b"[")
    separator = b""
    async for item in items.each():
        part += separator
        part += _encoder.encode(item)
        separator = b","
        if len(part) > _PART_BYTES:
            yield bytes(part)
            part = bytearray()
            await asyncio.sleep(0)
    part += b"]"
    yield bytes(part)
