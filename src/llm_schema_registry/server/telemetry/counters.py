"""The directory of the counters that workers share: in memory, and removed even after a crash, by the next start."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SHARED_MEMORY = "/dev/shm"  # noqa: S108
_PREFIX = "lsr-metrics-"
_LOCK = "lock"


@contextmanager
def counter_directory(parent: Path | None = None) -> Iterator[str]:
    """A new directory that goes with the block; those of crashed processes are removed first.

    Its owner holds a lock on a file in it for as long as it lives, in whatever namespace of processes.

    Args:
        parent: where to make it; in shared memory for `None`, so that a full disk does not end workers.
    """
    if parent is None:
        parent = Path(_SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else tempfile.gettempdir())
    for left in parent.glob(f"{_PREFIX}*"):
        if _is_abandoned(left / _LOCK):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent) as directory:
        new = Path(directory) / f"{_LOCK}.new"
        with new.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Locked before it has its name.
            new.rename(Path(directory) / _LOCK)
            yield directory


def _is_abandoned(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
