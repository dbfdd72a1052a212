"""A transaction on SQLite."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from llm_schema_registry.store.api import StoreUnavailableError, ValueRefusedError
from llm_schema_registry.store.sql.rows import Row, Value
from llm_schema_registry.store.sql.writes import SqlTransaction
from llm_schema_registry.store.sqlite.connection import fail, run
from llm_schema_registry.store.sqlite.paging import read_in_pages
from llm_schema_registry.store.sqlite.reads import SqliteReads

_T = TypeVar("_T")


class SqliteTransaction(SqliteReads, SqlTransaction):
    """Reads and writes on the one writing connection while it holds the write lock of the file."""

    __slots__ = ("_thread", "_writer")

    def __init__(self, writer: sqlite3.Connection, thread: Executor, revision: int, actor: str, at: int) -> None:
        """Begins to write on a connection that has begun a transaction; `thread` is where its waiting is done."""
        super().__init__(revision, actor, at)
        self._writer: sqlite3.Connection | None = writer
        self._thread = thread

    def end(self) -> None:
        """Lets go of the connection: nothing can be done through this transaction any more."""
        self._writer = None

    def _connection(self) -> sqlite3.Connection:
        # After some failures SQLite rolls back by itself, and what came next would be committed alone.
        if self._writer is None or not self._writer.in_transaction:
            raise StoreUnavailableError("The transaction has ended: its block was left, or a write in it failed.")
        return self._writer

    async def _in_pages(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        return await read_in_pages(self._thread, self._connection(), decode, statement, values)

    async def _run(self, statement: str, *values: Value) -> None:
        try:
            run(self._connection(), statement, values)
        except sqlite3.Error as error:
            self.end()
            fail(error)
        except OverflowError as error:
            self.end()
            raise ValueRefusedError("A number is larger than the store can hold") from error
        except UnicodeEncodeError:
            self.end()
            raise
