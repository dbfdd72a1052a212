"""HTTP protocol that answers from the response cache before a request is parsed."""

import itertools
import secrets
from typing import Any, cast

from llm_schema_registry.server.connections.acceptance import Acceptance
from llm_schema_registry.server.connections.connection import BoundedConnection
from llm_schema_registry.server.connections.idle_connections import IdleConnections
from llm_schema_registry.server.connections.limits import Limits
from llm_schema_registry.server.connections.memory_budget import MemoryBudget
from llm_schema_registry.server.connections.refusals import RefusalLog
from llm_schema_registry.server.connections.turns import Turns
from llm_schema_registry.server.response_cache.cache import MAX_REQUEST_BYTES, ResponseCache

REQUEST_BYTES = "llm_schema_registry.request_bytes"
"""Where the scope of a request holds its bytes, if they came alone and whole."""


class ResponseCacheProtocol(BoundedConnection):
    """Answers from the response cache before parsing; other requests take the normal path.

    The cache is consulted only between messages: when no head or body is half read and no response is in progress, so
    that arriving bytes are the beginning of a message.

    Attributes:
        response_cache: of the worker.
        leaving: whether the worker closes each connection with its next answer; the default headers say so then.
    """

    __slots__ = ()
    response_cache: ResponseCache
    leaving = False

    def data_received(self, data: bytes) -> None:
        """Takes the bytes that arrived on the connection."""
        if not self._ready or self.flow.write_paused:
            if self._held:
                self._held += data
            else:
                super().data_received(data)
            return
        if (
            self.turns.writes
            and data.startswith(b"GET ")
            and not data.startswith(_HEALTH)
            and not self.turns.admit(self._go_on)
        ):
            self._held, self._ready = data, False
            return
        answer = self.response_cache.get(data)
        if answer is not None:
            self._active = True
            self.transport.write(b"".join((answer.head, self._new_headers(), answer.body)))
            if self.leaving:
                self.transport.close()
            return
        begun = self._begun
        super().data_received(data)
        if self._begun == self._complete == begun + 1 and len(data) <= MAX_REQUEST_BYTES:
            cast(dict[str, Any], self.scope)[REQUEST_BYTES] = data

    def _go_on(self) -> None:
        """Called when it is the turn of bytes that were held."""
        data, self._held = self._held, b""
        if not self.transport.is_closing():
            self._ready = True
            self.data_received(data)
            if self._half_closed and self._running is None:
                self.transport.close()

    def _new_headers(self) -> bytes:
        """The headers that no two answers share: the date, and an id for the request."""
        lines = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        lines.append(b"x-request-id: %s-%x\r\n" % (_PROCESS_ID, next(_NUMBERS)))
        return b"".join(lines)


_HEALTH = b"GET /health"
_PROCESS_ID = secrets.token_hex(8).encode()
_NUMBERS = itertools.count(1)


def response_cache_protocol(response_cache: ResponseCache, limits: Limits) -> type[ResponseCacheProtocol]:
    """The protocol class of a worker that uses this response cache."""
    own = {
        "__slots__": (),
        "response_cache": response_cache,
        "limits": limits,
        "refusals": RefusalLog(),
        "turns": Turns(),
        "room": MemoryBudget(limits.room_bytes),
        "idle": IdleConnections(),
        "acceptance": Acceptance(),
    }
    return type("ResponseCacheProtocol", (ResponseCacheProtocol,), own)
