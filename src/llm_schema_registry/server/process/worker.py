"""Worker process: uvicorn with the settings of this product."""

import asyncio
import gc
import signal
import socket
from contextlib import suppress
from typing import Any, cast

import structlog
import uvicorn

from llm_schema_registry.sandbox.limits import MEBIBYTE
from llm_schema_registry.server.app import create_app
from llm_schema_registry.server.process.file_descriptors import connections_within
from llm_schema_registry.server.process.heartbeat import Heartbeat
from llm_schema_registry.server.process.shutdown import GracefulShutdown, Phase
from llm_schema_registry.server.response_cache import (
    RESERVED_CONNECTIONS,
    BoundedConnection,
    Limits,
    ResponseCache,
    response_cache_protocol,
)
from llm_schema_registry.server.settings import Settings
from llm_schema_registry.store.changelog import ChangeLogFollower, CommitSignal

BACKLOG = 2048
_TICKS_PER_SECOND = 10
_SHUTDOWN_SECONDS = 3
# The application has ended a request this long after its connection was lost, or is cancelled.
_CANCEL_SECONDS = 1
_GOODBYE = (b"connection", b"close")
_log = structlog.get_logger()


def serve(
    settings: Settings, listening: socket.socket, url: str, signal_of_commits: CommitSignal, heartbeat: Heartbeat
) -> None:
    """Serves on a socket until SIGTERM or SIGINT, then drains, and gives requests in progress 3 seconds to end.

    SIGINT comes from a person who waits: it does not drain.

    Args:
        settings: of the node.
        listening: the socket, already listening.
        url: what the log says.
        signal_of_commits: shared by the workers of the node.
        heartbeat: shared with the supervisor, which alone knows when the end shall come at once.

    Raises:
        SystemExit: the application did not start; the log says why.
    """
    server = _Server(settings, url, ResponseCache(ChangeLogFollower(signal_of_commits)), heartbeat)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    # A supervisor alone can replace a process; and those who hang up on it do not mean its workers.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells its URL once it answers, and leaves as `GracefulShutdown` says."""

    def __init__(self, settings: Settings, url: str, response_cache: ResponseCache, heartbeat: Heartbeat) -> None:
        self._protocol = response_cache_protocol(response_cache, _limits(settings))
        self._app = create_app(settings, response_cache)
        super().__init__(
            uvicorn.Config(
                self._app,
                loop="uvloop",
                http=self._protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS + _CANCEL_SECONDS,
            )
        )
        self._url = url
        self._sensitive_metadata = "sealed" if settings.metadata_key else "in clear: LSR_METADATA_KEY is not set"
        self._pulse = heartbeat
        self._shutdown = GracefulShutdown(settings.drain_seconds, settings.idle_timeout_seconds)
        self._phase = Phase.SERVING
        self._listening: list[socket.socket] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the application, then starts to answer."""
        await super().startup(sockets)
        self._listening = list(sockets or ())
        self._protocol.acceptance.begin(self._listening, self._new_connection)
        _quiet_collector()
        _log.info("serving", url=self._url, sensitive_metadata=self._sensitive_metadata)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Takes SIGTERM and SIGINT, which begin the end."""
        self._shutdown.stop(drains=sig == signal.SIGTERM)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; says whether to stop serving."""
        # It dates the answers.
        await super().on_tick(counter)
        if counter % _TICKS_PER_SECOND == 0:
            self._protocol.refusals.tick()
            self._protocol.idle.tick()
            for connection in list(self.server_state.connections):
                cast(BoundedConnection, connection).check()
        self._pulse.beat()
        if self._pulse.is_retired:
            self._shutdown.retire()
        phase = self._shutdown.phase(len(self.server_state.connections))
        if self._phase is Phase.SERVING is not phase:
            self._send_connection_close()
        if self._listening and phase in (Phase.CLOSING, Phase.STOPPED):
            await self._stop_listening()
            phase = self._shutdown.phase(len(self.server_state.connections))
        self._phase = phase
        self._app.service.stopping = self._shutdown.is_stop
        return phase is Phase.STOPPED

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Gives connections in use some seconds to end, then cuts them off, and closes the application."""
        cut = asyncio.get_running_loop().call_later(_SHUTDOWN_SECONDS, self._cut_off)
        await super().shutdown(sockets)
        cut.cancel()

    def _cut_off(self) -> None:
        """Ends connections whose clients send no complete request, or do not read the answer."""
        for connection in list(self.server_state.connections):
            cast(BoundedConnection, connection).transport.abort()

    async def _stop_listening(self) -> None:
        """Accepts the connections that wait, since closing the socket would reset them, and no others.

        A process that retires at its limit of connections leaves them to others.
        """
        self._protocol.acceptance.end()
        for listening in self._listening:
            with suppress(BlockingIOError):
                while self._shutdown.is_stop or len(self.server_state.connections) < self._protocol.limits.connections:
                    accepted, _ = listening.accept()
                    await asyncio.get_running_loop().connect_accepted_socket(self._new_connection, accepted)
        for server in self.servers:
            server.close()
        self._listening.clear()
        # The loop announces connections that it accepted itself in its next iteration.
        await asyncio.sleep(0)

    def _new_connection(self) -> BoundedConnection:
        return self._protocol(self.config, self.server_state, self.lifespan.state)

    def _send_connection_close(self) -> None:
        """Lets every answer from now on say that its connection closes, also those that are under way."""
        self._protocol.leaving = True
        # uvicorn renews the default headers from these, once a second.
        self.config.encoded_headers.append(_GOODBYE)
        self.server_state.default_headers.append(_GOODBYE)


def _limits(settings: Settings) -> Limits:
    """The bounds of connections; fewer connections where the process may not open so many files."""
    connections = connections_within(settings.max_connections, RESERVED_CONNECTIONS)
    if connections < settings.max_connections:
        _log.warning(
            "fewer connections: the limit of open files is too low",
            max_connections=connections,
            wanted=settings.max_connections,
        )
    return Limits(
        request_seconds=settings.request_timeout_seconds,
        idle_seconds=settings.idle_timeout_seconds,
        head_bytes=settings.max_head_bytes,
        url_bytes=settings.max_url_bytes,
        body_bytes=settings.max_body_bytes,
        room_bytes=settings.max_buffered_mb * MEBIBYTE,
        connections=connections,
    )


def _quiet_collector() -> None:
    """Lets the garbage collector walk less, and less often: it stops everything while it does.

    What exists at start-up stays for good, and what requests leave behind is freed by counting references, but for
    what parsers and errors tie into cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
