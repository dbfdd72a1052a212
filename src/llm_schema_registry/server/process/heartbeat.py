"""Heartbeat: two numbers in memory that a worker and its supervisor share."""

import ctypes
import multiprocessing

_BEATS, _RETIRED = range(2)


class Heartbeat:
    """The heartbeat of a worker. It reaches the worker as an argument of its process."""

    def __init__(self) -> None:
        self._shared = multiprocessing.get_context("spawn").RawArray(ctypes.c_longlong, 2)

    def beat(self) -> None:
        """Says, for the worker, that its event loop turns."""
        self._shared[_BEATS] += 1

    @property
    def beats(self) -> int:
        """How often it has beaten; above 0 the worker answers requests."""
        return self._shared[_BEATS]

    def retire(self) -> None:
        """Asks the worker, for its supervisor, to leave its place to another."""
        self._shared[_RETIRED] = 1

    @property
    def is_retired(self) -> bool:
        """Whether the worker is asked to leave."""
        return bool(self._shared[_RETIRED])
