"""A store that was filled in bulk is the one that registrations would have left."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import servers
from benchmarks.filling import Entry, distinct, fill, history, predecessors, shared
from benchmarks.samples import schema
from llm_schema_registry.contracts import DEFAULT_CONTEXT, Subject
from llm_schema_registry.formats import SchemaType, format_of
from llm_schema_registry.registry import Registry
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.registration import register
from llm_schema_registry.store import open_store

ENTRIES = (
    *distinct(3),
    *predecessors(2),
    *history("bench.old", 3, 7),
    *(one._replace(subject=f"shared.{one.subject}") for one in shared(4, 2)),
)
TABLES = ("head", "counters", "contexts", "schemas", "schema_references", "versions", "changes", "settings")
# When something happened.
TIMES = frozenset({"at", "created_at", "registered_at"})


async def registered(url: str, entries: Iterable[Entry]) -> None:
    store = await open_store(url)
    registry = Registry(store)
    for entry in entries:
        request = SchemaRequest(schema=entry.text, schema_type=entry.schema_type)
        assert (await register(registry, Subject(DEFAULT_CONTEXT, entry.subject), request)).created
    await store.close()


def rows_in(file: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return {table: [timeless(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in TABLES}  # noqa: S608


def timeless(row: Any) -> dict[str, Any]:
    return {name: value for name, value in dict(row).items() if name not in TIMES}


async def test_on_sqlite(tmp_path: Path) -> None:
    contents = await fill(f"sqlite:///{tmp_path}/bulk.db", ENTRIES)
    await registered(f"sqlite:///{tmp_path}/one-by-one.db", ENTRIES)
    assert rows_in(tmp_path / "bulk.db") == rows_in(tmp_path / "one-by-one.db")
    assert contents == 8


@pytest.mark.slow
async def test_on_postgresql() -> None:
    bulk, one_by_one = servers.fresh_schema(), servers.fresh_schema()
    await fill(bulk, ENTRIES)
    await registered(one_by_one, ENTRIES)
    order = {"schemas": "schema_id", "versions": "since", "changes": "revision, ordinal"}
    for table in TABLES:
        statement = f"SELECT row_to_json(t) FROM {table} t" + (f" ORDER BY {order[table]}" if table in order else "")  # noqa: S608
        found = [await servers.rows_of(url, statement) for url in (bulk, one_by_one)]
        first, second = ([timeless(json.loads(row[0])) for row in rows] for rows in found)
        assert first == second


@pytest.mark.parametrize("variants", [distinct, predecessors], ids=lambda make: make.__name__)
def test_texts_are_canonical(variants: Callable[[int], Iterable[Entry]]) -> None:
    for entry in variants(3):
        assert format_of(entry.schema_type).parse(entry.text).canonical == entry.text


def test_variants_differ_in_nothing_but_their_number() -> None:
    for schema_type in SchemaType:
        assert schema(schema_type, 12).replace("Inference12", "Inference7") == schema(schema_type, 7)
