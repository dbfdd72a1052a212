"""What a process knows of the change log: when it is current, and what it tells those who remember."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.server.response_cache import LocalCommitSignal
from llm_schema_registry.store import Change, Setting, Store, StoreUnavailableError, dependencies, open_store
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.dependencies import Fact

S, T = Subject(".", "s"), Subject(".", "t")


class Log:
    """The log of a store, which is slow or fails on demand, and counts."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fails = False
        self.asked: list[str] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def revision(self) -> int:
        await self._ask("revision")
        return await self.store.revision()

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        await self._ask("changes")
        return await self.store.changes(after, limit)

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        await self.answering.wait()
        if self.fails:
            raise StoreUnavailableError("gone")


class Memory:
    """Somebody who remembers."""

    def __init__(self) -> None:
        self.dropped: list[Fact] = []
        self.forgot = 0

    def invalidate(self, facts: Iterable[Fact]) -> None:
        self.dropped += facts

    def clear(self) -> None:
        self.forgot += 1
        self.dropped.clear()


class Place:
    """A store, its log, and what follows it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.log = Log(store)
        self.signal = LocalCommitSignal()
        self.follower = ChangeLogFollower(self.signal)
        self.memory = Memory()
        self.follower.subscribe(self.memory)
        self.follower.follow(self.log)  # type: ignore[arg-type]

    def current(self) -> bool:
        return self.follower.current

    async def set_mode(self, scope: Subject, value: str = "READONLY", times: int = 1) -> None:
        await set_mode(self.store, scope, value, times)
        self.signal.notify()


async def set_mode(store: Store, scope: Subject, value: str = "READONLY", times: int = 1) -> None:
    async with store.transaction() as transaction:
        for number in range(times):
            await transaction.put_setting(scope, Setting.MODE, value if number % 2 == 0 else None)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    opened = await open_store("sqlite://")
    yield Place(opened)
    await opened.close()


async def test_nothing_is_current_before_the_log_was_read(place: Place) -> None:
    assert not place.current()
    assert await place.follower.catch_up() == 0
    assert place.current()


async def test_without_a_log_nothing_is_ever_current() -> None:
    follower = ChangeLogFollower(LocalCommitSignal())
    assert await follower.catch_up() == 0
    assert not follower.current


async def test_a_commit_of_the_node_is_known_before_anything_is_current_again(place: Place) -> None:
    await place.follower.catch_up()
    await place.set_mode(S)
    assert not place.current()
    assert await place.follower.catch_up() == 1
    assert place.current()
    assert set(place.memory.dropped) == {dependencies.of_setting(S), dependencies.ALL_SETTINGS}
    assert place.follower.recent.touched_since([dependencies.of_setting(S)], 0)
    assert not place.follower.recent.touched_since([dependencies.of_setting(T)], 0)


async def test_what_others_commit_is_known_when_somebody_says_so(place: Place) -> None:
    await place.follower.catch_up()
    await set_mode(place.store, S)
    assert place.current()
    place.follower.mark_stale()
    assert not place.current()
    assert await place.follower.catch_up() == 1


async def test_a_commit_costs_one_read(place: Place) -> None:
    await set_mode(place.store, S)
    await place.follower.catch_up()
    place.log.asked.clear()
    for value in ("READWRITE", "IMPORT"):
        await place.set_mode(S, value)
        for _ in range(3):
            await place.follower.catch_up()
    assert place.log.asked == ["changes"] * 2


async def test_a_store_with_a_history_is_begun_at_its_end(place: Place) -> None:
    for number in range(20):
        await set_mode(place.store, S, str(number))
    assert await place.follower.catch_up() == 20
    assert (place.follower.recent.floor, place.follower.recent.cursor) == (19, 20)
    assert place.log.asked == ["revision", "changes"]
    assert place.memory.dropped == []


@pytest.mark.parametrize("times", [999, 1000, 1001, 2500])
async def test_a_revision_of_many_records_is_read_whole_and_got_over(place: Place, times: int) -> None:
    await set_mode(place.store, S)
    await place.follower.catch_up()
    for _ in range(2):
        await place.set_mode(T, times=times + times % 2)
        await place.set_mode(S, "READWRITE")
        await place.set_mode(S)
        place.memory.dropped.clear()
        await place.follower.catch_up()
        assert {dependencies.of_setting(S), dependencies.of_setting(T)} <= set(place.memory.dropped)
    assert place.follower.cursor == 7
    assert place.memory.forgot == 1


@pytest.mark.slow
async def test_too_much_to_read_is_not_read(place: Place) -> None:
    await place.follower.catch_up()
    place.log.asked.clear()
    for _ in range(8):
        await place.set_mode(S, times=1000)
        await place.set_mode(S, "IMPORT")
    assert await place.follower.catch_up() == 16
    assert place.log.asked.count("changes") < 8
    assert place.memory.forgot == 2
    assert place.current()


async def test_another_history_is_noticed(place: Place) -> None:
    """A failover that lost the last commits, and a backup that was restored: numbers are given again."""
    for number in range(3):
        await set_mode(place.store, S, str(number))
    await place.follower.catch_up()
    other = await open_store("sqlite://")
    for revisions, cursor in ((1, 1), (2, 3)):
        for number in range(revisions):
            await set_mode(other, T, f"{revisions}{number}")
        place.log.store = other
        place.follower.mark_stale()
        forgot = place.memory.forgot
        assert await place.follower.catch_up() == cursor
        assert place.memory.forgot == forgot + (revisions == 1)
        assert place.current()
    place.log.store = place.store
    place.follower.mark_stale()
    forgot = place.memory.forgot
    assert await place.follower.catch_up() == 3
    assert place.memory.forgot == forgot + 1, "the same number, and another revision"
    await other.close()


async def test_a_failure_is_told_and_leaves_nothing_current(place: Place) -> None:
    await place.follower.catch_up()
    await place.set_mode(S)
    place.log.fails = True
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            await place.follower.catch_up()
        assert not place.current()
    place.log.fails = False
    assert await place.follower.catch_up() == 1
    assert dependencies.of_setting(S) in place.memory.dropped


async def test_a_revision_that_is_there_is_read_at_once(place: Place) -> None:
    await place.follower.catch_up()
    await set_mode(place.store, S)
    assert await place.follower.wait_for(1, 0.0) == 1
    place.log.asked.clear()
    assert await place.follower.wait_for(1, 0.0) == await place.follower.wait_for(0, 0.0) == 1
    assert place.log.asked == [], "what is known is not read again"


async def test_a_revision_to_come_is_waited_for(place: Place) -> None:
    await place.follower.catch_up()
    waiting = [asyncio.create_task(place.follower.wait_for(revision, 20)) for revision in (1, 2)]
    for value in ("READONLY", "READWRITE"):
        await asyncio.sleep(0.01)
        assert place.current(), "the revision need not exist: all else goes on"
        await place.set_mode(S, value)
        await place.follower.catch_up()
    assert await asyncio.gather(*waiting) == [1, 2]


async def test_a_revision_that_does_not_come_is_told(place: Place) -> None:
    await place.set_mode(S)
    assert await place.follower.wait_for(2, 0.01) == 1
    place.log.fails = True
    with pytest.raises(StoreUnavailableError):
        await place.follower.wait_for(2, 0.01)
    assert await place.follower.wait_for(1, 0.01) == 1, "what is known stays known"


async def test_the_age_counts_from_when_the_store_was_last_heard(place: Place) -> None:
    await place.follower.catch_up()
    began = time.monotonic()
    place.follower.mark_fresh(0, began + 100)
    assert place.follower.age < 0
    place.follower.mark_fresh(7, began + 200)
    place.follower.mark_stale()
    place.follower.mark_fresh(0, began + 200)
    assert place.follower.age > -101


async def test_all_wait_for_one_attempt(place: Place) -> None:
    place.log.answering.clear()
    place.log.fails = True
    waiting = [asyncio.create_task(place.follower.catch_up()) for _ in range(10)]
    await asyncio.sleep(0)
    place.log.answering.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailableError}
    assert len(place.log.asked) == 1


async def test_news_that_come_while_the_log_is_read_are_not_lost(place: Place) -> None:
    await place.follower.catch_up()
    place.follower.mark_stale()
    place.log.asked.clear()
    place.log.answering.clear()
    reading = asyncio.create_task(place.follower.catch_up())
    for _ in range(3):
        await asyncio.sleep(0)
    place.follower.mark_stale()
    place.log.answering.set()
    await reading
    assert len(place.log.asked) == 2, "the attempt under way, then one that began after the news"
    assert place.current()


async def test_who_gives_up_waiting_takes_nobody_along(place: Place) -> None:
    place.log.answering.clear()
    first = asyncio.create_task(place.follower.catch_up())
    second = asyncio.create_task(place.follower.catch_up())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    place.log.answering.set()
    assert await second == 0


async def test_an_attempt_that_has_just_ended_is_not_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.follower.catch_up()
    later = []

    async def catch_up_again() -> bool:
        place.signal.notify()
        await place.follower.catch_up()
        return place.current()

    # It begins when the attempt has ended, and before anything else learns of that.
    monkeypatch.setattr(place.memory, "invalidate", lambda _: later.append(asyncio.create_task(catch_up_again())))
    await place.set_mode(S)
    await place.follower.catch_up()
    assert [await each for each in later] == [True]
