"""Connections to one PostgreSQL server, kept and renewed in a pool."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

import asyncpg

from llm_schema_registry.store.postgresql.failures import FAILURES, is_lost
from llm_schema_registry.store.rows import Row, Value
from llm_schema_registry.store.waiting import uninterrupted

POINT_SECONDS = 5.0
"""How long a statement that reads or writes a few rows may take before the server is held to be gone."""

_CONNECT_SECONDS = 3.0
_ROLLBACK_SECONDS = 2.0
_CLOSE_SECONDS = 5.0
_IDLE_SECONDS = 300.0
# A process that stops in the middle of a transaction must not hold the head row for ever.
_IDLE_IN_TRANSACTION_MILLISECONDS = 60_000
_CONNECTIONS = 8

PLANNER = {
    # Planning a statement anew for its values costs more than running it, and every statement has an index that serves
    # whatever the values: what the planner thinks of tables that are small or new must not lead away from it.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}
"""How the database plans the statements of the store."""

Session = Any
"""An asyncpg connection; the library has no types."""

Values = Sequence[Value | list[str]]
"""The values of a statement's parameters."""


class Connections:
    """A pool of sessions of one server, each with the store's schema as its search path.

    Sessions are opened when they are needed; one that broke, or leads to a server that may no longer be written to,
    is replaced. So the store comes back by itself when the server does.

    Args:
        url: the server.
        schema: where the tables are.
        patience: for how many seconds statements wait for locks.
    """

    __slots__ = ("_options", "_pool", "_url")

    def __init__(self, url: str, schema: str, patience: float) -> None:
        self._url = url
        self._pool: Any = None
        self._options: dict[str, Any] = {
            "timeout": _CONNECT_SECONDS,
            "command_timeout": POINT_SECONDS,
            # The statements are few, and never change: each is prepared once in a session.
            "max_cached_statement_lifetime": 0,
            "server_settings": {
                "application_name": "llm-schema-registry",
                "search_path": f'"{schema}"',
                "lock_timeout": str(round(patience * 1000)),
                "idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_MILLISECONDS),
                **PLANNER,
            },
        }

    async def open(self) -> Self:
        """Makes the pool; connects to nothing yet."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=_CONNECTIONS,
            max_queries=1_000_000_000,
            max_inactive_connection_lifetime=_IDLE_SECONDS,
            reset=_leave_as_is,
            **self._options,
        )
        return self

    async def connect(self) -> Session:
        """A session of its own, outside the pool; raises as asyncpg does."""
        return await asyncpg.connect(self._url, **self._options)

    async def fetch(self, statement: str, values: Values, seconds: float = POINT_SECONDS) -> list[Row]:
        """All rows of an answer.

        A session that turns out to be broken is replaced once: reading twice does no harm.

        Raises:
            asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError: the server failed.
        """
        try:
            return await self._fetch_once(statement, values, seconds)
        except TimeoutError:
            raise
        except FAILURES as error:
            if not is_lost(error):
                raise
        return await self._fetch_once(statement, values, seconds)

    async def _fetch_once(self, statement: str, values: Values, seconds: float) -> list[Row]:
        async with self.session() as session:
            rows: list[Row] = await session.fetch(statement, *values, timeout=seconds)
            return rows

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session of the pool; whoever begins a transaction in it must end it.

        Raises as `fetch` does, and whatever its block raises.
        """
        session = await self.take()
        try:
            yield session
        except FAILURES as error:
            if is_lost(error):
                await self._lose(session)
            raise
        finally:
            await self._pool.release(session)

    async def take(self) -> Session:
        """A session of the pool, to be given back by `give_back`; raises as `fetch` does."""
        return await self._pool.acquire(timeout=_CONNECT_SECONDS)

    async def give_back(self, session: Session, *, roll_back: bool) -> None:
        """Gives a session back that was taken. A cancellation takes effect only when that is done.

        Args:
            session: what `take` answered.
            roll_back: whether it may be in a transaction.
        """
        await uninterrupted(asyncio.ensure_future(self._give_back(session, roll_back)))

    async def _give_back(self, session: Session, roll_back: bool) -> None:
        try:
            if roll_back and not session.is_closed():
                await session.execute("ROLLBACK", timeout=_ROLLBACK_SECONDS)
        except FAILURES:
            await self._lose(session)
        finally:
            await self._pool.release(session)

    async def _lose(self, session: Session) -> None:
        cut_off(session)
        # The server stopped, went silent or gave its place to another: the other sessions are as good as lost.
        await self._pool.expire_connections()

    async def close(self) -> None:
        """Waits a while for what is in progress, and cuts off the rest. Idempotent."""
        try:
            await asyncio.wait_for(self._pool.close(), _CLOSE_SECONDS)
        except FAILURES:
            self._pool.terminate()


def cut_off(session: Session) -> None:
    """Ends a session without a word; one that broke has left the pool by itself."""
    with contextlib.suppress(asyncpg.InterfaceError):
        session.terminate()


async def _leave_as_is(_session: Session) -> None:
    """Nothing of a session needs to be reset: a second round trip for every read would cost as much as the read."""
