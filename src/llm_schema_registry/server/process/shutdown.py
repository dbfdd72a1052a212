"""Graceful shutdown: drain, close, stop.

A process that stops drains first: it says that it is not ready, so that a load balancer takes it out, and still
answers everybody. Then it accepts no connection any more, and stays a moment for those who are still talking to it.
From the beginning of the end each answer says `Connection: close`, so that clients leave between two requests, not in
the middle of one.
"""

import enum
import math
import time
from collections.abc import Callable

from llm_schema_registry.server.process.handshakes import HANDSHAKE_SECONDS

_LAST_WORD_SECONDS = 0.5
# Longer than a connection may be idle.
_RETIREMENT_SECONDS = 15.0


class Phase(enum.Enum):
    """How far it has come."""

    SERVING = enum.auto()
    DRAINING = enum.auto()
    CLOSING = enum.auto()
    STOPPED = enum.auto()


class GracefulShutdown:
    """The end of one process: when it comes depends on what is asked for, and on who still talks to it.

    Args:
        drain_seconds: for how long a process that stops goes on accepting connections.
        idle_seconds: for how long a connection may be idle.
        clock: a monotonic clock in seconds.

    Attributes:
        is_stop: whether the whole node stops, not this process alone.
    """

    def __init__(self, drain_seconds: float, idle_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._drain_seconds = drain_seconds
        self._retirement_seconds = idle_seconds + _RETIREMENT_SECONDS
        self._clock = clock
        self._accepts_until = math.inf
        self._stays_until = math.inf
        self.is_stop = False

    def stop(self, *, drains: bool) -> None:
        """Asks for the end of the node. Asked again, it does not come later.

        Connections are accepted at least until the handshakes under way are complete.
        """
        now = self._clock()
        self.is_stop = True
        drain_seconds = self._drain_seconds if drains else 0
        self._accepts_until = min(self._accepts_until, now + max(drain_seconds, HANDSHAKE_SECONDS))
        self._stays_until = min(self._stays_until, max(self._accepts_until, now) + _LAST_WORD_SECONDS)

    def retire(self) -> None:
        """Asks for the end of this process alone: others accept connections on the same socket.

        It stays until clients have closed their connections, or these have been idle for as long as they may, so
        that a client notices nothing.
        """
        now = self._clock()
        self._accepts_until = min(self._accepts_until, now)
        self._stays_until = min(self._stays_until, now + self._retirement_seconds)

    def phase(self, connections: int) -> Phase:
        """How far it has come, with so many connections open."""
        now = self._clock()
        if self._accepts_until == math.inf:
            return Phase.SERVING
        if now < self._accepts_until:
            return Phase.DRAINING
        if connections and now < self._stays_until:
            return Phase.CLOSING
        return Phase.STOPPED
