"""Pool of connections to one PostgreSQL server."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from typing import Any

import asyncpg

from llm_schema_registry.core.cancellation import run_to_completion
from llm_schema_registry.store.postgresql.errors import FAILURES, is_lost
from llm_schema_registry.store.sql.rows import Row, Value
from llm_schema_registry.store.sql.statements import load_statements

POINT_SECONDS = 5.0
"""How long a statement that reads or writes a few rows may take before the server is held to be gone."""

_IS_FULL = load_statements("postgresql")["is_full"]
_CONNECT_SECONDS = 3.0
_WAIT_SECONDS = 3.0
_ROLLBACK_SECONDS = 2.0
_CLOSE_SECONDS = 5.0
# A server that does not answer is noticed within the sum of these two, in the middle of a long read.
_LOOK_SECONDS = 3.0
_ANSWER_SECONDS = 4.0
_SMALLER_SECONDS = 30.0
# While connections are scarce, processes take turns: after each turn a process closes a session, and opens none for
# longer than the others pause between two attempts.
_TURN_SECONDS = 0.1
_REST_SECONDS = 0.05
_PAUSE_SECONDS = 0.02
# How long a read of the log waits for a session of the pool: less than its caller waits for the answer.
_SOON_SECONDS = 1.2
_IDLE_SECONDS = 300.0
# A process that stops in the middle of a transaction must not hold the head row indefinitely.
_IDLE_IN_TRANSACTION_MILLISECONDS = 60_000
_CONNECTIONS = 8

PLANNER = {
    # Planning a statement again for its values costs more than running it, and every statement has an index that serves
    # whatever the values: what the planner thinks of tables that are small or new must not lead away from it.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}
"""How the database plans the statements of the store."""


class PoolExhaustedError(asyncpg.TooManyConnectionsError):  # type: ignore[misc]
    """No session of the pool became free in time; whether the server allows a further one is not known."""


Session = Any
"""An asyncpg connection; the library has no types."""

Values = Sequence[Value | list[str]]
"""The values of a statement's parameters."""


class ConnectionPool:
    """A pool of sessions of one server, each with the store's schema as its search path.

    Sessions are opened when they are needed; one that broke, or leads to a server that may no longer be written to,
    is replaced. So the store comes back by itself when the server does. A pool that resets sessions, as asyncpg's does,
    would take as much time for a read as the read itself.

    While connections are scarce, because the server, the database or the role allows no further one, processes take
    turns: sessions are closed soon after their use, and even under load one every tenth of a second.

    Args:
        url: the server.
        schema: where the tables are.
        timeout_seconds: for how many seconds statements wait for locks.
        wait: for how many seconds a session is waited for; `None` for the usual time.
    """

    __slots__ = (
        "_closed",
        "_free",
        "_generation",
        "_idle",
        "_opening",
        "_options",
        "_rests_until",
        "_retiring",
        "_scarce_until",
        "_sessions",
        "_spare",
        "_turn_ends_at",
        "_url",
        "_wait",
        "_withheld",
    )

    def __init__(self, url: str, schema: str, timeout_seconds: float, wait: float | None = None) -> None:
        self._url = url
        self._options: dict[str, Any] = {
            "timeout": _CONNECT_SECONDS,
            "command_timeout": POINT_SECONDS,
            # The statements are few, and never change: each is prepared once in a session.
            "max_cached_statement_lifetime": 0,
            "server_settings": {
                "application_name": "llm-schema-registry",
                "search_path": f'"{schema}"',
                "lock_timeout": str(round(timeout_seconds * 1000)),
                "idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_MILLISECONDS),
                **PLANNER,
            },
        }
        self._wait = wait
        self._free = asyncio.Semaphore(_CONNECTIONS)
        # Each session that is open, with the generation it belongs to: whoever loses one begins another generation.
        self._sessions: dict[Session, int] = {}
        self._generation = 0
        self._opening = asyncio.Lock()
        self._spare: Session | None = None
        self._scarce_until = 0.0
        self._turn_ends_at = 0.0
        self._rests_until = 0.0
        # Those that nobody uses, with the time since when; the last ones are used first.
        self._idle: list[tuple[Session, float]] = []
        self._retiring: asyncio.TimerHandle | None = None
        self._withheld: list[asyncio.TimerHandle] = []
        self._closed = False

    async def connect(self) -> Session:
        """A session of its own, outside the pool; raises as asyncpg does."""
        try:
            return await asyncpg.connect(self._url, **self._options)
        except asyncpg.TooManyConnectionsError:
            self.note_scarcity()
            raise

    async def connect_spare(self) -> Session:
        """A session outside the pool that is cut off if the pool is refused its only one; raises as `connect` does."""
        self._spare = await self.connect()
        return self._spare

    @property
    def scarcity(self) -> float:
        """For how many seconds connections are to be treated as scarce; 0 while there are enough."""
        return max(0.0, self._scarce_until - asyncio.get_running_loop().time())

    def note_scarcity(self) -> None:
        """Notes that the server, the database or the role has as many sessions as it may have."""
        self._scarce_until = asyncio.get_running_loop().time() + _SMALLER_SECONDS
        if self._retiring is not None:
            self._retiring.cancel()
            self._retire()

    async def fetch(self, statement: str, values: Values, seconds: float = POINT_SECONDS) -> list[Row]:
        """All rows of an answer.

        A session that turns out to be broken is replaced once: reading twice does no harm. A long read is given up as
        soon as the server does not answer a short one.

        Raises:
            asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError: the server failed.
        """
        if seconds > POINT_SECONDS:
            return await self._while_it_answers(self._fetch_twice(statement, values, seconds))
        return await self._fetch_twice(statement, values, seconds)

    async def _while_it_answers(self, fetching: Coroutine[Any, Any, list[Row]]) -> list[Row]:
        reading = asyncio.ensure_future(fetching)
        try:
            while not reading.done():
                await asyncio.wait((reading,), timeout=_LOOK_SECONDS)
                if not reading.done():
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        await self._look()
            return reading.result()
        finally:
            reading.cancel()
            await asyncio.wait((reading,))
            if not reading.cancelled():
                # Retrieved, in case the failure of the look is raised instead.
                reading.exception()

    async def _look(self) -> None:
        """Raises unless the server answers. Not in the pool, whose sessions may all be held by long reads."""
        # A refusal is an answer.
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            cut_off(await self.connect())

    async def fetch_soon(self, statement: str, values: Values) -> list[Row]:
        """All rows of a short answer, even if slow statements hold every session of the pool; raises as `fetch` does.

        A `TooManyConnectionsError` says that the server has just answered, and refused a further session.
        """
        try:
            return await self._fetch_twice(statement, values, POINT_SECONDS, _SOON_SECONDS)
        except PoolExhaustedError:
            session = await self.connect()
        try:
            rows: list[Row] = await session.fetch(statement, *values)
        finally:
            cut_off(session)
        return rows

    async def _fetch_twice(
        self, statement: str, values: Values, seconds: float, wait: float | None = None
    ) -> list[Row]:
        try:
            return await self._fetch_once(statement, values, seconds, wait)
        except TimeoutError:
            raise
        except FAILURES as error:
            if not is_lost(error):
                raise
        return await self._fetch_once(statement, values, seconds, wait)

    async def _fetch_once(self, statement: str, values: Values, seconds: float, wait: float | None) -> list[Row]:
        session = await self.acquire(wait)
        try:
            rows: list[Row] = await session.fetch(statement, *values, timeout=seconds)
        except FAILURES as error:
            if is_lost(error):
                self._lose(session)
            raise
        except asyncio.CancelledError:
            # Whoever used the session next would wait until the server is through with the statement.
            cut_off(session)
            raise
        finally:
            self._keep(session)
        return rows

    @contextlib.asynccontextmanager
    async def session(self, wait: float | None = None) -> AsyncIterator[Session]:
        """A session of the pool; whoever begins a transaction in it must end it.

        Raises as `fetch` does, and whatever its block raises.
        """
        session = await self.acquire(wait)
        try:
            yield session
        except FAILURES as error:
            if is_lost(error):
                self._lose(session)
            raise
        finally:
            self._keep(session)

    async def acquire(self, wait: float | None = None) -> Session:
        """A session of the pool, to be given back by `release`; raises as `fetch` does.

        If the server, the database or the role allows no further session, it waits for one of the pool, or for its
        turn among the processes that want one.

        Args:
            wait: for how many seconds; `None` for the usual time of the pool.
        """
        if wait is None:
            wait = _WAIT_SECONDS if self._wait is None else self._wait
        until = asyncio.get_running_loop().time() + wait
        while True:
            await self._wait_for_place(until)
            try:
                session = self._reused() or await (self._opened_in_turn(until) if self.scarcity else self._opened())
            except asyncpg.TooManyConnectionsError:
                if asyncio.get_running_loop().time() > until:
                    self._free.release()
                    raise
                if self._sessions:
                    self._withhold()
                else:
                    self._free.release()
            except BaseException:
                self._free.release()
                raise
            else:
                return session

    async def _wait_for_place(self, until: float) -> None:
        if self._closed:
            raise asyncpg.InterfaceError("the pool is closed")
        if not self._free.locked():
            await self._free.acquire()
            return
        await _within(self._free.acquire(), until)

    def _reused(self) -> Session | None:
        while self._idle:
            session, _ = self._idle.pop()
            if not session.is_closed():
                return session
            del self._sessions[session]
        return None

    async def _opened(self) -> Session:
        generation = self._generation
        try:
            session = await self.connect()
        except asyncpg.TooManyConnectionsError:
            if self._spare is not None and not self._sessions:
                cut_off(self._spare)
                self._spare = None
            raise
        try:
            if await is_full(session):
                self.note_scarcity()
        except BaseException:
            cut_off(session)
            raise
        self._turn_ends_at = asyncio.get_running_loop().time() + _TURN_SECONDS
        self._sessions[session] = generation
        return session

    async def _opened_in_turn(self, until: float) -> Session:
        """A session as soon as the server allows one; the last refusal if it does not in time.

        One attempt at a time is made in a process. It ends as soon as the pool has another session to wait for.
        """
        loop = asyncio.get_running_loop()
        await _within(self._opening.acquire(), until)
        try:
            await asyncio.sleep(self._rests_until - loop.time())
            while True:
                try:
                    return self._reused() or await self._opened()
                except asyncpg.TooManyConnectionsError:
                    if self._sessions or loop.time() > until:
                        raise
                await asyncio.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1))  # noqa: S311
        finally:
            self._opening.release()

    def _withhold(self) -> None:
        """Makes the pool smaller by the session that could not be opened; it may grow again after a while."""

        def restore() -> None:
            self._withheld.remove(timer)
            self._free.release()

        timer = asyncio.get_running_loop().call_later(_SMALLER_SECONDS, restore)
        self._withheld.append(timer)

    async def release(self, session: Session, *, roll_back: bool) -> None:
        """Gives a session back that was taken. A cancellation takes effect only when that is done.

        Args:
            session: what `take` answered.
            roll_back: whether it may be in a transaction.
        """
        if roll_back and not session.is_closed():
            await run_to_completion(asyncio.ensure_future(self._roll_back(session)))
        else:
            self._keep(session)

    async def _roll_back(self, session: Session) -> None:
        try:
            # A statement that was cancelled has to end first.
            async with asyncio.timeout(_ROLLBACK_SECONDS):
                await session.execute("ROLLBACK")
        except FAILURES:
            self._lose(session)
        finally:
            self._keep(session)

    def _keep(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        if self._closed or session.is_closed() or self._sessions[session] != self._generation:
            self._drop(session)
        elif self.scarcity and loop.time() > self._turn_ends_at:
            self._drop(session)
            self._rests_until = loop.time() + _REST_SECONDS
            self._turn_ends_at = self._rests_until + _TURN_SECONDS
        else:
            self._idle.append((session, loop.time()))
            if self._retiring is None:
                self._retiring = loop.call_later(self._idle_seconds, self._retire)
        self._free.release()

    @property
    def _idle_seconds(self) -> float:
        return _TURN_SECONDS if self.scarcity else _IDLE_SECONDS

    def _lose(self, session: Session) -> None:
        cut_off(session)
        # The server stopped, went silent or gave its place to another: the other sessions are as good as lost.
        self._generation += 1
        while self._idle:
            self._drop(self._idle.pop()[0])

    def _retire(self) -> None:
        """Ends the sessions that nobody has used for long."""
        loop = asyncio.get_running_loop()
        longest = loop.time() - self._idle_seconds
        while self._idle and self._idle[0][1] <= longest:
            self._drop(self._idle.pop(0)[0])
        until = self._idle[0][1] + self._idle_seconds if self._idle else None
        self._retiring = None if until is None else loop.call_at(until, self._retire)

    def _drop(self, session: Session) -> None:
        del self._sessions[session]
        cut_off(session)

    async def close(self) -> None:
        """Waits a while for what is in progress, and cuts off the rest. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._retiring is not None:
            self._retiring.cancel()
        for timer in self._withheld:
            timer.cancel()
            self._free.release()
        self._withheld.clear()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                for _ in range(_CONNECTIONS):
                    await self._free.acquire()
                for session, _since in self._idle:
                    await session.close()
        except FAILURES:
            for session in self._sessions:
                cut_off(session)


async def _within(acquiring: Awaitable[object], until: float) -> None:
    try:
        async with asyncio.timeout_at(until):
            await acquiring
    except TimeoutError as error:
        raise PoolExhaustedError("no session of the pool became free in time") from error


async def is_full(session: Session) -> bool:
    """Whether no further session is allowed, so that others may be waiting for one; raises as `fetch` does."""
    return bool(await session.fetchval(_IS_FULL, timeout=POINT_SECONDS))


def cut_off(session: Session) -> None:
    """Ends a session without a word; one that broke has left the pool by itself."""
    with contextlib.suppress(asyncpg.InterfaceError):
        session.terminate()
