import asyncio
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.contracts import DEFAULT_SCOPE
from llm_schema_registry.store import ChangeKind, Setting, StoreUnavailableError, ValueRefusedError, Version
from llm_schema_registry.store.postgresql import PostgresStore
from servers import execute, fresh_schema, postgres, rows_of
from unit.store.building import REGISTERED, content, register, registered, subject

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def url() -> str:
    return fresh_schema()


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(url)
    yield store
    await store.close()


@pytest.fixture
async def other(url: str, store: PostgresStore) -> AsyncIterator[PostgresStore]:
    other = await PostgresStore.open(url, timeout_seconds=0.1)
    yield other
    await other.close()


async def end_sessions() -> None:
    """Ends all sessions of stores, as a restart of the database does."""
    await execute(
        postgres().url(),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'llm-schema-registry'",
    )


async def test_a_store_sees_the_writes_of_another_at_once(store: PostgresStore, other: PostgresStore) -> None:
    for number in range(1, 20):
        writer, reader = (store, other) if number % 2 else (other, store)
        put = await registered(writer, "s", version=number)
        assert await reader.latest(subject("s")) == put
        assert await reader.revision() == number


async def test_stores_on_one_database_lose_no_update(store: PostgresStore, url: str) -> None:
    async def write(through: PostgresStore) -> None:
        async with through.transaction() as transaction:
            before = await transaction.versions(subject("s"))
            await asyncio.sleep(0)
            await register(transaction, "s", version=len(before) + 1)

    another = await PostgresStore.open(url)
    await asyncio.gather(*(write(through) for _ in range(20) for through in (store, another)))
    assert [version.version for version in await store.versions(subject("s"))] == list(range(1, 41))
    assert [version.schema_id for version in await another.versions(subject("s"))] == list(range(1, 41))
    await another.close()


async def test_history_stays(store: PostgresStore, url: str) -> None:
    await registered(store, "s")
    async with store.transaction() as transaction:
        await transaction.put_version(
            Version(subject=subject("s"), version=1, schema_id=1, deleted=True), ChangeKind.VERSION_SOFT_DELETED
        )
        await transaction.put_setting(DEFAULT_SCOPE, Setting.CONFIG, "1")
    async with store.transaction() as transaction:
        await transaction.remove_version(subject("s"), 1)
        await transaction.put_setting(DEFAULT_SCOPE, Setting.CONFIG, "2")
    assert await rows_of(url, "SELECT deleted, since, until FROM versions ORDER BY since") == [(0, 1, 2), (1, 2, 3)]
    assert await rows_of(url, "SELECT value, since, until FROM settings ORDER BY since") == [
        ("1", 2, 3),
        ("2", 3, None),
    ]


async def test_a_writer_waits_no_longer_than_its_patience(store: PostgresStore, other: PostgresStore) -> None:
    async with store.transaction() as transaction:
        await register(transaction, "s")
        with pytest.raises(StoreUnavailableError, match="other writers hold it for too long"):
            await registered(other, "t")
        waiting = (registered(other, f"t{number}") for number in range(4))
        refusals = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(refusal) for refusal in refusals] == [StoreUnavailableError] * 4
    await registered(other, "t")
    assert await store.subjects() == [subject("s"), subject("t")]


async def test_reads_do_not_wait_for_a_writer(store: PostgresStore, other: PostgresStore) -> None:
    async with other.transaction() as transaction:
        await register(transaction, "s")
        assert await store.subjects() == []
        assert await store.latest(subject("s")) is None


async def test_more_readers_than_sessions(store: PostgresStore) -> None:
    put = await registered(store, "s")
    async with store.transaction():
        assert await asyncio.gather(*(store.latest(subject("s")) for _ in range(100))) == [put] * 100


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 8, 15])
async def test_cancelled_writes_and_reads_leave_a_store_of_use(store: PostgresStore, milliseconds: int) -> None:
    work = [asyncio.create_task(registered(store, f"s{number}")) for number in range(5)]
    work += [asyncio.create_task(store.latest(subject("s"))) for _ in range(20)]
    await asyncio.sleep(milliseconds / 1000)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    revision = await store.revision()
    assert len(await store.subjects()) == revision
    assert len(await store.changes(0)) == 2 * revision
    await registered(store, "t")
    assert await store.revision() == revision + 1


async def test_a_writer_that_is_cancelled_while_it_waits_lets_go(store: PostgresStore, url: str) -> None:
    another = await PostgresStore.open(url)
    async with store.transaction() as transaction:
        waiting = asyncio.create_task(registered(another, "t"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await register(transaction, "s")
    await registered(another, "u")
    assert await store.subjects() == [subject("s"), subject("u")]
    await another.close()


async def test_a_failed_write_spoils_its_transaction(store: PostgresStore) -> None:
    with pytest.raises(StoreUnavailableError, match="a write in it failed"):
        await write_with_a_part_that_fails(store)
    assert await store.revision() == 0
    assert await store.subjects() == []
    await registered(store, "t")


async def write_with_a_part_that_fails(store: PostgresStore) -> None:
    async with store.transaction() as transaction:
        await register(transaction, "s")
        await transaction.put_version(Version(subject=subject("t"), version=0, schema_id=1), REGISTERED)
        with pytest.raises(ValueRefusedError, match="contradicts what is stored"):
            await transaction.latest(subject("t"))


async def test_what_no_column_can_hold_is_refused_whole(store: PostgresStore) -> None:
    for wrong in (
        Version(subject=subject("s"), version=1, schema_id=2**70),
        Version(subject=subject("\ud800"), version=1, schema_id=1),
        Version(subject=subject("\x00"), version=1, schema_id=1),
    ):
        with pytest.raises(ValueError, match=r"store can(not)? hold"):
            await put(store, wrong)
    assert await store.revision() == 0
    await registered(store, "t")


async def put(store: PostgresStore, version: Version) -> None:
    async with store.transaction() as transaction:
        await register(transaction, "t")
        await transaction.put_version(version, REGISTERED)


async def test_a_session_that_ends_within_a_transaction_takes_it_along(store: PostgresStore) -> None:
    with pytest.raises(StoreUnavailableError):
        await write_across_a_restart(store)
    assert await store.subjects() == []
    await registered(store, "t")
    assert await store.revision() == 1


async def write_across_a_restart(store: PostgresStore) -> None:
    async with store.transaction() as transaction:
        await register(transaction, "s")
        await end_sessions()
        await asyncio.sleep(0.05)
        await register(transaction, "t")


async def test_sessions_that_ended_are_replaced_unnoticed(store: PostgresStore) -> None:
    put = await registered(store, "s")
    await asyncio.gather(*(store.latest(subject("s")) for _ in range(20)))
    for _ in range(3):
        await end_sessions()
        assert await asyncio.gather(*(store.latest(subject("s")) for _ in range(20))) == [put] * 20
        await end_sessions()
        await registered(store, "t")


async def test_announcements_come_through_after_the_listening_session_ended(
    store: PostgresStore, other: PostgresStore
) -> None:
    assert await store.wait_for_change(0, 0.01) == 0
    for number in range(1, 4):
        waiting = asyncio.create_task(store.wait_for_change(number - 1, 10))
        await asyncio.sleep(0.02)
        await end_sessions()
        await registered(other, f"s{number}")
        assert await waiting == number


async def test_foreign_announcements_are_no_revisions(store: PostgresStore, url: str) -> None:
    channel = f"llm_schema_registry.{url.partition('schema=')[2]}"
    await registered(store, "s")
    waiting = asyncio.create_task(store.wait_for_change(1, 0.2))
    await asyncio.sleep(0.05)
    notices = [f"NOTIFY \"{channel}\", '{payload}'" for payload in ("", "x", "²", "-5", "9" * 50)]
    await execute(postgres().url(), *notices, "SELECT 1")
    assert await waiting == 1


async def test_a_closed_store_says_so(url: str) -> None:
    store = await PostgresStore.open(url)
    await store.wait_for_change(0, 0)
    await store.close()
    await store.close()
    for use in (store.revision, store.subjects, lambda: registered(store, "s"), lambda: store.wait_for_change(0, 1)):
        with pytest.raises(StoreUnavailableError, match="closed"):
            await use()


async def test_closing_waits_for_the_write_in_progress(url: str) -> None:
    store = await PostgresStore.open(url)
    async with store.transaction() as transaction:
        await transaction.add_schema(content())
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0.01)
        assert not closing.done()
    await closing
    assert await rows_of(url, "SELECT revision FROM head") == [(1,)]


async def test_a_store_without_its_head_row_says_so(store: PostgresStore, url: str) -> None:
    await rows_of(url, "DELETE FROM head")
    with pytest.raises(StoreUnavailableError, match="lost its head row"):
        await registered(store, "s")
    await rows_of(url, "DROP TABLE head")
    with pytest.raises(StoreUnavailableError, match="its tables are missing"):
        await store.revision()
