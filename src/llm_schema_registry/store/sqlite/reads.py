"""How the reads of the store are run on SQLite: short ones on the event loop, long ones in pages."""

import abc
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from llm_schema_registry.store.sql.reads import SqlReads
from llm_schema_registry.store.sql.rows import Row, Value
from llm_schema_registry.store.sqlite.connection import fail, first_row, run
from llm_schema_registry.store.sqlite.paging import PAGE

_T = TypeVar("_T")


class SqliteReads(SqlReads):
    """Runs statements on a connection that belongs to the event loop."""

    __slots__ = ()

    @abc.abstractmethod
    def _connection(self) -> sqlite3.Connection:
        """The connection for short reads.

        Raises:
            StoreUnavailableError: there is none any more.
        """

    @abc.abstractmethod
    async def _in_pages(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        """All rows of an answer as values, without holding up the event loop; raises what `sqlite3` raises."""

    async def _one(self, statement: str, *values: Value) -> Row | None:
        return first_row(self._connection(), statement, values)

    async def _all(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        try:
            rows = run(self._connection(), statement, values).fetchmany(PAGE)
        except sqlite3.Error as error:
            fail(error)
        except (OverflowError, UnicodeEncodeError):
            return []
        if len(rows) < PAGE:
            return [decode(row) for row in rows]
        return await self._scan(decode, statement, *values)

    async def _scan(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        try:
            return await self._in_pages(decode, statement, *values)
        except sqlite3.Error as error:
            fail(error)
        except (OverflowError, UnicodeEncodeError):
            return []
