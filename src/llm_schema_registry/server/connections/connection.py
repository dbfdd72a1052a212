"""A connection over uvicorn's HTTP protocol: bounded in time and size, refusals in turn, half-close."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from llm_schema_registry.server.connections.acceptance import Acceptance
from llm_schema_registry.server.connections.flow_control import SENT_BYTES, FairFlow
from llm_schema_registry.server.connections.idle_connections import IdleConnections
from llm_schema_registry.server.connections.limits import (
    CYCLE,
    REFUSAL,
    RESERVED_CONNECTIONS,
    Limits,
    Refusal,
    body_refusal,
    head_bytes,
    head_refusal,
    room_refusal,
    size_refusal,
    time_refusal,
    unread_refusal,
)
from llm_schema_registry.server.connections.memory_budget import SHARE, MemoryBudget, Share
from llm_schema_registry.server.connections.refusals import RefusalLog
from llm_schema_registry.server.connections.turns import Turns

_LINGER_SECONDS = 2
_HEALTH = b"/health"
_HEALTH_PATH = "/health"
# Requests up to this size hold no share of the room, which saves time.
_SMALL_BYTES = 4096
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_CONNECT = b"CONNECT"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BUSY_MESSAGE = "The server has too many connections. Try again in a moment."
_BUSY = Refusal(503, _BUSY_MESSAGE)
_BUSY_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 2\r\nconnection: close\r\n"
    b'content-length: %d\r\n\r\n{"error_code":503,"message":"%s"}'
) % (len(_BUSY_MESSAGE) + 33, _BUSY_MESSAGE.encode())


class BoundedConnection(HttpToolsProtocol):
    """One connection of a client.

    Time is counted in calls of `check`, one a second, so that a stalled process does not blame its clients.

    Attributes:
        limits: of all connections of the worker.
        turns: of its event loop.
        room: what its connections may hold in memory.
        idle: finds connections that make room for new ones.
        acceptance: accepts more connections while turns are long.
        refusals: logs what is refused.
    """

    # Beside those of uvicorn, too many for the fast dictionaries of instances.
    __slots__ = (
        "_active",
        "_answered",
        "_begun",
        "_body_bytes",
        "_complete",
        "_framing_bytes",
        "_half_closed",
        "_head_bytes",
        "_headed",
        "_held",
        "_lingering",
        "_postponed",
        "_ready",
        "_received_bytes",
        "_refused",
        "_running",
        "_surplus",
        "_trailer_bytes",
        "_unread",
        "_unsent",
        "_waited",
    )
    limits = Limits()
    turns = Turns()
    room = MemoryBudget(limits.room_bytes)
    idle: "IdleConnections[BoundedConnection]" = IdleConnections()
    acceptance = Acceptance()
    refusals = RefusalLog()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Messages begun, with a complete head, complete, and answered.
        self._begun = 0
        self._headed = 0
        self._complete = 0
        self._answered = 0
        # Whether the next bytes begin a message, and every message before is answered.
        self._ready = True
        # What waits for a turn of the loop.
        self._held = b""
        self._head_bytes = 0
        self._body_bytes = 0
        self._framing_bytes = 0
        self._trailer_bytes = 0
        self._received_bytes = 0
        self._running: RequestResponseCycle | None = None
        self._surplus = False
        self._refused = False
        self._lingering = False
        self._half_closed = False
        self._active = False
        self._waited = 0
        self._unsent = 0
        self._unread: Share | None = None
        # Begins the next request when the answer before it is sent.
        self._postponed: Callable[[], None] | None = None

    @property
    def idle_seconds(self) -> int:
        """For how many seconds nothing has been asked, or waits to be sent; 0 while the connection is in use."""
        is_between = self._begun == self._complete == self._answered and not self._held
        return self._waited if is_between and not self._lingering and self._unread is None else 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called when a client has connected."""
        super().connection_made(transport)
        self.acceptance.note()
        # An answer stays in memory as a whole until its last byte is sent.
        transport.set_write_buffer_limits(high=0)
        self.flow = FairFlow(transport, self.turns)
        surplus = len(self.connections) - self.limits.connections
        if surplus > 0 and (idle := self.idle.take(cast("set[BoundedConnection]", self.connections))) is not None:
            self.connections.discard(idle)
            idle.transport.close()
        elif surplus > 0:
            self._surplus, self._ready = True, False
            self.refusals.add(_BUSY, self.client)
        if surplus > RESERVED_CONNECTIONS:
            self._refused = True
            transport.write(_BUSY_ANSWER)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection has ended."""
        super().connection_lost(exc)
        was_postponed, self._postponed = self._postponed is not None, None
        self.resume_writing()
        # What the application works on is released when it has done so.
        if self._begun > self._headed:
            _release(cast(dict[str, Any], self.scope))
        for cycle, _ in self.pipeline:
            _release(cast(dict[str, Any], cycle.scope))
        if (running := self._running) is not None and (was_postponed or running.scope["method"] in _READS):
            _release(cast(dict[str, Any], running.scope))

    def pause_writing(self) -> None:
        """Called by the transport when a part of an answer is not sent; no more is written then."""
        super().pause_writing()
        self._unread = share = Share(self.room)
        if not share.hold_unread(self.transport.get_write_buffer_size() + SENT_BYTES, self._end_unread):
            self._end_unread()

    def resume_writing(self) -> None:
        """Called by the transport when all of it is sent."""
        super().resume_writing()
        share, self._unread = self._unread, None
        if share is not None:
            share.release()
        postponed, self._postponed = self._postponed, None
        if postponed is not None:
            postponed()

    def data_received(self, data: bytes) -> None:
        """Takes the bytes that arrived on the connection."""
        if self._refused:
            # What kernels hold for hundreds of such connections would take seconds to discard in one turn.
            self.flow.pause_reading()
            self.flow.resume_reading()
            return
        begun, complete, body_bytes = self._begun, self._complete, self._body_bytes
        in_head = begun > self._headed
        self._received_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self._refused:
                self._go_on_without_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserCallbackError:
            self.refuse(Refusal(400, "The request target is not a valid URL."))
            return
        except httptools.HttpParserError as error:
            self.refuse(Refusal(400, f"The request is not valid HTTP/1.1: {error}."))
            return
        if self._received_bytes > _SMALL_BYTES and not self._hold():
            self._refuse_for_room()
            return
        if self._begun == self._complete:
            return
        if self._begun > self._headed:
            # A field that is still arriving is not among the headers yet.
            goes_on = in_head and begun == self._begun
            self._head_bytes = self._head_bytes + len(data) if goes_on else head_bytes(self.url, self.headers)
            refusal = size_refusal(self.limits, self.url, self._head_bytes, len(self.headers))
        else:
            # Chunk heads and trailers: what is sent without any body. A body goes to `on_body`.
            in_body = complete == self._complete and begun == self._begun and not in_head
            is_framing = in_body and body_bytes == self._body_bytes
            self._framing_bytes = self._framing_bytes + len(data) if is_framing else 0
            refusal = size_refusal(self.limits, b"", self._framing_bytes) or body_refusal(self.limits, self._body_bytes)
        if refusal is not None:
            self.refuse(refusal)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Called when the client sends nothing any more; it may still wait for answers to complete requests."""
        self._half_closed = True
        if self._held:
            return True
        return self._running is not None and self._answered < self._complete and not self._lingering

    def on_message_begin(self) -> None:
        """Called by the parser at the first byte of a message."""
        self._begun += 1
        self._ready = False
        self._active = True
        self._head_bytes = self._body_bytes = self._framing_bytes = self._trailer_bytes = self._received_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser with a header field, or with a trailer, which is dropped."""
        if self._headed < self._begun:
            super().on_header(name, value)
            return
        self._trailer_bytes += head_bytes(b"", ((name, value),))
        if (refusal := size_refusal(self.limits, b"", self._trailer_bytes)) is not None:
            self.refuse(refusal)

    def on_headers_complete(self) -> None:
        """Called by the parser at the end of a head."""
        if self._refused or self.parser.should_upgrade():
            return
        refusal = head_refusal(self.limits, self.parser.get_http_version(), self.url, self.headers)
        if refusal is None and self._surplus and not self.url.startswith(_HEALTH):
            refusal = _BUSY
        self._active = True
        if refusal is not None:
            self._headed += 1
            self._refuse_unread(refusal)
            return
        super().on_headers_complete()
        self._headed += 1
        scope = cast(dict[str, Any], self.scope)
        scope[CYCLE] = self.cycle
        if scope["method"] not in _READS:
            scope.setdefault(SHARE, Share(self.room))
        if self._surplus:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Called by the parser with a part of a body."""
        if self._refused:
            return
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by the parser at the last byte of a message."""
        if self._refused or self.parser.should_upgrade():
            return
        self._complete += 1
        self._active = True
        self._ready = self._is_ready()
        if self._trailer_bytes and not self.parser.should_keep_alive():
            self.cycle.keep_alive = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called when the application has answered a message."""
        self._answered += 1
        self._active = True
        self._ready = self._is_ready()
        if self._running is not None:
            _release(cast(dict[str, Any], self._running.scope))
        self._running = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._half_closed:
            self.transport.close()

    def check(self) -> None:
        """Called once a second: ends the connection if the client takes too long for what it does."""
        if self._active:
            self._active = False
            self._waited = 0
            return
        self._waited += 1
        if self._lingering:
            if self._waited >= _LINGER_SECONDS:
                self.transport.abort()
        elif self._begun > self._complete and not self._refused:
            self._check_request()
        elif self._running is not None or self.transport.is_closing():
            self._check_answer()
        elif self._waited >= (_LINGER_SECONDS if self._surplus else self.limits.idle_seconds):
            self.transport.close()
            self._waited = 0

    def refuse(self, refusal: Refusal) -> None:
        """Answers the message that is being read with an error, after the messages before it, and reads no more."""
        if self._refused or self.transport.is_closing():
            return
        if self._begun == self._complete or self._headed < self._begun:
            self._refuse_unread(refusal)
            return
        cycle = self.cycle
        if cycle is not self._running and not cycle.response_complete:
            # It waits for those before it.
            self._note_refusal(refusal)
            cast(dict[str, Any], cycle.scope)[REFUSAL] = refusal
            self._end_with(cycle)
        elif not cycle.response_started:
            # The application waits for the body: it is told that the client has left.
            cycle.on_response = _nothing
            cycle.disconnected = True
            cycle.message_event.set()
            self._refuse_unread(refusal)
        else:
            self._note_refusal(refusal)
            cycle.keep_alive = False
            if cycle.response_complete:
                self._linger()

    def _hold(self) -> bool:
        """Whether there is room for what has arrived of a message."""
        if self._begun == self._headed and self.cycle.response_complete:
            # It is discarded.
            return True
        scope = cast(dict[str, Any], self.scope)
        share: Share = scope.get(SHARE) or scope.setdefault(SHARE, Share(self.room))
        return share.hold(self._received_bytes)

    def _refuse_for_room(self) -> None:
        if self._begun > self._complete:
            self.refuse(room_refusal())
        elif not self.cycle.response_started:
            # It is complete, and the application has not begun with it.
            self._note_refusal(room_refusal())
            self.cycle.body.clear()
            cast(dict[str, Any], self.cycle.scope)[REFUSAL] = room_refusal()
            self._end_with(self.cycle)

    def _end_unread(self) -> None:
        self.refusals.add(unread_refusal(), self.client)
        self.transport.abort()

    def _refuse_unread(self, refusal: Refusal) -> None:
        """Refuses a message that the application knows nothing of."""
        self._note_refusal(refusal)
        if self._begun == self._complete:
            super().on_message_begin()
        scope = cast(dict[str, Any], self.scope)
        path = self.url.partition(b"?")[0]
        scope |= {"method": self._method(), "path": path.decode("latin-1"), "raw_path": path, "query_string": b""}
        scope[REFUSAL] = refusal
        before = self.cycle
        waits = self._running is not None and not before.disconnected
        cycle = self.cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        scope[CYCLE] = cycle
        self._end_with(cycle)
        if waits:
            self.pipeline.appendleft((cycle, self.app))
        else:
            self._start_asgi_task(cycle, self.app)

    def _is_ready(self) -> bool:
        return self._begun == self._complete == self._answered and not self._surplus and not self._refused

    def _note_refusal(self, refusal: Refusal) -> None:
        self._refused = True
        self.refusals.add(refusal, self.client)

    def _method(self) -> str:
        """The method of the message that is being read, as far as it is known."""
        return self.parser.get_method().decode("ascii") if self.url else ""

    def _end_with(self, cycle: RequestResponseCycle) -> None:
        """Makes an answer the last one of the connection."""
        cycle.keep_alive = False
        cycle.transport = cast(asyncio.Transport, _LastResponse(self.transport, self._linger))

    def _linger(self) -> None:
        """Closes one direction, and discards what the client goes on to send.

        A socket that is closed with unread bytes is reset, and the client may lose the answer.
        """
        if self._half_closed:
            self.transport.close()
            return
        self._lingering = self._active = True
        self.flow.resume_reading()
        self.transport.write_eof()

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Reads a request that offers another protocol (e.g. h2c) as if it did not: the parser skips its body."""
        if self.parser.get_method() == _CONNECT:
            self._headed += 1
            self._refuse_unread(Refusal(501, "The method CONNECT is not supported."))
            return
        method, url = self.parser.get_method(), self.url
        fields = [header for header in self.headers if header[0] != b"upgrade"]
        lines = [b"%s %s HTTP/1.1\r\n" % (method, url), *(b"%s: %s\r\n" % field for field in fields), b"\r\n", rest]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._begun -= 1
        BoundedConnection.data_received(self, b"".join(lines))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        if self.flow.write_paused:
            self._postponed = partial(self._start_asgi_task, cycle, app)
        elif REFUSAL in cycle.scope or cycle.scope["path"].startswith(_HEALTH_PATH):
            super()._start_asgi_task(cycle, app)
        else:
            self.turns.begin(partial(self._start, cycle, app))

    def _start(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self.transport.is_closing():
            # The client left while it waited for its turn.
            _release(cast(dict[str, Any], cycle.scope))
            return
        super()._start_asgi_task(cycle, self._counted(app) if cycle.scope["method"] not in _READS else app)

    def _counted(self, app: Any) -> Any:
        async def counted(scope: Any, receive: Any, send: Any) -> None:
            self.turns.writes += 1
            try:
                await app(scope, receive, send)
            finally:
                self.turns.writes -= 1
                _release(scope)

        return counted

    def _check_request(self) -> None:
        if self.flow.read_paused:
            self._waited = 0
        elif self._waited >= self.limits.request_seconds:
            self.refuse(time_refusal(self.limits))

    def _check_answer(self) -> None:
        """Ends the connection of a client that does not read its answer, and finds out whether it is still there."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._waited = 0
        self._unsent = unsent
        if self._waited >= self.limits.request_seconds:
            self.transport.abort()
        elif self._half_closed and self._running is not None and not self._running.response_started:
            # The end of what a client sends looks the same whether it has left or waits. One that left resets.
            self.transport.write(_CONTINUE)


class _LastResponse:
    """The transport of the last answer: where a cycle closes the connection, it lingers."""

    def __init__(self, transport: asyncio.Transport, linger: Any) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = linger


def _nothing() -> None:
    """Takes the place of the callback of an answer that nobody waits for."""


def _release(scope: dict[str, Any]) -> None:
    """Gives back what a request holds of the room."""
    share: Share | None = scope.get(SHARE)
    if share is not None:
        share.release()
