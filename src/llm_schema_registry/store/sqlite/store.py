"""The store on an SQLite file.

Point reads take a few microseconds, less than a change of threads, so they run on the event loop. What may wait, a
commit for the disk, runs in one thread. A transaction waits for other writers in the event loop.
"""

import asyncio
import contextlib
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from llm_schema_registry.core.cancellation import run_to_completion
from llm_schema_registry.core.clock import wall_clock
from llm_schema_registry.store.api import Cause, StoreUnavailableError, Transaction
from llm_schema_registry.store.records import StoredSchema
from llm_schema_registry.store.sql.reads import REVISION
from llm_schema_registry.store.sql.rows import Row, Value
from llm_schema_registry.store.sql.statements import load_statements
from llm_schema_registry.store.sqlite.bootstrap import open_for_writing
from llm_schema_registry.store.sqlite.connection import connect, fail, first_row, is_busy, run
from llm_schema_registry.store.sqlite.paging import Scanner, read_in_pages
from llm_schema_registry.store.sqlite.reads import SqliteReads
from llm_schema_registry.store.sqlite.snapshot import Snapshot
from llm_schema_registry.store.sqlite.transaction import SqliteTransaction

_T = TypeVar("_T")
_TOUCH_HEAD = load_statements("writes")["touch_head"]

MEMORY = ":memory:"
"""In place of a path: a store of its own that is gone when it is closed."""

_FIRST_WAIT_SECONDS = 0.0005
_LONGEST_WAIT_SECONDS = 0.002
_LOOK_SECONDS = 0.01
_REOPEN_SECONDS = 0.2


class SqliteStore(SqliteReads):
    """Fulfils the protocol `Store` on an SQLite file in write-ahead mode; made by `open`."""

    __slots__ = (
        "_clock",
        "_closed",
        "_directory",
        "_durable",
        "_path",
        "_reader",
        "_scanner",
        "_snapshot",
        "_thread",
        "_timeout_seconds",
        "_turn",
        "_writer",
    )

    def __init__(
        self,
        path: str,
        connections: "tuple[sqlite3.Connection, sqlite3.Connection] | Snapshot",
        thread: ThreadPoolExecutor,
        directory: "tempfile.TemporaryDirectory[str] | None",
        clock: Callable[[], int],
        timeout_seconds: float,
    ) -> None:
        self._path = path
        self._durable = directory is None
        self._snapshot: Snapshot | None = None
        if isinstance(connections, Snapshot):
            self._snapshot = connections
            connections = (connections.connect(), connections.connect())
        self._writer, self._reader = connections
        self._thread = thread
        self._directory = directory
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._scanner = Scanner(path)
        self._turn = asyncio.Lock()
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], int] = wall_clock,
        timeout_seconds: float = 10.0,
    ) -> Self:
        """Opens a store; creates the file if there is none, and brings an older one to the current layout.

        SQLite's own in-memory databases show readers the open writes of others, or refuse them for as long, so
        `MEMORY` is a file too: in a temporary directory, never synced, deleted on close.

        A file that was closed cleanly is opened for reads alone if the disk has no room for its write-ahead log. The
        first attempt to write that finds room opens it as usual.

        Args:
            path: the file, or `MEMORY`.
            clock: the time for whatever is stored, in milliseconds since the epoch.
            timeout_seconds: how many seconds a transaction waits for other writers.

        Raises:
            StoreUnavailableError: it cannot be opened, is no store, or needs newer code.
        """
        durable = os.fspath(path) != MEMORY
        directory = None if durable else _temporary_directory()
        name = os.fspath(path) if directory is None else os.path.join(directory.name, "store.db")
        thread = ThreadPoolExecutor(1, "store-writer")
        connections: tuple[sqlite3.Connection, sqlite3.Connection] | Snapshot
        try:
            try:
                connections = await run_to_completion(
                    asyncio.get_running_loop().run_in_executor(thread, _open_both, name, durable, timeout_seconds)
                )
            except StoreUnavailableError as error:
                if error.cause is not Cause.FULL:
                    raise
                connections = Snapshot(name, error)
        except BaseException:
            thread.shutdown()
            if directory is not None:
                directory.cleanup()
            raise
        return cls(name, connections, thread, directory, clock, timeout_seconds)

    @property
    def is_shared(self) -> bool:
        """Whether other processes can open the same store: not the one in memory."""
        return self._directory is None

    async def wait_for_change(self, after: int, timeout: float) -> int:  # noqa: ASYNC109
        """Waits until the store is past a revision; see the protocol. Looks a hundred times a second."""
        deadline = asyncio.get_running_loop().time() + timeout
        while (revision := await self.revision()) <= after:
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                break
            await asyncio.sleep(min(remaining, _LOOK_SECONDS))
        return revision

    async def stage(self, schema: StoredSchema) -> None:
        """Nothing: whatever is added goes into the tables, within the transaction."""

    @contextlib.asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[Transaction]:
        """Begins an atomic write; see the protocol.

        A task that is cancelled while its write is being committed learns of the cancellation when the commit is
        through: the write may be stored then, whole.
        """
        async with self._written():
            transaction = self._begun(actor)
            try:
                yield transaction
                changed = await transaction.finish()
            finally:
                transaction.end()
            if changed:
                await self._in_thread(_commit, self._writer)

    @contextlib.asynccontextmanager
    async def _written(self) -> AsyncIterator[None]:
        """Holds the write lock of the file; rolls back what is not committed within the block."""
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        await self._take_turn(deadline)
        try:
            if self._snapshot is not None:
                self._open_for_writing()
            await self._begin(deadline)
            try:
                yield
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
        except sqlite3.Error as error:
            fail(error)
        finally:
            self._turn.release()

    async def check_writable(self) -> None:
        """Writes the head row as it is; see the protocol."""
        async with self._written():
            run(self._writer, _TOUCH_HEAD, ())
            await self._in_thread(_commit, self._writer)

    async def close(self) -> None:
        """Waits for the reads and the write in progress and lets go of files and connections. Idempotent."""
        async with self._turn:
            if self._closed:
                return
            self._closed = True
            await self._scanner.close()
            # Reads run in this thread. A connection that another one closes under a read takes the process with it.
            self._reader.close()
            await self._in_thread(sqlite3.Connection.close, self._writer)
            self._thread.shutdown()
            if self._directory is not None:
                self._directory.cleanup()

    def _connection(self) -> sqlite3.Connection:
        if self._snapshot is not None and not self._snapshot.holds:
            # Another process has found room to write.
            self._open_for_writing()
        return self._reader

    async def _in_pages(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        self._connection()
        snapshot = self._snapshot
        if snapshot is None:
            return await self._scanner.read(decode, statement, values)
        with contextlib.closing(snapshot.connect()) as connection:
            rows = await read_in_pages(self._thread, connection, decode, statement, values)
        return rows if snapshot.holds else await self._in_pages(decode, statement, *values)

    def _open_for_writing(self) -> None:
        """Goes on as usual with a file that was opened for reads alone; raises `StoreUnavailableError`."""
        former = self._writer, self._reader
        self._writer, self._reader = _open_both(self._path, self._durable, _REOPEN_SECONDS)
        self._snapshot = None
        for connection in former:
            connection.close()

    async def _in_thread(self, work: Callable[[_T], None], connections: _T) -> None:
        await run_to_completion(asyncio.get_running_loop().run_in_executor(self._thread, work, connections))

    async def _take_turn(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StoreUnavailableError(cause=Cause.BUSY, reason="other writers hold it for too long") from error

    async def _begin(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or loop.time() > deadline:
                    raise
            else:
                return
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    def _begun(self, actor: str) -> SqliteTransaction:
        head = first_row(self._writer, REVISION, ())
        if head is None:
            raise StoreUnavailableError(cause=Cause.DAMAGED, reason="it has lost its head row; restore a backup")
        return SqliteTransaction(self._writer, self._thread, head[0] + 1, actor, self._clock())


def _temporary_directory() -> "tempfile.TemporaryDirectory[str]":
    try:
        return tempfile.TemporaryDirectory(prefix="llm-schema-registry-", ignore_cleanup_errors=True)
    except OSError as error:
        raise StoreUnavailableError(
            "A store in memory needs a temporary directory that can be written to: set TMPDIR to one."
        ) from error


def _open_both(path: str, durable: bool, timeout_seconds: float) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    writer = open_for_writing(path, durable=durable, timeout_seconds=timeout_seconds)
    try:
        return writer, connect(path, writes=False)
    except sqlite3.Error as error:
        writer.close()
        fail(error)


def _commit(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")
