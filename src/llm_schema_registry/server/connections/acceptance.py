"""Acceptance of connections while the turns of the event loop are long.

libuv accepts one connection per turn, so that the workers of a node share new connections evenly. When a turn takes 20
milliseconds, because hundreds of clients send bodies, the last one of hundreds of new connections would wait for
seconds.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence

_LONG_TURN_SECONDS = 0.002
_MOST_PER_TURN = 16


class Acceptance:
    """Accepts more connections per turn after a long turn, until none waits.

    Args:
        clock: a monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._listening: Sequence[socket.socket] = ()
        self._new_connection: Callable[[], asyncio.BaseProtocol] = asyncio.Protocol
        self._is_due = False
        self._accepting: set[asyncio.Task[object]] = set()

    def begin(self, listening: Sequence[socket.socket], new_connection: Callable[[], asyncio.BaseProtocol]) -> None:
        """Begins to accept.

        Args:
            listening: sockets that do not block.
            new_connection: makes the protocol of an accepted connection.
        """
        self._listening, self._new_connection = listening, new_connection

    def end(self) -> None:
        """Accepts no more connections."""
        self._listening = ()

    def note(self) -> None:
        """Called with every connection that was accepted."""
        if not self._is_due and self._listening:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._end_turn, self._clock())

    def _end_turn(self, begun_at: float) -> None:
        self._is_due = False
        if self._clock() - begun_at < _LONG_TURN_SECONDS:
            return
        loop = asyncio.get_running_loop()
        for accepted in self._accept():
            task = loop.create_task(loop.connect_accepted_socket(self._new_connection, accepted))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)

    def _accept(self) -> list[socket.socket]:
        accepted: list[socket.socket] = []
        for listening in self._listening:
            while len(accepted) < _MOST_PER_TURN:
                try:
                    accepted.append(listening.accept()[0])
                except OSError:
                    # None waits, or no descriptor is left: the event loop reports that with its own next attempt.
                    break
        return accepted
