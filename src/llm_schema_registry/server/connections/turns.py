"""Fair turns of the event loop: few requests begin per turn, and the others wait in line.

A turn that begins hundreds of requests answers nothing else until all of them have run, `/health` included. And a
write takes many turns of the loop: if every turn answers hundreds of reads, a write waits for thousands of them.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

_READS_PER_TURN = 4
_MOST_PER_TURN = 16
_LONG_TURN_SECONDS = 0.04
_YIELD_SECONDS = 0.00005


class Turns:
    """The turns of one event loop.

    Attributes:
        writes: how many writes are in progress.
    """

    def __init__(self) -> None:
        self.writes = 0
        self._left = _READS_PER_TURN
        self._line: deque[Callable[[], None]] = deque()
        self._is_due = False
        self._is_calling = False
        self._allowed = _MOST_PER_TURN
        self._begun = 0
        self._begun_at = 0.0
        self._waiting: deque[Callable[[], None]] = deque()

    def begin(self, request: Callable[[], None]) -> None:
        """Begins a request, now or in a turn to come, in order.

        After a long turn one request begins per turn, after short ones more and more again.
        """
        if self._waiting or self._begun >= self._allowed:
            self._waiting.append(request)
            return
        if not self._begun:
            self._begun_at = time.monotonic()
            loop = asyncio.get_running_loop()
            # In the next turn but one: those that begin now have run by then.
            loop.call_soon(loop.call_soon, self._end_turn)
        self._begun += 1
        request()

    def _end_turn(self) -> None:
        """Called after the requests that began in a turn have run for the first time."""
        is_long = time.monotonic() - self._begun_at > _LONG_TURN_SECONDS
        self._allowed = 1 if is_long else min(2 * self._allowed, _MOST_PER_TURN)
        self._begun = 0
        waiting, self._waiting = self._waiting, deque()
        while waiting and self._begun < self._allowed:
            self.begin(waiting.popleft())
        self._waiting = waiting

    def admit(self, later: Callable[[], None]) -> bool:
        """Whether a read may begin now; if not, `later` is called in a turn to come, in order."""
        if self._is_calling:
            return True
        self._call_soon()
        if self._left <= 0 or self._line:
            self._line.append(later)
            return False
        self._left -= 1
        return True

    def _call_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._is_due = False
        self._left = _READS_PER_TURN
        if self.writes:
            # The thread of the store waits for the interpreter. A loop that gives it up for an instant, again and
            # again, takes it back before the thread has woken up.
            time.sleep(_YIELD_SECONDS)
        self._is_calling = True
        try:
            while self._line and (self._left > 0 or not self.writes):
                self._left -= 1
                self._line.popleft()()
        finally:
            self._is_calling = False
        if self._line:
            self._call_soon()


class OwnTurns:
    """Turns of one event loop for steps that take long: one of them per turn, in order."""

    def __init__(self) -> None:
        self._line: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Waits for a turn in which no other such step runs."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._line.append(turn)
        if len(self._line) == 1:
            loop.call_soon(self._give)
        await turn

    def _give(self) -> None:
        turn = self._line[0]
        if not turn.done():
            turn.set_result(None)
        loop = asyncio.get_running_loop()
        # In the next turn but one: the step has run by then.
        loop.call_soon(loop.call_soon, self._go_on)

    def _go_on(self) -> None:
        self._line.popleft()
        if self._line:
            self._give()
