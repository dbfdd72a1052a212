"""The embedded store: one SQLite file, read and written by any number of processes of one machine.

Point reads take a few microseconds, less than a change of threads, so they run on the event loop. What may wait, a
commit for the disk, runs in one thread. A transaction waits for other writers in the event loop.
"""

import asyncio
import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from llm_schema_registry.store.reading import REVISION, SqlReads
from llm_schema_registry.store.rows import Row, Value
from llm_schema_registry.store.sqlite_connection import connect, fail, first_row, is_busy, run
from llm_schema_registry.store.sqlite_opening import open_for_writing
from llm_schema_registry.store.store import StoreUnavailableError, Transaction
from llm_schema_registry.store.writing import SqlTransaction

_T = TypeVar("_T")

MEMORY = ":memory:"
"""In place of a path: a store of its own that is gone when it is closed."""

_PAGE = 1000
_MAX_LISTS = 4
_FIRST_WAIT_SECONDS = 0.0005
_LONGEST_WAIT_SECONDS = 0.01


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class SqliteStore(SqlReads):
    """Fulfils the protocol `Store` on an SQLite file in write-ahead mode; made by `open`."""

    __slots__ = (
        "_clock",
        "_directory",
        "_lists",
        "_lists_allowed",
        "_path",
        "_patience",
        "_reader",
        "_thread",
        "_turn",
        "_version_seen",
        "_writer",
    )

    def __init__(
        self,
        path: str,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        thread: ThreadPoolExecutor,
        directory: "tempfile.TemporaryDirectory[str] | None",
        clock: Callable[[], int],
        patience: float,
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._thread = thread
        self._directory = directory
        self._clock = clock
        self._patience = patience
        self._turn = asyncio.Lock()
        self._lists: list[sqlite3.Connection] | None = []
        self._lists_allowed = asyncio.Semaphore(_MAX_LISTS)
        self._version_seen = 0
        self.changed()

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], int] = wall_clock,
        patience: float = 10.0,
    ) -> Self:
        """Opens a store; creates the file if there is none, and brings an older one to the current layout.

        SQLite's own in-memory databases show readers the open writes of others, or refuse them for as long, so
        `MEMORY` is a file too: in a temporary directory, never synced, deleted on close.

        Args:
            path: the file, or `MEMORY`.
            clock: the time for whatever is stored, in milliseconds since the epoch.
            patience: how many seconds a transaction waits for other writers.

        Raises:
            StoreUnavailableError: it cannot be opened, is no store, or was written by newer code.
        """
        directory = None
        durable = os.fspath(path) != MEMORY
        if not durable:
            directory = tempfile.TemporaryDirectory(prefix="llm-schema-registry-", ignore_cleanup_errors=True)
            path = os.path.join(directory.name, "store.db")
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        name = os.fspath(path)
        try:
            writer, reader = await _uninterrupted(
                asyncio.get_running_loop().run_in_executor(thread, _open_both, name, durable, patience)
            )
        except BaseException:
            thread.shutdown(wait=False)
            if directory is not None:
                directory.cleanup()
            raise
        return cls(name, writer, reader, thread, directory, clock, patience)

    def changed(self) -> bool:
        """Whether anything was committed since the last call, by this store or by any other process.

        A probe of 3 microseconds that a cache may make before it answers; what changed stands in the change log.

        Raises:
            StoreUnavailableError: the database failed.
        """
        row = first_row(self._reader, "PRAGMA data_version", ())
        seen, self._version_seen = self._version_seen, 0 if row is None else row[0]
        return seen != self._version_seen

    @contextlib.asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[Transaction]:
        """Begins an atomic write; see the protocol.

        A task that is cancelled while its write is being committed learns of the cancellation when the commit is
        through: the write may be stored then, whole.
        """
        deadline = asyncio.get_running_loop().time() + self._patience
        await self._take_turn(deadline)
        try:
            await self._begin(deadline)
            try:
                head = first_row(self._writer, REVISION, ())
                transaction = _SqliteTransaction(self._writer, 1 if head is None else head[0] + 1, actor, self._clock())
                try:
                    yield transaction
                    changed = await transaction.finish()
                finally:
                    transaction.end()
                if changed:
                    await _uninterrupted(
                        asyncio.get_running_loop().run_in_executor(self._thread, _commit, self._writer)
                    )
            finally:
                if self._writer.in_transaction:
                    run(self._writer, "ROLLBACK", ())
        except sqlite3.Error as error:
            fail(error)
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Waits for the write in progress and lets go of files and connections. Idempotent."""
        async with self._turn:
            idle, self._lists = self._lists, None
            if idle is None:
                return
            await _uninterrupted(
                asyncio.get_running_loop().run_in_executor(
                    self._thread, _close_all, [*idle, self._reader, self._writer]
                )
            )
            self._thread.shutdown()
            if self._directory is not None:
                self._directory.cleanup()

    async def _one(self, statement: str, *values: Value) -> Row | None:
        return first_row(self._reader, statement, values)

    async def _all(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        try:
            rows = run(self._reader, statement, values).fetchmany(_PAGE)
            if len(rows) < _PAGE:
                return [decode(row) for row in rows]
            async with self._list_connection() as connection:
                return await _in_pages(connection, decode, statement, values)
        except sqlite3.Error as error:
            fail(error)
        except (OverflowError, UnicodeEncodeError):
            return []

    @contextlib.asynccontextmanager
    async def _list_connection(self) -> AsyncIterator[sqlite3.Connection]:
        # A statement that is read in pages holds its snapshot for all reads of its connection: it needs its own.
        async with self._lists_allowed:
            connection = self._lists.pop() if self._lists else connect(self._path, writes=False)
            try:
                yield connection
            finally:
                if self._lists is None:
                    connection.close()
                else:
                    self._lists.append(connection)

    async def _take_turn(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StoreUnavailableError("The store is not available: other writers hold it for too long.") from error

    async def _begin(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                run(self._writer, "BEGIN IMMEDIATE", ())
            except sqlite3.OperationalError as error:
                if not is_busy(error) or loop.time() > deadline:
                    raise
            else:
                return
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


class _SqliteTransaction(SqlTransaction):
    """Reads and writes on the one writing connection while it holds the write lock."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection, revision: int, actor: str, at: int) -> None:
        super().__init__(revision, actor, at)
        self._connection: sqlite3.Connection | None = connection

    def end(self) -> None:
        """Lets go of the connection: the transaction can do nothing any more."""
        self._connection = None

    async def _one(self, statement: str, *values: Value) -> Row | None:
        return first_row(self._open(), statement, values)

    async def _all(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        try:
            return await _in_pages(self._open(), decode, statement, values)
        except sqlite3.Error as error:
            fail(error)
        except (OverflowError, UnicodeEncodeError):
            return []

    async def _run(self, statement: str, *values: Value) -> None:
        try:
            run(self._open(), statement, values)
        except sqlite3.Error as error:
            # SQLite may have rolled back by itself: what came next would be committed alone.
            self.end()
            fail(error)
        except OverflowError as error:
            raise ValueError("A number is outside what the store can hold") from error

    async def _run_each(self, statement: str, rows: Iterable[tuple[Value, ...]]) -> None:
        for values in rows:
            await self._run(statement, *values)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreUnavailableError("The transaction has ended.")
        return self._connection


async def _in_pages(
    connection: sqlite3.Connection, decode: Callable[[Row], _T], statement: str, values: Iterable[Value]
) -> list[_T]:
    cursor = run(connection, statement, values)
    try:
        rows = cursor.fetchmany(_PAGE)
        found = [decode(row) for row in rows]
        while len(rows) == _PAGE:
            await asyncio.sleep(0)
            rows = cursor.fetchmany(_PAGE)
            found += [decode(row) for row in rows]
    finally:
        cursor.close()
    return found


async def _uninterrupted(work: "asyncio.Future[_T]") -> _T:
    """The result of work in a thread; a cancellation takes effect only when the work is done."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait((work,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return work.result()
    raise cancelled from work.exception()


def _open_both(path: str, durable: bool, patience: float) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    writer = open_for_writing(path, durable=durable, patience=patience)
    try:
        return writer, connect(path, writes=False)
    except sqlite3.Error as error:
        writer.close()
        fail(error)


def _commit(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")


def _close_all(connections: Iterable[sqlite3.Connection]) -> None:
    for connection in connections:
        connection.close()
