"""What stays on the shelf, and what a change takes off it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.server.serving import Answer, LocalSignal, Shelf
from llm_schema_registry.store import Change, Setting, Store, StoreUnavailableError, facts, open_store
from llm_schema_registry.store.facts import Facts
from llm_schema_registry.store.watching import WatchedStore

S, T = Subject(".", "s"), Subject(".", "t")


@pytest.fixture
async def signal() -> LocalSignal:
    return LocalSignal()


@pytest.fixture
async def store(signal: LocalSignal) -> AsyncIterator[Store]:
    opened = await open_store("sqlite://")
    yield WatchedStore(opened, signal.move)
    await opened.close()


@pytest.fixture
async def shelf(store: Store, signal: LocalSignal) -> Shelf:
    made = Shelf(signal, capacity=10_000)
    made.follow(store)
    return made


def answer(*made_from: facts.Fact, size: int = 10) -> Answer:
    return Answer(b"HTTP/1.1 200 OK\r\n", b"\r\n" + b"x" * size, "/test", made_from)


async def put(shelf: Shelf, request: bytes, *made_from: facts.Fact, size: int = 10) -> None:
    noted = Facts()
    noted.noted.update(made_from)
    shelf.put(request, answer(*made_from, size=size), noted, await shelf.catch_up())


async def set_mode(store: Store, scope: Subject, value: str) -> None:
    async with store.transaction() as transaction:
        await transaction.put_setting(scope, Setting.MODE, value)


async def test_an_answer_is_taken_as_often_as_it_is_asked_for(shelf: Shelf) -> None:
    await put(shelf, b"one")
    assert shelf.take(b"two") is None
    for _ in range(3):
        taken = shelf.take(b"one")
        assert taken is not None
        assert taken.body == b"\r\n" + b"x" * 10
    assert shelf.uses() == {"/test": 3}
    assert shelf.uses() == {}


async def test_nothing_is_taken_before_the_log_was_read(shelf: Shelf, store: Store) -> None:
    await put(shelf, b"s", facts.of_setting(S))
    await put(shelf, b"t", facts.of_setting(T))
    await set_mode(store, S, "READONLY")
    assert shelf.take(b"s") is None
    assert shelf.take(b"t") is None
    await shelf.catch_up()
    assert shelf.take(b"s") is None
    assert shelf.take(b"t") is not None


async def test_falling_behind_says_the_same_without_the_signal(shelf: Shelf) -> None:
    await put(shelf, b"one")
    shelf.fall_behind()
    assert shelf.take(b"one") is None
    await shelf.catch_up()
    assert shelf.take(b"one") is not None


async def test_what_was_made_before_a_change_is_not_put_after_it(shelf: Shelf, store: Store) -> None:
    cursor = await shelf.catch_up()
    await set_mode(store, S, "READONLY")
    shelf.put(b"not caught up", answer(), Facts(), cursor)
    await shelf.catch_up()
    shelf.put(b"caught up", answer(), Facts(), cursor)
    assert shelf.take(b"not caught up") is None
    assert shelf.take(b"caught up") is None


async def test_what_was_made_from_more_than_facts_is_not_kept(shelf: Shelf) -> None:
    noted = Facts()
    noted.complete = False
    shelf.put(b"one", answer(), noted, await shelf.catch_up())
    assert shelf.take(b"one") is None


async def test_the_oldest_make_room(shelf: Shelf) -> None:
    for number in range(40):
        await put(shelf, b"%d" % number, facts.ALL_VERSIONS, size=500)
    kept = [number for number in range(40) if shelf.take(b"%d" % number)]
    assert 3 < len(kept) < 20
    assert kept == list(range(40 - len(kept), 40))


async def test_answers_that_are_too_large_are_not_kept(signal: LocalSignal, store: Store) -> None:
    shelf = Shelf(signal)
    shelf.follow(store)
    await put(shelf, b"one", size=1024 * 1024)
    await put(shelf, b"r" * 70_000)
    assert shelf.take(b"one") is None
    assert shelf.take(b"r" * 70_000) is None


async def test_uses_outlive_their_answer(shelf: Shelf, store: Store) -> None:
    await put(shelf, b"s", facts.of_setting(S))
    assert shelf.take(b"s") is not None
    await set_mode(store, S, "READONLY")
    await shelf.catch_up()
    assert shelf.uses() == {"/test": 1}


async def test_without_a_store_nothing_is_taken(signal: LocalSignal) -> None:
    shelf = Shelf(signal)
    await put(shelf, b"one")
    assert shelf.take(b"one") is None


class FailingLog:
    """The log of a store, which fails on demand."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fails = False
        self.asked = 0
        self.answering = asyncio.Event()
        self.answering.set()

    async def revision(self) -> int:
        self.asked += 1
        await self.answering.wait()
        if self.fails:
            raise StoreUnavailableError("gone")
        return await self._store.revision()

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        return await self._store.changes(after, limit)


@pytest.fixture
async def log(shelf: Shelf, store: Store) -> FailingLog:
    made = FailingLog(store)
    shelf.follow(made)  # type: ignore[arg-type]
    return made


GET = b"GET /subjects HTTP/1.1\r\nHost: a\r\n\r\n"
LIKE_IT = b"GET /subjects HTTP/1.1\r\nHost: b\r\nIf-None-Match: *\r\n\r\n"


async def test_what_was_true_is_told_while_the_log_is_out_of_reach(shelf: Shelf, log: FailingLog) -> None:
    await put(shelf, GET, facts.of_setting(S))
    log.fails = True
    shelf.fall_behind()
    with pytest.raises(StoreUnavailableError):
        await shelf.catch_up()
    assert shelf.take(GET) is None
    assert shelf.stale(GET) is shelf.stale(LIKE_IT)
    assert shelf.stale(GET) is not None
    assert shelf.stale(b"GET /other HTTP/1.1\r\n\r\n") is None
    log.fails = False
    await shelf.catch_up()
    assert shelf.take(GET) is not None


async def test_what_changed_meanwhile_is_not_told_again(shelf: Shelf, log: FailingLog, store: Store) -> None:
    await put(shelf, GET, facts.of_setting(S))
    log.fails = True
    await set_mode(store, S, "READONLY")
    with pytest.raises(StoreUnavailableError):
        await shelf.catch_up()
    assert shelf.stale(LIKE_IT) is not None
    log.fails = False
    await shelf.catch_up()
    assert shelf.stale(GET) is None
    assert shelf.stale(LIKE_IT) is None


async def test_acknowledgements_of_writes_are_never_told_late(shelf: Shelf) -> None:
    written = Answer(b"HTTP/1.1 200 OK\r\n", b"\r\n", "/test", (), writes=True)
    shelf.put(b"POST", written, Facts(), await shelf.catch_up())
    assert shelf.take(b"POST") is written
    assert shelf.stale(b"POST") is None


async def test_that_nothing_was_modified_is_told_only_to_the_same_request(shelf: Shelf) -> None:
    unmodified = Answer(b"HTTP/1.1 304 Not Modified\r\n", b"\r\n", "/test", ())
    shelf.put(LIKE_IT, unmodified, Facts(), await shelf.catch_up())
    assert shelf.stale(LIKE_IT) is unmodified
    assert shelf.stale(GET) is None


async def test_the_age_counts_from_when_the_store_was_last_heard(shelf: Shelf, log: FailingLog) -> None:
    await put(shelf, GET)
    began = time.monotonic()
    shelf.confirm(0, began + 100)
    assert shelf.age < 0
    shelf.confirm(7, began + 200)
    shelf.fall_behind()
    shelf.confirm(0, began + 200)
    assert shelf.age > -101


async def test_all_wait_for_one_attempt(shelf: Shelf, log: FailingLog) -> None:
    log.answering.clear()
    log.fails = True
    waiting = [asyncio.create_task(shelf.catch_up()) for _ in range(10)]
    await asyncio.sleep(0)
    log.answering.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailableError}
    assert log.asked == 1


async def test_news_that_come_while_the_log_is_read_are_not_lost(shelf: Shelf, log: FailingLog) -> None:
    await put(shelf, GET)
    shelf.fall_behind()
    log.answering.clear()
    reading = asyncio.create_task(shelf.catch_up())
    for _ in range(3):
        await asyncio.sleep(0)
    shelf.fall_behind()
    log.answering.set()
    await reading
    assert log.asked == 3, "once to put, then the attempt under way, then one that began after the news"
    assert shelf.take(GET) is not None


async def test_who_gives_up_waiting_takes_nobody_along(shelf: Shelf, log: FailingLog) -> None:
    log.answering.clear()
    first, second = asyncio.create_task(shelf.catch_up()), asyncio.create_task(shelf.catch_up())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    log.answering.set()
    assert await second == 0
