"""Fills a store in bulk, with what the product would have written: a million versions in minutes.

Rows are made by the functions of the store and go through its own statements, so that only the order of work differs:
many registrations share a transaction.
"""

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import NamedTuple, Protocol

import asyncpg

from benchmarks.samples import predecessor, schema, successor
from llm_schema_registry.contracts import DEFAULT_CONTEXT
from llm_schema_registry.contracts.identity import guid_of
from llm_schema_registry.formats import SchemaType
from llm_schema_registry.store import ChangeKind, State, StoredSchema, open_store
from llm_schema_registry.store.sql.rows import Value, row_of_schema
from llm_schema_registry.store.sql.statements import load_statements

_PER_TRANSACTION = 20_000
_SQL = load_statements("writes")
_COLUMNS = re.compile(r"INSERT INTO (\w+) \(([^)]*)\)")
_ROWS = ("add_schema", "add_version", "add_change")

_Row = tuple[Value, ...]


class Entry(NamedTuple):
    """One registration: a text that is canonical, and the version of a subject that it becomes."""

    subject: str
    version: int
    text: str
    schema_type: SchemaType = SchemaType.AVRO


def subject_of(variant: int) -> str:
    """The subject that holds a variant."""
    return f"bench.inference-{variant}"


def grown_subject(variant: int) -> str:
    """The subject that holds the predecessor of a variant."""
    return f"bench.grown-{variant}"


def distinct(count: int) -> Iterator[Entry]:
    """Distinct schemas, each in a subject of its own, in the order of their variants from 1."""
    return (Entry(subject_of(variant), 1, schema(SchemaType.AVRO, variant)) for variant in range(1, count + 1))


def predecessors(count: int) -> Iterator[Entry]:
    """Subjects that wait for their second version."""
    return (Entry(grown_subject(variant), 1, predecessor(SchemaType.AVRO, variant)) for variant in range(1, count + 1))


def shared(subjects: int, contents: int) -> Iterator[Entry]:
    """Subjects of one version each that share a number of contents."""
    return (
        Entry(subject_of(number), 1, schema(SchemaType.AVRO, number % contents + 1))
        for number in range(1, subjects + 1)
    )


def history(subject: str, versions: int, variant: int) -> Iterator[Entry]:
    """One subject with many versions, each of which may follow any other."""
    return (Entry(subject, number, successor(SchemaType.AVRO, variant, number)) for number in range(1, versions + 1))


async def fill(store_url: str, entries: Iterable[Entry]) -> int:
    """Puts entries into an empty store as if they had been registered one after the other; contents get ids from 1.

    Args:
        store_url: the URL of the store.
        entries: what is registered.

    Returns:
        How many contents there are now.
    """
    # Makes the tables.
    await (await open_store(store_url)).close()
    writer: _Writer = await _Copying.open(store_url) if store_url.startswith("postgres") else _Inserting(store_url)
    try:
        rows = _Rows()
        pending = iter(entries)
        while batch := list(islice(pending, _PER_TRANSACTION)):
            await writer.write(rows.of(batch), rows.revision, rows.contents)
        await writer.settle()
    finally:
        await writer.close()
    return rows.contents


class _Rows:
    """The rows that registrations leave, in the order of their revisions."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._at = time.time_ns() // 1_000_000
        self.revision = 0

    @property
    def contents(self) -> int:
        """How many contents were met."""
        return len(self._ids)

    def of(self, entries: Iterable[Entry]) -> dict[str, list[_Row]]:
        """The rows of entries that follow those before, by the statement that adds them."""
        rows: dict[str, list[_Row]] = {name: [] for name in _ROWS}
        for entry in entries:
            self.revision += 1
            guid = guid_of(entry.text)
            schema_id = self._ids.get(guid)
            records: list[tuple[ChangeKind, str, int | None, str | None]] = []
            if schema_id is None:
                schema_id = self._ids[guid] = len(self._ids) + 1
                rows["add_schema"].append(row_of_schema(_content(entry, schema_id, guid, self._at)))
                records.append((ChangeKind.SCHEMA_ADDED, "", None, f'"{guid}"'))
            rows["add_version"].append(
                (
                    *(DEFAULT_CONTEXT, entry.subject, entry.version, schema_id),
                    *(State.ACTIVE.value, 0, self._at, self.revision),
                )
            )
            records.append((ChangeKind.VERSION_REGISTERED, entry.subject, entry.version, None))
            rows["add_change"] += [
                (
                    *(self.revision, ordinal, self._at, kind.value, DEFAULT_CONTEXT),
                    *(subject, version, schema_id, "", detail),
                )
                for ordinal, (kind, subject, version, detail) in enumerate(records)
            ]
        return rows


def _content(entry: Entry, schema_id: int, guid: str, at: int) -> StoredSchema:
    return StoredSchema(
        context=DEFAULT_CONTEXT,
        schema_id=schema_id,
        guid=guid,
        schema_type=entry.schema_type,
        text=entry.text,
        created_at=at,
    )


class _Writer(Protocol):
    async def write(self, rows: dict[str, list[_Row]], revision: int, contents: int) -> None:
        """Adds rows, and moves head and counter, in one transaction."""

    async def settle(self) -> None:
        """Brings the store into the state of one that was filled long ago."""

    async def close(self) -> None:
        """Lets go of the store."""


class _Inserting:
    """On SQLite."""

    def __init__(self, store_url: str) -> None:
        self._connection = sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")

    async def write(self, rows: dict[str, list[_Row]], revision: int, contents: int) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        for name, values in rows.items():
            self._connection.executemany(_SQL[name], (_named(row) for row in values))
        run(_SQL["move_counter"], _named((DEFAULT_CONTEXT, contents + 1)))
        run(_SQL["move_head"], _named((revision,)))
        run("COMMIT")

    async def settle(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        self._connection.close()


class _Copying:
    """On PostgreSQL, by COPY."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, store_url: str) -> "_Copying":
        """Connects to the schema of the store."""
        url, _, schema_name = store_url.partition("schema=")
        settings = {"search_path": schema_name or "public", "synchronous_commit": "off"}
        return cls(await asyncpg.connect(url.rstrip("?&"), server_settings=settings))

    async def write(self, rows: dict[str, list[_Row]], revision: int, contents: int) -> None:
        async with self._connection.transaction():
            for name, values in rows.items():
                found = _COLUMNS.match(_SQL[name])
                if found is None:
                    raise ValueError(f"The statement {name} inserts no row")
                columns = [column.strip() for column in found[2].split(",")]
                await self._connection.copy_records_to_table(found[1], records=values, columns=columns)
            await self._connection.execute(_SQL["move_counter"], DEFAULT_CONTEXT, contents + 1)
            await self._connection.execute(_SQL["move_head"], revision)

    async def settle(self) -> None:
        # Otherwise the server would do so at a time of its own choice, while something is measured.
        await self._connection.execute("VACUUM ANALYZE schemas, versions, changes")
        # On a server that is there for others too, it may be up to them.
        with suppress(asyncpg.InsufficientPrivilegeError):
            await self._connection.execute("CHECKPOINT")

    async def close(self) -> None:
        await self._connection.close()


def _named(row: _Row) -> dict[str, Value]:
    return {str(number): value for number, value in enumerate(row, start=1)}
