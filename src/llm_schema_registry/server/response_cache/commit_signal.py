"""Commit signal: the workers of a node notify each other of commits."""

import ctypes
import multiprocessing
from typing import Any

# Enough for the moves of one process; what is left of 64 bits, for the processes.
_MOVE_BITS = 44


class LocalCommitSignal:
    """The signal of a node with one worker."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def notify(self) -> None:
        """See `Signal`."""
        self.value += 1


class SharedCommitSignal:
    """The signal of a node with several worker processes: a number in memory that they share.

    Each move writes a number that no other move writes, so that it takes no lock: a worker that is killed, or stopped
    in the middle of a move, holds nobody up.

    Args:
        mover: a number of its own for each process that moves the signal.
        shared: the memory; new memory for `None`. It reaches a worker as an argument of its process.
    """

    def __init__(self, mover: int = 0, shared: Any = None) -> None:
        self._shared = multiprocessing.get_context("spawn").RawValue(ctypes.c_longlong, 0) if shared is None else shared
        self._mover = mover
        self._moves = 0

    def of(self, mover: int) -> "SharedCommitSignal":
        """The same signal, for another process to move."""
        return SharedCommitSignal(mover, self._shared)

    @property
    def value(self) -> int:
        """See `Signal`."""
        value: int = self._shared.value
        return value

    def notify(self) -> None:
        """See `Signal`."""
        self._moves += 1
        self._shared.value = self._mover << _MOVE_BITS | self._moves
