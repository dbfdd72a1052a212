"""The secret that each store is made with."""

import pathlib
import sqlite3

import pytest

from llm_schema_registry.store import StoreUnavailableError
from llm_schema_registry.store.postgresql import PostgresStore
from llm_schema_registry.store.sqlite import MEMORY, SqliteStore
from servers import fresh_schema, rows_of


async def of_file(path: pathlib.Path | str) -> bytes:
    store = await SqliteStore.open(path)
    try:
        return await store.identity()
    finally:
        await store.close()


async def of_database(url: str) -> bytes:
    store = await PostgresStore.open(url)
    try:
        return await store.identity()
    finally:
        await store.close()


async def test_every_store_has_its_own_and_keeps_it(tmp_path: pathlib.Path) -> None:
    one, other, database = tmp_path / "one.db", tmp_path / "other.db", fresh_schema()
    first = [await of_file(one), await of_file(other), await of_file(MEMORY), await of_database(database)]
    assert [len(identity) for identity in first] == [32] * 4
    assert len({*first, await of_database(fresh_schema())}) == 5
    assert [await of_file(one), await of_file(other), await of_database(database)] == [first[0], first[1], first[3]]


async def test_a_store_made_before_there_were_any_is_given_one(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "registry.db"
    await of_file(path)
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE identity; DELETE FROM migrations WHERE number = 4; PRAGMA user_version = 3;")
    connection.close()
    given = await of_file(path)
    assert len(given) == 32
    assert await of_file(path) == given


async def test_a_store_that_has_lost_it_says_so() -> None:
    url = fresh_schema()
    await of_database(url)
    await rows_of(url, "DELETE FROM identity")
    with pytest.raises(StoreUnavailableError, match="has lost its identity"):
        await of_database(url)
