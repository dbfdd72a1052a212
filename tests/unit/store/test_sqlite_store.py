import asyncio
import pathlib
import sqlite3
import threading
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.contracts import DEFAULT_SCOPE
from llm_schema_registry.store import ChangeKind, Setting, StoreUnavailableError, ValueRefusedError, Version
from llm_schema_registry.store.sqlite import SqliteStore
from llm_schema_registry.store.sqlite import store as module
from unit.store.building import REGISTERED, content, register, registered, subject

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "registry.db"


@pytest.fixture
async def store(path: pathlib.Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(path)
    yield store
    await store.close()


@pytest.fixture
async def other(path: pathlib.Path, store: SqliteStore) -> AsyncIterator[SqliteStore]:
    other = await SqliteStore.open(path)
    yield other
    await other.close()


async def test_a_store_sees_the_writes_of_another_at_once(store: SqliteStore, other: SqliteStore) -> None:
    for number in range(1, 20):
        writer, reader = (store, other) if number % 2 else (other, store)
        put = await registered(writer, "s", version=number)
        assert await reader.latest(subject("s")) == put
        assert await reader.revision() == number


async def test_stores_on_one_file_lose_no_update(store: SqliteStore, other: SqliteStore) -> None:
    async def write(through: SqliteStore) -> None:
        async with through.transaction() as transaction:
            before = await transaction.versions(subject("s"))
            await asyncio.sleep(0)
            await register(transaction, "s", version=len(before) + 1)

    await asyncio.gather(*(write(through) for _ in range(20) for through in (store, other)))
    assert [version.version for version in await store.versions(subject("s"))] == list(range(1, 41))
    assert [version.schema_id for version in await other.versions(subject("s"))] == list(range(1, 41))


async def test_history_stays(store: SqliteStore, path: pathlib.Path) -> None:
    await registered(store, "s")
    async with store.transaction() as transaction:
        await transaction.put_version(
            Version(subject=subject("s"), version=1, schema_id=1, deleted=True), ChangeKind.VERSION_SOFT_DELETED
        )
        await transaction.put_setting(DEFAULT_SCOPE, Setting.CONFIG, "1")
    async with store.transaction() as transaction:
        await transaction.remove_version(subject("s"), 1)
        await transaction.put_setting(DEFAULT_SCOPE, Setting.CONFIG, "2")
    connection = sqlite3.connect(path)
    versions = connection.execute("SELECT deleted, since, until FROM versions ORDER BY since").fetchall()
    settings = connection.execute("SELECT value, since, until FROM settings ORDER BY since").fetchall()
    connection.close()
    assert versions == [(0, 1, 2), (1, 2, 3)]
    assert settings == [("1", 2, 3), ("2", 3, None)]


async def test_a_writer_that_holds_on_is_waited_for_until_the_deadline(store: SqliteStore, path: pathlib.Path) -> None:
    impatient = await SqliteStore.open(path, timeout_seconds=0.05)
    async with store.transaction() as transaction:
        with pytest.raises(StoreUnavailableError, match="hold it for too long"):
            await registered(impatient, "t")
        await register(transaction, "s")
    await registered(impatient, "t")
    assert await store.subjects() == [subject("s"), subject("t")]
    async with impatient.transaction() as transaction:
        with pytest.raises(StoreUnavailableError, match="hold it for too long"):
            await registered(impatient, "u")
    await impatient.close()


async def test_reads_do_not_wait_for_a_writer(store: SqliteStore, other: SqliteStore) -> None:
    async with other.transaction() as transaction:
        await register(transaction, "s")
        assert await store.subjects() == []
        assert await store.latest(subject("s")) is None


def slow_commits(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Makes commits say when they begin, and wait until they may go on."""
    entered, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        entered.set()
        go_on.wait(10)
        connection.execute("COMMIT")

    monkeypatch.setattr(module, "_commit", slow)
    return entered, go_on


async def test_a_task_cancelled_during_its_commit_leaves_a_whole_write(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on = slow_commits(monkeypatch)
    task = asyncio.create_task(registered(store, "s"))
    await asyncio.to_thread(entered.wait, 10)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.005)
    assert not task.done()
    assert await store.subjects() == []
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.subjects() == [subject("s")]
    await registered(store, "t")
    assert await store.revision() == 2


async def test_the_event_loop_goes_on_during_a_commit(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go_on = slow_commits(monkeypatch)
    task = asyncio.create_task(registered(store, "s"))
    await asyncio.to_thread(entered.wait, 10)
    assert await store.latest(subject("s")) is None
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    go_on.set()
    await task
    await closing


async def test_a_failed_commit_is_reported_and_leaves_nothing(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT 1 FROM nowhere")

    monkeypatch.setattr(module, "_commit", full)
    with pytest.raises(StoreUnavailableError, match="SQLite reports SQLITE_ERROR"):
        await registered(store, "s")
    monkeypatch.undo()
    await registered(store, "t")
    assert await store.subjects() == [subject("t")]
    assert await store.revision() == 1


async def test_a_full_disk_takes_no_part_of_a_write(store: SqliteStore) -> None:
    await registered(store, "s")
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 5}")
    async with asyncio.timeout(10):
        with pytest.raises(StoreUnavailableError, match="a write in it failed"):
            await write_large_then_small(store)
    assert await store.subjects() == [subject("s")]
    assert await store.revision() == 1
    store._writer.execute(f"PRAGMA max_page_count = {pages + 1000}")
    await registered(store, "t")
    assert await store.revision() == 2


async def write_large_then_small(store: SqliteStore) -> None:
    """Goes on after the failed write of a large schema, as no caller should."""
    async with store.transaction() as transaction:
        await register(transaction, "before")
        with pytest.raises(StoreUnavailableError, match="the disk is full"):
            await transaction.add_schema(content("x" * 1_000_000))
        with pytest.raises(StoreUnavailableError, match="has ended"):
            await register(transaction, "after")


async def test_a_failed_write_spoils_its_transaction(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailableError, match="a write in it failed"):
        await write_with_a_part_that_fails(store)
    assert await store.revision() == 0
    assert await store.subjects() == []


async def write_with_a_part_that_fails(store: SqliteStore) -> None:
    async with store.transaction() as transaction:
        await register(transaction, "s")
        with pytest.raises(ValueRefusedError, match="contradicts what is stored"):
            await transaction.put_version(Version(subject=subject("t"), version=0, schema_id=1), REGISTERED)


async def test_nothing_is_written_after_a_rollback_by_sqlite_itself(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailableError, match="has ended"):
        await write_after_a_rollback(store)
    assert await store.schema(".", 1) is None
    await registered(store, "t")
    assert await store.revision() == 1


async def write_after_a_rollback(store: SqliteStore) -> None:
    async with store.transaction() as transaction:
        store._writer.execute("ROLLBACK")
        await transaction.add_schema(content())


async def test_what_no_column_can_hold_is_refused_whole(store: SqliteStore) -> None:
    for wrong in (
        Version(subject=subject("s"), version=1, schema_id=2**70),
        Version(subject=subject("\ud800"), version=1, schema_id=1),
    ):
        with pytest.raises(ValueError, match=r"larger than|surrogates"):
            await put(store, wrong)
    assert await store.revision() == 0


async def put(store: SqliteStore, version: Version) -> None:
    async with store.transaction() as transaction:
        await register(transaction, "t")
        await transaction.put_version(version, REGISTERED)


async def test_a_closed_store_says_so(path: pathlib.Path) -> None:
    store = await SqliteStore.open(path)
    await store.close()
    await store.close()
    for use in (store.revision, store.subjects, store.contexts, lambda: registered(store, "s")):
        with pytest.raises(StoreUnavailableError, match="closed"):
            await use()


async def test_a_damaged_file_is_named_as_such(path: pathlib.Path) -> None:
    store = await SqliteStore.open(path)
    for number in range(50):
        await registered(store, f"s{number}")
    await store.close()
    damage(path)
    with pytest.raises(StoreUnavailableError, match="damaged"):
        await read_everything(path)


def damage(path: pathlib.Path) -> None:
    content_of_file = bytearray(path.read_bytes())
    content_of_file[8192:] = b"\xa5" * (len(content_of_file) - 8192)
    path.write_bytes(content_of_file)


async def read_everything(path: pathlib.Path) -> None:
    store = await SqliteStore.open(path)
    try:
        await store.subjects()
        await store.changes(0)
    finally:
        await store.close()


async def test_lists_do_not_hold_up_the_event_loop_and_see_one_moment(store: SqliteStore) -> None:
    async with store.transaction() as transaction:
        for number in range(3000):
            await transaction.put_version(Version(subject=subject(f"s{number:04}"), version=1, schema_id=1), REGISTERED)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def remove_the_ends() -> None:
        async with store.transaction() as transaction:
            await transaction.remove_version(subject("s0000"), 1)
            await transaction.remove_version(subject("s2999"), 1)
        assert len(await store.subjects()) == 2998

    ticking = asyncio.create_task(tick())
    *lists, _ = await asyncio.gather(*(store.list_versions() for _ in range(8)), remove_the_ends())
    ticking.cancel()
    assert ticks > 10
    assert len(lists) == 8
    for found in lists:
        ends = [found[0].subject.name, found[-1].subject.name]
        assert ends in (["s0000", "s2999"], ["s0001", "s2998"])
        assert len(found) == int(ends[1][1:]) - int(ends[0][1:]) + 1
