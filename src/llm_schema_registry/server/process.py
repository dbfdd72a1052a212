"""One process that answers: uvicorn with the settings of this product."""

import gc
import signal
import socket
from functools import partial
from typing import Any

import structlog
import uvicorn

from llm_schema_registry.server.app import create_app
from llm_schema_registry.server.serving import Shelf, shelf_protocol
from llm_schema_registry.server.settings import Settings
from llm_schema_registry.store.caching import Follower, Signal

BACKLOG = 2048
# Longer than the pools of clients and proxies keep a connection, so that it is they who close it.
_KEEP_ALIVE_SECONDS = 75
_SHUTDOWN_SECONDS = 3
_log = structlog.get_logger()


def serve(settings: Settings, listening: socket.socket, url: str, signal_of_commits: Signal) -> None:
    """Serves on a socket until SIGTERM or SIGINT, then gives requests in progress 3 seconds to end.

    Raises:
        SystemExit: the application did not start; the log says why.
    """
    # uvicorn raises the signal that stopped it once more when it has done its work.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)
    _Server(settings, url, Shelf(Follower(signal_of_commits))).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells its URL once it answers."""

    def __init__(self, settings: Settings, url: str, shelf: Shelf) -> None:
        super().__init__(
            uvicorn.Config(
                partial(create_app, settings, shelf),
                factory=True,
                loop="uvloop",
                http=shelf_protocol(shelf),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )
        self._url = url
        self._sensitive_metadata = "sealed" if settings.metadata_key else "in clear: LSR_METADATA_KEY is not set"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the application, then starts to answer."""
        await super().startup(sockets)
        _quiet_collector()
        _log.info("serving", url=self._url, sensitive_metadata=self._sensitive_metadata)


def _quiet_collector() -> None:
    """Lets the garbage collector walk less, and less often: it stops everything while it does.

    What exists at start-up stays for good, and what requests leave behind is freed by counting references, but for
    what parsers and errors tie into cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _ignore(number: int, frame: Any) -> None:
    """Lets the process end on its own."""
