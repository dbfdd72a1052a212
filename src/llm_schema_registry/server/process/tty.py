"""The controlling terminal: SIGHUP means that it was closed or, without one, a reload."""

import os

_TERMINAL = "/dev/tty"


class Terminal:
    """The terminal of this process when it was started, if it has one."""

    def __init__(self) -> None:
        self._was_there = _is_there()

    @property
    def was_closed(self) -> bool:
        """Whether it was there, and is no more."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
