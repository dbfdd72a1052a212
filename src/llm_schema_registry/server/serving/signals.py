"""Signals: the workers of a node tell each other that something was committed."""

import ctypes
import multiprocessing
from typing import Protocol


class Signal(Protocol):
    """A number that moves with every commit on the node: after it, and before anybody learns of it."""

    @property
    def value(self) -> int:
        """The number; it costs next to nothing to look."""
        ...

    def move(self) -> None:
        """Says that something may have been committed."""
        ...


class LocalSignal:
    """The signal of a node with one worker."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def move(self) -> None:
        """See `Signal`."""
        self.value += 1


class SharedSignal:
    """The signal of a node with several worker processes: a number in memory that they share.

    It reaches a worker as an argument of its process.
    """

    def __init__(self) -> None:
        self._shared = multiprocessing.get_context("spawn").Value(ctypes.c_longlong, 0)

    @property
    def value(self) -> int:
        """See `Signal`. Read without the lock: whoever waits for an answer reads after the move."""
        return self._shared.get_obj().value

    def move(self) -> None:
        """See `Signal`."""
        with self._shared.get_lock():
            self._shared.get_obj().value += 1
