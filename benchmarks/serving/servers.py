"""The registry, the plain framework endpoint, and another registry that runs elsewhere."""

import sys
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.serving.process import HOST, Pinned, Server, ServerError, free_port, listening

_BASELINE = (
    *("-m", "uvicorn", "benchmarks.baseline:app"),
    *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
)


def registry(
    store: str, cores: Collection[int], log: Path, *, workers: int = 1, ready: str = "/subjects?limit=1"
) -> AbstractContextManager[Server]:
    """The registry on a store.

    Args:
        store: the URL of the store.
        cores: the cores it may use.
        log: where its output goes.
        workers: how many processes answer.
        ready: the path that answers 200 when it is up.

    Raises:
        ServerError: it did not start.
    """
    serve = ("-m", "llm_schema_registry.cli", "serve", "--store", store, "--workers", str(workers))
    return _python(serve, cores, log, ready)


def baseline(cores: Collection[int], log: Path) -> AbstractContextManager[Server]:
    """The plain framework endpoint; arguments and errors as for `registry`."""
    return _python(_BASELINE, cores, log, "/")


def peer(url: str, pid: int | None) -> Server:
    """Another registry, which somebody else started.

    Args:
        url: `http://host:port`.
        pid: its process, if it runs on this machine.

    Raises:
        ServerError: the URL is no such address.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not parts.port or parts.path.strip("/"):
        raise ServerError(f"The other registry's address has to be http://host:port, and is {url}")
    return Server((parts.hostname, parts.port), pid)


def _python(
    arguments: tuple[str, ...], cores: Collection[int], log: Path, ready: str
) -> AbstractContextManager[Server]:
    port = free_port()
    command = (sys.executable, *arguments, "--host", HOST, "--port", str(port))
    return listening(Pinned(command, cores, log), port, ready)
