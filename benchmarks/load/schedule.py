"""The times at which requests leave at a fixed rate, whatever is answered."""

import ctypes
import os

_NANOSECONDS = 1_000_000_000
_CLOCK_MONOTONIC = 1
_NONBLOCKING = os.O_NONBLOCK
_ABSOLUTE = 1


class Schedule:
    """Evenly spaced times.

    Args:
        start: the first time, in nanoseconds of the monotonic clock.
        rate: how many there are per second.
        seconds: how long they go on.
    """

    __slots__ = ("_passed", "_start", "count", "interval")

    def __init__(self, start: int, rate: float, seconds: float) -> None:
        self._start = start
        self._passed = 0
        self.interval = _NANOSECONDS / rate
        self.count = max(1, round(rate * seconds))

    @property
    def over(self) -> bool:
        """Whether every time has passed."""
        return self._passed >= self.count

    def due(self, now: int) -> list[int]:
        """The times that have passed and were not told before, in order."""
        reached = min(self.count, int((now - self._start) / self.interval) + 1) if now >= self._start else 0
        times = [self._start + round(number * self.interval) for number in range(self._passed, reached)]
        self._passed = max(self._passed, reached)
        return times


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("first", _Timespec))


class Alarm:
    """A file descriptor that becomes readable at even times: event loops keep time by milliseconds only.

    Args:
        start: the first time, in nanoseconds of the monotonic clock.
        interval: nanoseconds between the times.

    Raises:
        OSError: the system has no such timers.
    """

    def __init__(self, start: int, interval: float) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = library.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCKING)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        setting = _Timer(_timespec(max(1, round(interval))), _timespec(start))
        if library.timerfd_settime(self.descriptor, _ABSOLUTE, ctypes.byref(setting), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def acknowledge(self) -> None:
        """Makes it unreadable until the next time."""
        os.read(self.descriptor, 8)

    def close(self) -> None:
        """Gives the descriptor back, which is -1 from then on. Idempotent."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _timespec(nanoseconds: int) -> _Timespec:
    return _Timespec(*divmod(nanoseconds, _NANOSECONDS))
