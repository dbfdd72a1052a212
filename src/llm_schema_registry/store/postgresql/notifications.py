"""Follows the revision of a store through notifications of commits."""

import asyncio
import contextlib
import random

from llm_schema_registry.store.postgresql.errors import FAILURES
from llm_schema_registry.store.postgresql.pool import POINT_SECONDS, ConnectionPool, Session, is_full
from llm_schema_registry.store.sql.reads import REVISION

_LOOK_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


class Listener:
    """Listens in a session of its own, which it renews as often as it breaks.

    Each new session first listens, then reads the revision: what was committed in between is not missed. While
    connections are scarce there is none: it leaves its connection to reads and writes.

    Args:
        connections: where sessions come from.
        channel: where commits are announced.
    """

    __slots__ = ("_channel", "_connected", "_connections", "_news", "_pause", "_revision", "_task")

    def __init__(self, connections: ConnectionPool, channel: str) -> None:
        self._connections = connections
        self._channel = channel
        self._connected = False
        self._revision = 0
        self._pause = 0.0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def started(self) -> bool:
        """Whether it was ever begun to listen."""
        return self._task is not None

    @property
    def connected(self) -> bool:
        """Whether the revision known here is that of the store, but for the moment an announcement takes."""
        return self._connected

    @property
    def revision(self) -> int:
        """The highest revision heard of."""
        return self._revision

    def start(self) -> None:
        """Begins to listen; does nothing when it has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen_on(), name="store-listener")

    def heard(self, revision: int) -> None:
        """Takes note of a revision that the store has reached."""
        if revision > self._revision:
            self._revision = revision
            news, self._news = self._news, asyncio.Event()
            news.set()

    async def beyond(self, after: int) -> int:
        """Waits until the store is past a revision, and returns the one it has reached."""
        while self._revision <= after:
            await self._news.wait()
        return self._revision

    async def close(self) -> None:
        """Ends listening. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _listen_on(self) -> None:
        while True:
            # Whoever waits learns of a failure by the read that ends each wait.
            with contextlib.suppress(*FAILURES):
                await self._listen()
            self._pause = min(2 * self._pause or _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
            pause = self._pause * random.uniform(0.5, 1)  # noqa: S311
            await asyncio.sleep(max(pause, self._connections.scarcity))

    async def _listen(self) -> None:
        session = await self._connections.connect_spare()
        try:
            lost = asyncio.Event()
            session.add_termination_listener(lambda _session: lost.set())
            await session.add_listener(self._channel, self._announced)
            while True:
                # Also shows, from time to time, that the server is still there.
                self.heard(await session.fetchval(REVISION, timeout=POINT_SECONDS) or 0)
                self._connected = True
                if await is_full(session):
                    self._connections.note_scarcity()
                    return
                self._pause = 0.0
                try:
                    await asyncio.wait_for(lost.wait(), _LOOK_SECONDS)
                except TimeoutError:
                    continue
                return
        finally:
            self._connected = False
            session.terminate()

    def _announced(self, _session: Session, _process: int, _channel: str, payload: str) -> None:
        # Anyone with a login may send to a channel; what is no number is not from here.
        if payload.isascii() and payload.isdigit() and len(payload) < 20:
            self.heard(int(payload))
