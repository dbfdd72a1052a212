"""Resource limits of a process."""

import contextlib
import mmap
import sys
from typing import NamedTuple

MEBIBYTE = 1024 * 1024
_PAGE_BYTES = mmap.PAGESIZE


class Limits(NamedTuple):
    """The bounds of one job.

    Attributes:
        seconds: the deadline, from the moment a process takes the job.
        memory: bytes of private memory of a process; an inherited limit that is smaller stays in force.
    """

    seconds: float = 10.0
    memory: int = 1024 * MEBIBYTE


def limit_process(memory: int) -> None:
    """Limits the memory of this process, and disables core dumps.

    `RLIMIT_DATA` covers private writable mappings, thus what an allocator takes. Address space is a poor measure:
    shared libraries and thread stacks reserve much more of it than they use.
    """
    if sys.platform == "win32":
        return
    import resource

    _lower(resource.RLIMIT_DATA, memory)
    _lower(resource.RLIMIT_CORE, 0)
    # When the whole machine runs out of memory, this process goes before its owner.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as stream:
        stream.write("500")


def resident_bytes() -> int:
    """The memory of this process that is in RAM; 0 on systems that do not say."""
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def limit_file_size(size: int) -> None:
    """Limits the size of every file that this process writes to `size` bytes."""
    if sys.platform == "win32":
        return
    import resource

    _lower(resource.RLIMIT_FSIZE, size)


def _lower(kind: int, limit: int) -> None:
    import resource

    soft, hard = resource.getrlimit(kind)
    inherited = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    lowest = min([limit, *inherited])
    # Some systems know a limit and refuse to set it; the deadline holds there all the same.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (lowest, lowest))
