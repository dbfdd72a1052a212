"""Long results: searched in a thread and read in pages, so that the event loop stays free."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from llm_schema_registry.core.cancellation import run_to_completion
from llm_schema_registry.store.sql.rows import Row, Value
from llm_schema_registry.store.sqlite.connection import connect, parameters

_T = TypeVar("_T")

PAGE = 1000
"""How many rows are read and decoded in one go."""

_CONNECTIONS = 4


class Scanner:
    """Reads long answers, each from one snapshot, on connections and threads kept for that."""

    __slots__ = ("_allowed", "_closed", "_idle", "_path", "_threads")

    def __init__(self, path: str) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_CONNECTIONS, "store-scanner")
        self._allowed = asyncio.Semaphore(_CONNECTIONS)
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    async def read(self, decode: Callable[[Row], _T], statement: str, values: Iterable[Value]) -> list[_T]:
        """All rows of an answer as values.

        Raises:
            sqlite3.Error: the database failed, or the scanner is closed.
            OverflowError, UnicodeEncodeError: a value no column can hold.
        """
        async with self._connection() as connection:
            return await read_in_pages(self._threads, connection, decode, statement, values)

    async def close(self) -> None:
        """Waits for what is being read and lets go of the connections; nothing is read any more."""
        self._closed = True
        async with contextlib.AsyncExitStack() as all_connections:
            for _ in range(_CONNECTIONS):
                await all_connections.enter_async_context(self._allowed)
            while self._idle:
                self._idle.pop().close()
        self._threads.shutdown()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[sqlite3.Connection]:
        # While a statement is read in pages, every other on its connection would see its snapshot: it needs its own.
        async with self._allowed:
            if self._closed:
                raise sqlite3.ProgrammingError("The scanner is closed")
            connection = self._idle.pop() if self._idle else connect(self._path, writes=False)
            try:
                yield connection
            finally:
                self._idle.append(connection)


async def read_in_pages(
    threads: Executor,
    connection: sqlite3.Connection,
    decode: Callable[[Row], _T],
    statement: str,
    values: Iterable[Value],
) -> list[_T]:
    """All rows of an answer as values, on a connection that is used for nothing else meanwhile.

    Raises:
        sqlite3.Error: the database failed.
        OverflowError, UnicodeEncodeError: a value no column can hold.
    """
    loop = asyncio.get_running_loop()
    cursor = connection.cursor()
    try:
        # This finds the first row: all the work there is for a page far down or an answer of few rows. Fetching rows
        # in a thread would take the interpreter lock again for each of them, and starve beside a busy event loop.
        await run_to_completion(loop.run_in_executor(threads, cursor.execute, statement, parameters(values)))
        found: list[_T] = []
        while rows := cursor.fetchmany(PAGE):
            found += [decode(row) for row in rows]
            await asyncio.sleep(0)
    finally:
        cursor.close()
    return found
