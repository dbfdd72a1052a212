"""Programs of the sandboxes that the tests start."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def calls() -> Callable[[], Callable[[Any], Any]]:
    """Jobs are functions of this module, with their arguments."""

    def start() -> Callable[[Any], Any]:
        return lambda job: job[0](*job[1:])

    return start


def broken() -> None:
    raise LookupError("the program is broken")


def broken_start() -> Callable[[], None]:
    def start() -> None:
        raise LookupError("the process is broken")

    return start


def double(number: int) -> int:
    return 2 * number


def pid() -> int:
    return os.getpid()


def refuse(text: str) -> None:
    raise ValueError(text)


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def die(status: int) -> None:
    os._exit(status)


def abort() -> None:
    os.abort()


def take_memory(size: int) -> int:
    return len(bytearray(size))


def recursion() -> None:
    recursion()


def nested() -> str:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


_KEPT = []


def keep_memory(size: int) -> int:
    """Keeps as many bytes as long as the process lives."""
    _KEPT.append(b"x" * size)
    return os.getpid()
