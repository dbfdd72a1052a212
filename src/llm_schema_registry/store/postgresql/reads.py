"""How the reads of the store are run on PostgreSQL."""

import abc
import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.postgresql.errors import FAILURES, failure, is_refused_value
from llm_schema_registry.store.postgresql.pool import POINT_SECONDS, Values
from llm_schema_registry.store.sql.reads import SqlReads
from llm_schema_registry.store.sql.rows import Row, Value
from llm_schema_registry.store.sql.statements import load_statements
from llm_schema_registry.store.sql.text_escape import is_holdable

_T = TypeVar("_T")

_SCAN_SECONDS = 60.0
_PAGE = 1000
_TOUCHED = load_statements("postgresql")["touched"]


class PostgresReads(SqlReads):
    """Runs statements on whatever session an implementation has."""

    __slots__ = ()

    @abc.abstractmethod
    async def _fetch(self, statement: str, values: Values, seconds: float) -> list[Row]:
        """All rows of an answer that comes within so many seconds; raises one of `FAILURES`."""

    def _failed(self, error: Exception) -> NoReturn:
        """Raises what the failure of a statement means: `StoreUnavailableError` or `ValueRefusedError`."""
        raise failure(error) from error

    async def _one(self, statement: str, *values: Value) -> Row | None:
        rows = await self._rows(statement, values, POINT_SECONDS)
        return rows[0] if rows else None

    async def _all(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        return await _decoded(decode, await self._rows(statement, values, POINT_SECONDS))

    async def _scan(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        return await _decoded(decode, await self._rows(statement, values, _SCAN_SECONDS))

    async def last_changed(self, scopes: Sequence[Subject]) -> int:
        """The highest revision whose changes concern one of these scopes exactly; 0 if none ever did."""
        rows = await self._rows(_TOUCHED, columns_of(scopes), POINT_SECONDS)
        return rows[0][0] or 0

    async def _rows(self, statement: str, values: Values, seconds: float) -> list[Row]:
        # A value no column can hold matches nothing. The server would fail on U+0000, and the transaction with it.
        if any(type(value) is str and "\x00" in value for value in values):
            return []
        try:
            return await self._fetch(statement, values, seconds)
        except FAILURES as error:
            if is_refused_value(error):
                return []
            self._failed(error)


def columns_of(scopes: Sequence[Subject]) -> tuple[list[str], list[str]]:
    """The contexts and the names of scopes; those that no column can hold, and that have no facts, left out."""
    names = [scope for scope in scopes if is_holdable(scope.context) and is_holdable(scope.name)]
    return [scope.context for scope in names], [scope.name for scope in names]


async def _decoded(decode: Callable[[Row], _T], rows: list[Row]) -> list[_T]:
    if len(rows) <= _PAGE:
        return [decode(row) for row in rows]
    found: list[_T] = []
    for start in range(0, len(rows), _PAGE):
        found += [decode(row) for row in rows[start : start + _PAGE]]
        await asyncio.sleep(0)
    return found
