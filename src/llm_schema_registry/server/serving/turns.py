"""Fair turns of the event loop: while a write is in progress, few reads begin per turn, and the others wait in line.

A write takes many turns of the loop. If every turn answers hundreds of reads, a write waits for thousands of them.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

_READS_PER_TURN = 4
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
