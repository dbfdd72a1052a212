"""The store on a PostgreSQL database.

Writers of one process take turns in the process, so that each process waits for the head row with one session; the
other sessions are for reads.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Self

import asyncpg

from llm_schema_registry.core.cancellation import run_to_completion
from llm_schema_registry.core.clock import wall_clock
from llm_schema_registry.store.api import Cause, OutcomeUnknownError, StoreUnavailableError, Transaction
from llm_schema_registry.store.postgresql.bootstrap import prepare
from llm_schema_registry.store.postgresql.errors import FAILURES, failure, is_lost, may_pass, unavailable
from llm_schema_registry.store.postgresql.notifications import Listener
from llm_schema_registry.store.postgresql.pool import ConnectionPool, Session, Values, cut_off
from llm_schema_registry.store.postgresql.reads import PostgresReads
from llm_schema_registry.store.postgresql.replica import Replica
from llm_schema_registry.store.postgresql.transaction import PostgresTransaction
from llm_schema_registry.store.postgresql.url import PostgresUrl
from llm_schema_registry.store.records import Change, StoredSchema
from llm_schema_registry.store.sql.reads import CHANGES, REVISION
from llm_schema_registry.store.sql.rows import Row
from llm_schema_registry.store.sql.statements import load_statements

_SQL = load_statements("postgresql")
_TAKE_HEAD = _SQL["take_head"]
_MAY_WRITE = _SQL["may_write"]
_TOUCH_HEAD = load_statements("writes")["touch_head"]
_WAS_COMMITTED = _SQL["was_committed"]
# Anything stricter would refuse to go on after waiting for the head row, since another transaction has moved it.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_OF_LOG = frozenset({REVISION, CHANGES})

_RECONNECT_SECONDS = 2.0
# The primary answers if the replica has no connection left.
_REPLICA_SECONDS = 0.5
_COMMIT_SECONDS = 10.0
_SPARE_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.25


class _Begun(NamedTuple):
    """A transaction that holds the head row.

    Attributes:
        session: where.
        revision: the one it gets.
        id: its id in the database.
        at: its time, in milliseconds since the epoch.
    """

    session: Session
    revision: int
    id: str
    at: int


class PostgresStore(PostgresReads):
    """Fulfils the protocol `Store` on a PostgreSQL database; made by `open`."""

    __slots__ = ("_channel", "_clock", "_closed", "_listener", "_primary", "_replica", "_timeout_seconds", "_turn")

    def __init__(
        self,
        address: PostgresUrl,
        primary: ConnectionPool,
        replica: Replica | None,
        clock: Callable[[], int],
        timeout_seconds: float,
    ) -> None:
        self._channel = address.channel
        self._primary = primary
        self._replica = replica
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._listener = Listener(primary, address.channel)
        self._turn = asyncio.Lock()
        self._closed = False

    @classmethod
    async def open(cls, url: str, *, clock: Callable[[], int] = wall_clock, timeout_seconds: float = 10.0) -> Self:
        """Opens a store; creates its schema and tables if there are none, and brings older ones up to date.

        Args:
            url: see `Address.parse`.
            clock: the time for whatever is stored, in milliseconds since the epoch.
            timeout_seconds: how many seconds a transaction waits for other writers.

        Raises:
            InvalidStoreUrlError: the URL cannot be read.
            StoreUnavailableError: the store cannot be opened, is no store, or needs newer code.
        """
        address = PostgresUrl.parse(url)
        primary = ConnectionPool(address.primary, address.schema, timeout_seconds)
        try:
            await prepare(primary, address.schema)
        except BaseException:
            await primary.close()
            raise
        replica = None
        if address.replica is not None:
            replica = Replica(ConnectionPool(address.replica, address.schema, timeout_seconds, _REPLICA_SECONDS))
        return cls(address, primary, replica, clock, timeout_seconds)

    @property
    def is_shared(self) -> bool:
        """Whether other processes can open the same store: always."""
        return True

    async def revision(self) -> int:
        """The revision of the last committed write; reads of this store see it from now on."""
        revision = await super().revision()
        self._listener.heard(revision)
        return revision

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """The change log after a revision; reads of this store see everything in the answer from now on."""
        changes = await super().changes(after, limit)
        if changes:
            self._listener.heard(changes[-1].revision)
        return changes

    async def wait_for_change(self, after: int, timeout: float) -> int:  # noqa: ASYNC109
        """Waits until the store is past a revision; see the protocol. The database announces each commit."""
        self._check_open()
        self._listener.start()
        try:
            async with asyncio.timeout(timeout):
                return await self._listener.beyond(after)
        except TimeoutError:
            return await self.revision()

    async def stage(self, schema: StoredSchema) -> None:
        """Nothing: whatever is added goes into the tables, within the transaction."""

    @contextlib.asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[Transaction]:
        """Begins an atomic write; see the protocol.

        A task that is cancelled while its write is being committed learns of the cancellation when the commit is
        through: the write may be stored then, whole.
        """
        async with self._begun() as begun:
            transaction = PostgresTransaction(begun.session, begun.revision, actor, begun.at)
            try:
                yield transaction
                changed = await transaction.finish()
            finally:
                transaction.end()
            if changed:
                await run_to_completion(asyncio.ensure_future(self._commit(begun)))

    @contextlib.asynccontextmanager
    async def _begun(self) -> AsyncIterator[_Begun]:
        """A transaction that holds the head row; what is not committed within the block is rolled back."""
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        await self._take_turn(deadline)
        try:
            begun = await self._begin(deadline)
            committed = False
            try:
                yield begun
                # A session that broke during the commit was cut off, whatever became of the write.
                committed = begun.session.is_closed() or not begun.session.is_in_transaction()
            finally:
                await self._primary.release(begun.session, roll_back=not committed)
        finally:
            self._turn.release()

    async def check_writable(self) -> None:
        """Writes the head row as it is, and checks the rights in the tables; see the protocol."""
        async with self._begun() as begun:
            try:
                if not await begun.session.fetchval(_MAY_WRITE):
                    raise asyncpg.InsufficientPrivilegeError("a right in the tables is missing")
                await begun.session.execute(f"{_TOUCH_HEAD}; COMMIT", timeout=_COMMIT_SECONDS)
            except FAILURES as error:
                raise unavailable(error) from error

    async def close(self) -> None:
        """Waits for the reads and the write in progress and lets go of the connections. Idempotent."""
        async with self._turn:
            if self._closed:
                return
            self._closed = True
            await self._listener.close()
            await self._primary.close()
            if self._replica is not None:
                await self._replica.close()

    async def _fetch(self, statement: str, values: Values, seconds: float) -> list[Row]:
        self._check_open()
        replica = self._replica
        if statement in _OF_LOG:
            # Only the primary knows how far the store is, even if it is gone.
            return await self._primary.fetch_soon(statement, values)
        # Without following the changes, this process cannot tell what the replica lacks of the writes of others, on
        # whose revision it may have been asked to act.
        if replica is None or not self._listener.started:
            return await self._primary.fetch(statement, values, seconds)
        if self._listener.connected:
            rows = await replica.fetch(self._listener.revision, statement, values, seconds)
            if rows is not None:
                return rows
        try:
            return await self._primary.fetch(statement, values, seconds)
        except FAILURES as error:
            if not is_lost(error):
                raise
            rows = await replica.fetch(self._listener.revision, statement, values, seconds)
            if rows is None:
                raise
            return rows

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError(reason="it is closed")

    async def _take_turn(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StoreUnavailableError(cause=Cause.BUSY, reason="other writers hold it for too long") from error
        if self._closed:
            self._turn.release()
            self._check_open()

    async def _begin(self, deadline: float) -> _Begun:
        """Takes the head row, in a new session if need be: nothing has been done yet that could be done twice."""
        now = asyncio.get_running_loop().time()
        try:
            return await self._insist(min(deadline, now + _RECONNECT_SECONDS))
        except FAILURES as error:
            raise unavailable(error) from error

    async def _insist(self, until: float) -> _Begun:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._try_to_begin()
            except FAILURES as error:
                if not may_pass(error) or asyncio.get_running_loop().time() + pause > until:
                    raise
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _try_to_begin(self) -> _Begun:
        session = await self._primary.acquire()
        try:
            await session.execute(_BEGIN)
            # The database gives up waiting by itself, and says why.
            head = await session.fetchrow(_TAKE_HEAD, timeout=self._timeout_seconds + _SPARE_SECONDS)
            if head is None:
                raise StoreUnavailableError(cause=Cause.DAMAGED, reason="it has lost its head row; restore a backup")
        except BaseException:
            await self._primary.release(session, roll_back=True)
            raise
        return _Begun(session, head[0] + 1, head[1], self._clock())

    async def _commit(self, begun: _Begun) -> None:
        try:
            # One message: who hears of the commit can already read what it brought.
            announcement = f"NOTIFY \"{self._channel}\", '{begun.revision}'"
            outcome = await begun.session.execute(f"{announcement}; COMMIT", timeout=_COMMIT_SECONDS)
        except FAILURES as error:
            if not is_lost(error):
                raise failure(error) from error
            cut_off(begun.session)
            if not await self._is_stored(begun):
                raise StoreUnavailableError(
                    "The connection to the database broke during a commit; nothing of it is stored. Try again."
                ) from error
        else:
            # That is how the database answers to the end of a transaction in which a statement failed.
            if outcome != "COMMIT":
                raise StoreUnavailableError("The store is not available: the database gave up the transaction.")
        self._listener.heard(begun.revision)

    async def _is_stored(self, lost: _Begun) -> bool:
        """Whether a transaction whose connection broke during its commit has happened.

        The head row cannot be taken before that transaction has ended, one way or the other.
        """
        try:
            settling = await self._insist(asyncio.get_running_loop().time() + self._timeout_seconds)
            try:
                found = await settling.session.fetchrow(_WAS_COMMITTED, lost.revision, lost.id, lost.at)
            finally:
                await self._primary.release(settling.session, roll_back=True)
        except FAILURES as error:
            raise OutcomeUnknownError(
                "The connection to the database broke during a commit, and the database stays out of reach: whether "
                "the write is stored is not known. Read it when the database is back."
            ) from error
        return found is not None
