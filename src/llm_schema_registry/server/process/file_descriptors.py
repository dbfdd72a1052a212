"""File descriptors of the process: how many connections fit, and a reserve for everything else."""

import resource

_RESERVE = 128


def connections_within(wanted: int, reserved: int) -> int:
    """Raises the soft limit of open files as far as needed and allowed, and returns how many connections fit.

    Args:
        wanted: the most connections.
        reserved: connections that are accepted beyond those.
    """
    needed = wanted + reserved + _RESERVE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return max(1, needed - reserved - _RESERVE)
