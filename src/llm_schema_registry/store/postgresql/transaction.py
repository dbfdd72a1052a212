"""A transaction on PostgreSQL."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.api import StoreUnavailableError, ValueRefusedError
from llm_schema_registry.store.postgresql.batching import ADDING, Write, together
from llm_schema_registry.store.postgresql.errors import FAILURES, failure, is_refused_value
from llm_schema_registry.store.postgresql.pool import POINT_SECONDS, Session, Values
from llm_schema_registry.store.postgresql.reads import PostgresReads, columns_of
from llm_schema_registry.store.records import StoredSchema, WritePreconditions
from llm_schema_registry.store.sql.rows import Row, Value
from llm_schema_registry.store.sql.statements import load_statements
from llm_schema_registry.store.sql.writes import SqlTransaction

_STANDING = load_statements("postgresql")["standing"]
_MOST_TOGETHER = 16


class PostgresTransaction(PostgresReads, SqlTransaction):
    """Reads and writes in a session that holds the head row. A failure spoils it: nothing of it can be committed.

    Rows that are added are gathered, and sent together when something is read or changed that could depend on them,
    and at the end. So a row that the database refuses may be noticed by a later call than the one that added it.
    """

    __slots__ = ("_gathered", "_session")

    def __init__(self, session: Session, revision: int, actor: str, at: int) -> None:
        """Begins to write in a session that has begun a transaction and taken the head row."""
        super().__init__(revision, actor, at)
        self._session: Session | None = session
        self._gathered: list[Write] = []

    def end(self) -> None:
        """Lets go of the session: nothing can be done through this transaction any more."""
        self._session = None

    async def finish(self) -> bool:
        """Sends what is still to be written, and tells whether anything was changed."""
        changed = await super().finish()
        await self._send()
        return changed

    async def check_preconditions(self, scopes: Sequence[Subject], content: StoredSchema) -> WritePreconditions:
        """What became of the state a decision was made on; see the protocol."""
        context = content.context
        wanted = (content.guid, context, content.schema_type, content.schema_id)
        rows = await self._rows(_STANDING, (*columns_of(scopes), *wanted), POINT_SECONDS)
        if not rows:
            # No store can hold such a name.
            return WritePreconditions(0, None)
        touched, schema_id, next_id, listed = rows[0]
        self._highest.setdefault(context, 0 if next_id is None else next_id - 1)
        if listed:
            self._listed.add(context)
        return WritePreconditions(touched or 0, schema_id)

    async def _fetch(self, statement: str, values: Values, seconds: float) -> list[Row]:
        await self._send()
        rows: list[Row] = await self._in_use().fetch(statement, *values, timeout=seconds)
        return rows

    async def _run(self, statement: str, *values: Value) -> None:
        self._in_use()
        self._check(values)
        if statement in ADDING:
            self._gathered.append((statement, values))
            if len(self._gathered) == _MOST_TOGETHER:
                await self._send()
        else:
            await self._send()
            await self._execute(statement, values)

    async def _send(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            await self._execute(*together(gathered))

    async def _execute(self, statement: str, values: tuple[Value, ...]) -> None:
        try:
            await self._in_use().execute(statement, *values, timeout=POINT_SECONDS)
        except FAILURES as error:
            self._failed(error)

    def _in_use(self) -> Session:
        if self._session is None:
            raise StoreUnavailableError("The transaction has ended: its block was left, or a write in it failed.")
        return self._session

    def _check(self, values: Iterable[Value]) -> None:
        if any(type(value) is str and "\x00" in value for value in values):
            self.end()
            raise ValueRefusedError("A name has a character that the store cannot hold")

    def _failed(self, error: Exception) -> NoReturn:
        self.end()
        if is_refused_value(error):
            raise ValueRefusedError("A number is larger, or a name has a character, than the store can hold") from error
        raise failure(error) from error
