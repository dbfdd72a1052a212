"""A transaction on PostgreSQL."""

from collections.abc import Iterable
from typing import NoReturn

from llm_schema_registry.store.postgresql.connections import POINT_SECONDS, Session, Values
from llm_schema_registry.store.postgresql.failures import FAILURES, is_refused_value, unavailable
from llm_schema_registry.store.postgresql.reading import PostgresReads
from llm_schema_registry.store.rows import Row, Value
from llm_schema_registry.store.store import StoreUnavailableError
from llm_schema_registry.store.writing import SqlTransaction


class PostgresTransaction(PostgresReads, SqlTransaction):
    """Reads and writes in a session that holds the head row. A failure spoils it: nothing of it can be committed."""

    __slots__ = ("_session",)

    def __init__(self, session: Session, revision: int, actor: str, at: int) -> None:
        """Begins to write in a session that has begun a transaction and taken the head row."""
        super().__init__(revision, actor, at)
        self._session: Session | None = session

    def end(self) -> None:
        """Lets go of the session: nothing can be done through this transaction any more."""
        self._session = None

    async def _fetch(self, statement: str, values: Values, seconds: float) -> list[Row]:
        rows: list[Row] = await self._in_use().fetch(statement, *values, timeout=seconds)
        return rows

    async def _run(self, statement: str, *values: Value) -> None:
        self._check(values)
        try:
            await self._in_use().execute(statement, *values, timeout=POINT_SECONDS)
        except FAILURES as error:
            self._failed(error)

    async def _run_each(self, statement: str, rows: Iterable[tuple[Value, ...]]) -> None:
        every = list(rows)
        for values in every:
            self._check(values)
        try:
            await self._in_use().executemany(statement, every, timeout=POINT_SECONDS)
        except FAILURES as error:
            self._failed(error)

    def _in_use(self) -> Session:
        if self._session is None:
            raise StoreUnavailableError("The transaction has ended: its block was left, or a write in it failed.")
        return self._session

    def _check(self, values: Iterable[Value]) -> None:
        if any(type(value) is str and "\x00" in value for value in values):
            self.end()
            raise ValueError("A name has a character that the store cannot hold")

    def _failed(self, error: Exception) -> NoReturn:
        self.end()
        if is_refused_value(error):
            raise ValueError("A number is larger, or a name has a character, than the store can hold") from error
        raise unavailable(error) from error
