"""One connection of the load. Of an answer only the status and the end are looked for, so that the load costs less
than what it measures."""

import asyncio
import time
from typing import Protocol, cast

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_CHUNKED = b"transfer-encoding: chunked"
_LAST_CHUNK = b"0\r\n\r\n"


class Listener(Protocol):
    """What learns of a conversation."""

    def connected(self, conversation: "Conversation") -> None:
        """A connection is open."""

    def answered(self, conversation: "Conversation", now: int, refusal: bytes) -> None:
        """A whole answer has arrived at a time of the clock; `refusal` is the answer if it was not 2xx, else empty."""

    def lost(self, conversation: "Conversation", why: str) -> None:
        """A connection broke, or an answer cannot be read: nothing more comes from it."""


class Conversation(asyncio.Protocol):
    """A connection that is kept open; one request is under way at a time.

    Attributes:
        due: the time from which the latency of the request under way counts, in nanoseconds of the clock.
        busy: whether a request is under way.
    """

    __slots__ = ("_awaited", "_buffer", "_listener", "_transport", "busy", "due")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._buffer = b""
        self._awaited = 0
        self.due = 0
        self.busy = False

    def send(self, request: bytes, due: int) -> None:
        """Sends a request whose latency counts from `due`."""
        self.busy = True
        self.due = due
        self._transport.write(request)

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called when the connection is open."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._listener.connected(self)

    def data_received(self, data: bytes) -> None:
        """Called with what arrives."""
        now = time.perf_counter_ns()
        if self._buffer:
            data = self._buffer + data
        if not self._awaited:
            end = data.find(_HEAD_END)
            if end < 0:
                self._buffer = data
                return
            self._awaited = self._length(data[:end].lower(), end + len(_HEAD_END))
        if (len(data) < self._awaited) if self._awaited > 0 else not data.endswith(_LAST_CHUNK):
            self._buffer = data
            return
        self._buffer = b""
        self._awaited = 0
        self.busy = False
        self._listener.answered(self, now, b"" if data[9:10] == b"2" else data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection has ended."""
        self._listener.lost(self, str(exc or "closed by the server"))

    def _length(self, head: bytes, start: int) -> int:
        """How many bytes the answer has; -1 where it comes in chunks."""
        place = head.find(_LENGTH)
        if place >= 0:
            stop = head.find(b"\r", place)
            return start + int(head[place + len(_LENGTH) : stop if stop > 0 else None])
        if _CHUNKED not in head:
            self._listener.lost(self, "an answer has neither Content-Length nor chunks")
        return -1
