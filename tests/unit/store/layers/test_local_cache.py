"""What is answered from memory, what is not any more, and who waits for whom."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.server.response_cache import LocalCommitSignal
from llm_schema_registry.store import (
    Change,
    ChangeKind,
    Setting,
    Store,
    StoredSchema,
    StoreUnavailableError,
    Version,
    open_store,
)
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.dependencies import READ_FROM, of_setting, of_subject
from llm_schema_registry.store.layers import local_cache as caching
from llm_schema_registry.store.layers.dependency_tracking import DependencyTrackingStore
from llm_schema_registry.store.layers.local_cache import CACHED_READS, LocalCacheStore, Memory

S, T = Subject(".", "s"), Subject(".", "t")
SCHEMA = StoredSchema(context=".", schema_id=0, guid="g", schema_type="AVRO", text='"string"')

# Every read that is held, with arguments that `write` makes a difference to.
READS: dict[str, tuple[Any, ...]] = {
    "schema": (".", 1),
    "schemas_by_guid": ("g",),
    "max_schema_id": (".",),
    "version": (S, 1),
    "versions": (S,),
    "latest": (S,),
    "versions_of_schema": (".", 1),
    "contexts": (),
    "scopes_with_setting": (".", Setting.MODE),
    "associations_of_subject": (S,),
    "associations_of_resource": ("r",),
    "associations_of_name": ("n",),
}


class Counted:
    """A store that counts what is read from it, is slow on demand, and fails on demand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reads: list[str] = []
        self.log_fails = False
        self.fails = False
        self.answering = asyncio.Event()
        self.answering.set()

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self.store, name)
        if name not in READ_FROM:
            return inner

        async def read(*arguments: Any, **options: Any) -> Any:
            self.reads.append(name)
            answer = await inner(*arguments, **options)
            await self.answering.wait()
            if self.fails:
                raise StoreUnavailableError("gone")
            return answer

        return read

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        if self.log_fails:
            raise StoreUnavailableError("gone")
        return await self.store.changes(after, limit)


class Place:
    """A store, and two workers with a cache on it."""

    def __init__(self, opened: Store) -> None:
        self.inner = Counted(opened)
        self.signal = LocalCommitSignal()
        self.follower, self.store = self.worker()
        self.other = self.worker()[1]

    def worker(
        self, signal: LocalCommitSignal | None = None, capacity: int = 1 << 20
    ) -> tuple[ChangeLogFollower, Store]:
        signal = signal or self.signal
        follower = ChangeLogFollower(signal)
        follower.follow(cast(Store, self.inner))
        self.cached = LocalCacheStore(cast(Store, self.inner), follower, capacity)
        return follower, cast(Store, DependencyTrackingStore(cast(Store, self.cached), signal.notify))

    async def read(self, name: str, *arguments: Any) -> Any:
        return await getattr(self.store, name)(*arguments)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    opened = await open_store("sqlite://")
    yield Place(opened)
    await opened.close()


async def write(store: Store) -> None:
    """Makes every one of `READS` answer something else, but for associations."""
    async with store.transaction() as transaction:
        stored = await transaction.add_schema(SCHEMA)
        version = Version(subject=S, version=1, schema_id=stored.schema_id)
        await transaction.put_version(version, ChangeKind.VERSION_REGISTERED)
        await transaction.put_setting(S, Setting.MODE, '"READONLY"')
        other = await transaction.add_schema(
            StoredSchema(context=".c", schema_id=0, guid="h", schema_type="A", text="")
        )
        assert other.schema_id == 1


async def set_mode(store: Store, scope: Subject, value: str) -> None:
    async with store.transaction() as transaction:
        await transaction.put_setting(scope, Setting.MODE, value)


def test_every_read_is_made_from_a_known_fact() -> None:
    declared = {name for name, read in vars(Reads).items() if inspect.iscoroutinefunction(read)}
    assert declared - {"revision", "last_changed", "changes"} == set(READ_FROM)
    assert set(CACHED_READS) == set(READS)


@pytest.mark.parametrize("name", CACHED_READS)
async def test_what_was_read_is_not_read_again_until_it_is_touched(place: Place, name: str) -> None:
    before = [await place.read(name, *READS[name]) for _ in range(3)]
    assert place.inner.reads == [name], "that there is nothing is held too"
    assert before[0] == before[1] == before[2]
    await write(place.other)
    place.inner.reads.clear()
    after = [await place.read(name, *READS[name]) for _ in range(3)]
    assert after[0] == await getattr(place.inner.store, name)(*READS[name])
    assert after[0] == after[1] == after[2]
    if not name.startswith("associations"):
        assert after[0] != before[0]
        assert place.inner.reads == [name]


@pytest.mark.parametrize("name", CACHED_READS)
async def test_what_is_touched_elsewhere_stays(place: Place, name: str) -> None:
    await write(place.store)
    await place.read(name, *READS[name])
    await set_mode(place.other, T, "IMPORT") if name != "scopes_with_setting" else await write_version_of_t(place.other)
    place.inner.reads.clear()
    await place.read(name, *READS[name])
    assert place.inner.reads == []


async def write_version_of_t(store: Store) -> None:
    async with store.transaction() as transaction:
        await transaction.put_version(Version(subject=T, version=1, schema_id=1), ChangeKind.VERSION_REGISTERED)


async def test_scopes_without_settings_are_known_at_once(place: Place) -> None:
    assert [await place.store.setting(scope, Setting.MODE) for scope in (S, T, S)] == [None] * 3
    assert place.inner.reads == ["scopes_with_setting"]
    await set_mode(place.other, S, "IMPORT")
    place.inner.reads.clear()
    assert [await place.store.setting(scope, Setting.MODE) for scope in (S, T, S)] == ["IMPORT", None, "IMPORT"]
    assert place.inner.reads == ["scopes_with_setting", "setting"]
    assert await place.store.setting(S, Setting.CONFIG) is None


async def test_settings_of_many_scopes_are_read_one_by_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "_FEW_SCOPES", 1)
    await set_mode(place.store, S, "IMPORT")
    await set_mode(place.store, T, "READONLY")
    for _ in range(3):
        assert await place.store.setting(S, Setting.MODE) == "IMPORT"
    assert await place.store.setting(Subject(".", "u"), Setting.MODE) is None
    assert place.inner.reads == ["scopes_with_setting", "setting", "setting"]
    await set_mode(place.other, S, "READWRITE")
    assert await place.store.setting(S, Setting.MODE) == "READWRITE"


async def test_answers_differ_by_arguments(place: Place) -> None:
    await write(place.store)
    assert await place.store.contexts() == [".", ".c"]
    assert await place.store.contexts(prefix=".c") == [".c"]
    assert await place.store.contexts(offset=1) == [".c"]
    assert await place.store.contexts(limit=1) == ["."]
    assert await place.store.contexts() == [".", ".c"]
    assert await place.store.setting(S, Setting.CONFIG) is None
    assert await place.store.setting(S, Setting.MODE) == '"READONLY"'


async def test_a_list_is_its_askers_own(place: Place) -> None:
    await write(place.store)
    (await place.store.versions(S)).clear()
    (await place.store.versions(S)).clear()
    assert len(await place.store.versions(S)) == 1


async def test_lists_of_much_are_read_each_time(place: Place) -> None:
    for _ in range(2):
        await place.store.subjects()
        await place.store.list_versions()
        await place.store.associations()
        await place.store.referrers(S)
    assert len(place.inner.reads) == 8


async def test_transactions_read_past_it(place: Place) -> None:
    await place.store.setting(S, Setting.MODE)
    async with place.store.transaction() as transaction:
        await transaction.put_setting(S, Setting.MODE, "x")
        assert await transaction.setting(S, Setting.MODE) == "x"
        assert await place.store.setting(S, Setting.MODE) is None


async def test_what_others_commit_shows_once_it_is_heard_of(place: Place) -> None:
    """Also in passing: from a revision that was read, or from the transaction that follows."""

    async def pass_by() -> None:
        async with elsewhere.transaction():
            pass

    elsewhere = place.worker(LocalCommitSignal())[1]
    await place.store.setting(S, Setting.MODE)
    for number, hear in enumerate[Callable[[], Any]](
        (
            place.store.revision,
            lambda: place.store.last_changed([S]),
            lambda: place.store.changes(0),
            lambda: place.store.wait_for_change(0, 0),
        )
    ):
        await set_mode(elsewhere, S, str(number))
        assert await place.store.setting(S, Setting.MODE) != str(number)
        await hear()
        assert await place.store.setting(S, Setting.MODE) == str(number)
    await set_mode(elsewhere, S, "last")
    async with place.store.transaction():
        assert await place.store.setting(S, Setting.MODE) == "last"


async def test_while_the_log_is_out_of_reach_the_store_is_asked(place: Place) -> None:
    await place.store.setting(S, Setting.MODE)
    await set_mode(place.other, S, "x")
    place.inner.log_fails = True
    place.inner.reads.clear()
    for _ in range(2):
        assert await place.store.setting(S, Setting.MODE) == "x"
    assert place.inner.reads == ["scopes_with_setting", "setting"] * 2
    place.inner.fails = True
    with pytest.raises(StoreUnavailableError):
        await place.store.setting(S, Setting.MODE)
    place.inner.fails = place.inner.log_fails = False
    place.inner.reads.clear()
    for _ in range(2):
        assert await place.store.setting(S, Setting.MODE) == "x"
    assert place.inner.reads == ["scopes_with_setting", "setting"]


async def test_whoever_asks_for_what_is_being_read_waits_for_that(place: Place) -> None:
    await write(place.store)
    await place.follower.catch_up()
    place.inner.answering.clear()
    asking = [asyncio.create_task(place.store.latest(S)) for _ in range(20)]
    asking += [asyncio.create_task(place.store.latest(T)) for _ in range(20)]
    await asyncio.sleep(0.01)
    place.inner.answering.set()
    found = await asyncio.gather(*asking)
    assert all(found[:20])
    assert not any(found[20:])
    assert place.inner.reads == ["latest"] * 2


async def test_who_gives_up_takes_nobody_along(place: Place) -> None:
    await place.follower.catch_up()
    place.inner.answering.clear()
    asking = [asyncio.create_task(place.store.latest(S)) for _ in range(3)]
    await asyncio.sleep(0.01)
    asking[0].cancel()
    await asyncio.sleep(0)
    place.inner.answering.set()
    assert await asyncio.gather(*asking[1:]) == [None, None]
    assert asking[0].cancelled()
    assert place.inner.reads == ["latest"]


async def test_a_failure_is_told_to_all_who_wait_and_not_held(place: Place) -> None:
    await place.follower.catch_up()
    place.inner.answering.clear()
    place.inner.fails = True
    asking = [asyncio.create_task(place.store.latest(S)) for _ in range(3)]
    await asyncio.sleep(0.01)
    place.inner.answering.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailableError] * 3
    place.inner.fails = False
    assert await place.store.latest(S) is None
    assert place.inner.reads == ["latest"] * 2


async def test_what_is_touched_while_it_is_read_is_not_held_nor_told_to_others(place: Place) -> None:
    await place.follower.catch_up()
    place.inner.answering.clear()
    first = asyncio.create_task(place.store.scopes_with_setting(".", Setting.MODE))
    await asyncio.sleep(0.01)
    await set_mode(place.other, S, "x")
    second = asyncio.create_task(place.store.scopes_with_setting(".", Setting.MODE))
    await asyncio.sleep(0.01)
    place.inner.answering.set()
    assert [await first, await second] == [[], [S]], "the first asked before the write was acknowledged"
    assert await place.store.scopes_with_setting(".", Setting.MODE) == [S]
    assert place.inner.reads == ["scopes_with_setting"] * 2


async def test_what_is_read_while_something_else_is_written_is_held(place: Place) -> None:
    await place.follower.catch_up()
    place.inner.answering.clear()
    first = asyncio.create_task(place.store.latest(S))
    await asyncio.sleep(0.01)
    await set_mode(place.other, T, "x")
    second = asyncio.create_task(place.store.latest(S))
    await asyncio.sleep(0.01)
    place.inner.answering.set()
    assert [await first, await second, await place.store.latest(S)] == [None] * 3
    assert place.inner.reads == ["latest"]


async def test_the_least_recently_used_make_room(place: Place) -> None:
    _, store = place.worker(capacity=100_000)
    for number in range(400):
        await store.latest(Subject(".", str(number)))
        await store.latest(S)
    place.inner.reads.clear()
    await store.latest(S)
    await store.latest(Subject(".", "399"))
    assert place.inner.reads == []
    await store.latest(Subject(".", "0"))
    assert place.inner.reads == ["latest"]
    assert place.cached.counted() == (399 + 2, 401 + 1)
    assert place.cached.counted() == (0, 0)


def test_the_bound_counts_what_is_held() -> None:
    local_cache = Memory(100_000)
    for number in range(1000):
        fact = of_subject(Subject(".", str(number % 300)))
        local_cache.keep(fact, local_cache.of(fact), ("version", number), "x" * 1000)
        assert local_cache.bytes <= 100_000
    assert local_cache.bytes > 50_000
    local_cache.invalidate([of_subject(Subject(".", str(number))) for number in range(300)])
    assert local_cache.bytes == 0


def test_one_fact_cannot_fill_it() -> None:
    local_cache = Memory(100_000)
    kept = of_setting(S)
    local_cache.keep(kept, local_cache.of(kept), ("setting",), "x")
    fact = of_subject(S)
    for number in range(1000):
        local_cache.keep(fact, local_cache.of(fact), ("version", number), "x" * 100)
    assert local_cache.of(kept).by_key == {("setting",): "x"}
    local_cache.keep(fact, local_cache.of(fact), ("large",), "x" * 90_000)
    assert local_cache.of(fact).by_key == {}


def test_what_was_dropped_meanwhile_is_not_kept() -> None:
    local_cache = Memory(100_000)
    fact = of_subject(S)
    for forgets in (False, True):
        answers = local_cache.of(fact)
        if forgets:
            local_cache.clear()
        else:
            local_cache.invalidate([fact])
        local_cache.keep(fact, answers, ("latest",), "x")
        assert local_cache.bytes == 0
        assert local_cache.of(fact).by_key == {}
        local_cache.clear()
