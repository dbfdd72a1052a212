"""Rows that are added are sent together: when, and what becomes of them."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.store import ChangeKind, ValueRefusedError, Version
from llm_schema_registry.store.postgresql import PostgresStore
from llm_schema_registry.store.postgresql.batching import ADDING, together
from llm_schema_registry.store.postgresql.transaction import PostgresTransaction
from llm_schema_registry.store.sql.rows import Value
from llm_schema_registry.store.sql.statements import load_statements
from servers import fresh_schema, rows_of
from unit.store.building import REGISTERED, content, register, registered, subject

pytestmark = pytest.mark.timeout(30)

WRITES = load_statements("writes")


@pytest.fixture
def url() -> str:
    return fresh_schema()


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(url)
    yield store
    await store.close()


def test_statements_are_one_with_parameters_numbered_through() -> None:
    first, second = ("INSERT INTO a (x, y) VALUES ($1, $2)", (1, "b")), ("INSERT INTO c (z) VALUES ($1)", (None,))
    assert together([second]) == second
    assert together([first, second, first]) == (
        "WITH part_0 AS (INSERT INTO a (x, y) VALUES ($1, $2)), part_1 AS (INSERT INTO c (z) VALUES ($3)) "
        "INSERT INTO a (x, y) VALUES ($4, $5)",
        (1, "b", None, 1, "b"),
    )
    assert together([first, second])[0] is together([first, second])[0]


def test_what_ends_or_removes_something_is_not_gathered() -> None:
    assert {name for name, statement in WRITES.items() if statement not in ADDING} == {
        name for name in WRITES if name.startswith(("end_", "remove_", "place_", "touch_"))
    }


async def test_a_registration_is_sent_as_one_statement(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    send = PostgresTransaction._execute

    async def counted(self: PostgresTransaction, statement: str, values: tuple[Value, ...]) -> None:
        sent.append(statement)
        await send(self, statement, values)

    monkeypatch.setattr(PostgresTransaction, "_execute", counted)
    async with store.transaction() as transaction:
        await transaction.check_preconditions([subject("s")], content())
        stored = await transaction.add_schema(content())
        put = Version(subject=subject("s"), version=1, schema_id=stored.schema_id)
        await transaction.put_version(put, REGISTERED, new=True)
    assert [statement.count("INSERT INTO") for statement in sent] == [5]
    assert "UPDATE head" in sent[0]


async def test_a_refused_row_in_the_middle_takes_everything_along(store: PostgresStore, url: str) -> None:
    await registered(store, "kept")
    with pytest.raises(ValueRefusedError, match="contradicts what is stored"):
        await write_with_a_number_twice(store)
    assert await store.subjects() == [subject("kept")]
    assert await rows_of(url, "SELECT revision FROM head") == [(1,)]
    assert (await registered(store, "t")).schema_id == 2


async def write_with_a_number_twice(store: PostgresStore) -> None:
    async with store.transaction() as transaction:
        put = await register(transaction, "s")
        assert await transaction.latest(subject("s")) == put
        await transaction.put_version(put, REGISTERED, new=True)
        await register(transaction, "t")


@pytest.mark.parametrize("statements", range(1, 7))
async def test_a_write_that_is_cancelled_between_its_statements_leaves_nothing(
    store: PostgresStore, statements: int
) -> None:
    await registered(store, "kept")
    reached, counted = asyncio.Event(), itertools.count(1)

    async def pause() -> None:
        if next(counted) == statements:
            reached.set()
            await asyncio.sleep(0)

    async def write() -> None:
        async with store.transaction() as transaction:
            for number in range(1, 4):
                await register(transaction, "s", version=number)
                await pause()
                await transaction.versions(subject("s"))
                await pause()

    task = asyncio.create_task(write())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.subjects() == [subject("kept")]
    assert (await registered(store, "s")).schema_id == 2
    assert await store.revision() == 2


async def test_transactions_of_two_stores_do_not_mix(store: PostgresStore, url: str) -> None:
    another = await PostgresStore.open(url)

    async def write(through: PostgresStore, name: str) -> None:
        async with through.transaction() as transaction:
            number = len(await transaction.versions(subject("s"))) + 1
            put = await register(transaction, "s", version=number)
            await asyncio.sleep(0)
            assert await transaction.latest(subject("s")) == put
            await asyncio.sleep(0)
            await register(transaction, name, version=number)

    await asyncio.gather(*(write(*each) for _ in range(8) for each in ((store, "a"), (another, "b"))))
    assert [version.version for version in await store.versions(subject("s"))] == list(range(1, 17))
    ids = [change.schema_id for change in await store.changes(0) if change.kind is ChangeKind.SCHEMA_ADDED]
    assert ids == list(range(1, 33))
    await another.close()
