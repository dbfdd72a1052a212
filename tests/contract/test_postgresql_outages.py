"""The database dies, falls silent, or has a replica: what the store promises then."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import ChangeKind, StoreUnavailableError, open_store
from llm_schema_registry.store.postgresql import PostgresStore
from servers import PostgresServer, execute, fresh_schema, rows_of
from unit.store.building import registered, subject

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def standby(server: PostgresServer) -> Iterator[PostgresServer]:
    standby = PostgresServer(standby_of=server)
    yield standby
    standby.stop()


@pytest.fixture
def url(server: PostgresServer) -> str:
    return fresh_schema(server)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(url)
    yield store
    await store.close()


async def test_writers_on_a_database_that_dies_lose_nothing_acknowledged(
    server: PostgresServer, store: PostgresStore, url: str
) -> None:
    another = await open_store(url)
    acknowledged: set[tuple[Subject, int]] = set()
    written, done = asyncio.Event(), asyncio.Event()

    async def write(through: PostgresStore, writer: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            try:
                put = await registered(through, f"s{writer}", version=number)
            except StoreUnavailableError:
                await asyncio.sleep(0.02)
            else:
                acknowledged.add((put.subject, put.version))
                written.set()

    writers = [
        asyncio.create_task(write(through, writer)) for writer, through in enumerate((store, another, store, another))
    ]
    for _ in range(3):
        written.clear()
        async with asyncio.timeout(20):
            await written.wait()
        await asyncio.sleep(0.15)
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.05)
        await asyncio.to_thread(server.start)
    await asyncio.sleep(0.2)
    done.set()
    await asyncio.gather(*writers)
    changes = await store.changes(0, 1_000_000)
    logged = [(change.subject, change.version) for change in changes if change.kind is ChangeKind.VERSION_REGISTERED]
    assert len(logged) == len(set(logged)), "something was written twice"
    assert set(logged) == acknowledged, "what was acknowledged and what is stored differ"
    assert {(version.subject, version.version) for version in await store.list_versions()} == acknowledged
    assert sorted({change.revision for change in changes}) == list(range(1, await store.revision() + 1))
    assert await store.max_schema_id(".") == len(acknowledged)
    await another.close()


async def test_a_dead_database_is_reported_at_once_and_its_return_noticed(
    server: PostgresServer, store: PostgresStore
) -> None:
    put = await registered(store, "s")
    assert await store.wait_for_change(0, 5) == 1
    await asyncio.to_thread(server.kill)
    for use in (store.revision, store.subjects, lambda: store.wait_for_change(1, 0.1)):
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            await use()
        assert time.monotonic() - began < 1
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        await registered(store, "t")
    assert time.monotonic() - began < 3
    waiting = asyncio.create_task(store.wait_for_change(1, 20))
    await asyncio.to_thread(server.start)
    assert await store.latest(subject("s")) == put
    await registered(store, "t")
    assert await waiting == 2


async def test_a_short_interruption_is_bridged_by_writers(server: PostgresServer, store: PostgresStore) -> None:
    await registered(store, "s")
    await asyncio.to_thread(server.kill)
    writing = asyncio.create_task(registered(store, "t"))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(server.start)
    await writing
    assert await store.revision() == 2


async def test_a_silent_database_is_given_up(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm_schema_registry.store.postgresql.reads.POINT_SECONDS", 0.3)
    monkeypatch.setattr("llm_schema_registry.store.postgresql.pool._CONNECT_SECONDS", 0.3)
    monkeypatch.setattr("llm_schema_registry.store.postgresql.pool._ROLLBACK_SECONDS", 0.3)
    put = await registered(store, "s")
    await asyncio.gather(*(store.latest(subject("s")) for _ in range(8)))
    server.freeze()
    try:
        began = time.monotonic()
        answers = await asyncio.gather(*(store.latest(subject("s")) for _ in range(20)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreUnavailableError}
        assert time.monotonic() - began < 5
    finally:
        server.thaw()
    assert await asyncio.gather(*(store.latest(subject("s")) for _ in range(20))) == [put] * 20
    await registered(store, "t")
    assert await store.revision() == 2


async def test_a_long_read_of_a_silent_database_is_given_up(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm_schema_registry.store.postgresql.pool._LOOK_SECONDS", 0.3)
    monkeypatch.setattr("llm_schema_registry.store.postgresql.pool._ANSWER_SECONDS", 0.3)
    await registered(store, "s")
    assert await store.subjects() == [subject("s")]
    server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            await store.subjects()
        assert time.monotonic() - began < 8
    finally:
        server.thaw()
    assert await store.subjects() == [subject("s")]


async def test_a_long_read_of_a_busy_database_goes_on(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_schema_registry.store.postgresql.pool._LOOK_SECONDS", 0.05)
    rows = await store._primary.fetch("SELECT 1 FROM pg_sleep(0.5)", (), 60.0)
    assert [tuple(row) for row in rows] == [(1,)]


async def caught_up(standby: PostgresServer, url: str, revision: int) -> None:
    """Waits until a replica has the revision of a store."""
    there = url.replace(url.partition("127.0.0.1:")[2].partition("/")[0], str(standby.port))
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(asyncpg.UndefinedTableError):
                if (await rows_of(there, "SELECT revision FROM head"))[0][0] >= revision:
                    return
            await asyncio.sleep(0.02)


async def readers_on(server: PostgresServer) -> int:
    """How many sessions of stores on a server have last read versions."""
    rows = await execute(
        server.url(),
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'llm-schema-registry' AND query LIKE 'SELECT%FROM versions%'",
    )
    return int(rows[0][0])


@pytest.fixture
async def followed(url: str, standby: PostgresServer) -> AsyncIterator[PostgresStore]:
    """A store that reads a replica."""
    store = await PostgresStore.open(f"{url}&replica=127.0.0.1:{standby.port}")
    await registered(store, "s")
    await caught_up(standby, url, 1)
    assert await store.wait_for_change(0, 5) == 1
    # The replica may have been found behind, and rests a little then.
    await asyncio.sleep(0.1)
    yield store
    await execute(standby.url(), "SELECT pg_wal_replay_resume()")
    await store.close()


async def test_reads_are_answered_by_the_replica(
    server: PostgresServer, standby: PostgresServer, followed: PostgresStore
) -> None:
    for _ in range(20):
        assert await followed.latest(subject("s")) is not None
    assert [await readers_on(server), await readers_on(standby)] == [0, 1]


async def test_a_store_that_follows_no_changes_leaves_the_replica_alone(
    server: PostgresServer, standby: PostgresServer, url: str
) -> None:
    store = await PostgresStore.open(f"{url}&replica=127.0.0.1:{standby.port}")
    await registered(store, "s")
    await caught_up(standby, url, 1)
    assert await store.latest(subject("s")) is not None
    assert [await readers_on(server), await readers_on(standby)] == [1, 0]
    await store.close()


async def test_a_replica_that_is_behind_is_not_asked(
    standby: PostgresServer, followed: PostgresStore, url: str
) -> None:
    another = await open_store(url)
    await execute(standby.url(), "SELECT pg_wal_replay_pause()")
    for number in range(2, 20):
        writer = followed if number % 2 else another
        put = await registered(writer, "s", version=number)
        if writer is another:
            assert await followed.wait_for_change(number - 1, 5) == number
        assert await followed.latest(subject("s")) == put
        async with followed.transaction() as transaction:
            assert await transaction.latest(subject("s")) == put
    await execute(standby.url(), "SELECT pg_wal_replay_resume()")
    await caught_up(standby, url, 19)
    await asyncio.sleep(0.1)
    assert await followed.latest(subject("s")) == put
    assert await readers_on(standby) == 1
    await another.close()


async def test_without_its_replica_a_store_goes_on(
    server: PostgresServer, standby: PostgresServer, followed: PostgresStore
) -> None:
    await asyncio.to_thread(standby.kill)
    try:
        assert await asyncio.gather(*(followed.latest(subject("s")) for _ in range(20))) != []
        await registered(followed, "t")
        assert await followed.subjects() == [subject("s"), subject("t")]
    finally:
        await asyncio.to_thread(standby.start)


async def test_without_its_primary_a_store_can_still_be_read(
    server: PostgresServer, standby: PostgresServer, followed: PostgresStore
) -> None:
    await asyncio.to_thread(server.kill)
    try:
        for _ in range(3):
            assert await followed.subjects() == [subject("s")]
        for of_log in (followed.revision, lambda: followed.changes(0)):
            with pytest.raises(StoreUnavailableError):
                await of_log()
        with pytest.raises(StoreUnavailableError):
            await registered(followed, "t")
    finally:
        await asyncio.to_thread(server.start)
    await registered(followed, "t")
    assert await followed.subjects() == [subject("s"), subject("t")]
