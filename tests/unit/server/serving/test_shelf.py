"""What stays on the shelf, and what a change takes off it."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.server.serving import Answer, LocalSignal, Shelf
from llm_schema_registry.store import Change, Setting, Store, StoreUnavailableError, facts, open_store
from llm_schema_registry.store.caching import Follower
from llm_schema_registry.store.facts import Facts
from llm_schema_registry.store.watching import WatchedStore

S, T = Subject(".", "s"), Subject(".", "t")


@pytest.fixture
async def signal() -> LocalSignal:
    return LocalSignal()


@pytest.fixture
async def store(signal: LocalSignal) -> AsyncIterator[Store]:
    opened = await open_store("sqlite://")
    yield cast(Store, WatchedStore(opened, signal.move))
    await opened.close()


@pytest.fixture
async def shelf(store: Store, signal: LocalSignal) -> Shelf:
    made = Shelf(Follower(signal), capacity=10_000)
    made.follower.follow(store)
    return made


def answer(*made_from: facts.Fact, size: int = 10) -> Answer:
    return Answer(b"HTTP/1.1 200 OK\r\n", b"\r\n" + b"x" * size, "/test", made_from)


async def put(shelf: Shelf, request: bytes, *made_from: facts.Fact, size: int = 10) -> None:
    noted = Facts()
    noted.noted.update(made_from)
    shelf.put(request, answer(*made_from, size=size), noted, await shelf.follower.catch_up())


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
    await shelf.follower.catch_up()
    assert shelf.take(b"s") is None
    assert shelf.take(b"t") is not None


async def test_falling_behind_says_the_same_without_the_signal(shelf: Shelf) -> None:
    await put(shelf, b"one")
    shelf.follower.fall_behind()
    assert shelf.take(b"one") is None
    await shelf.follower.catch_up()
    assert shelf.take(b"one") is not None


async def test_what_was_made_before_a_change_is_not_put_after_it(shelf: Shelf, store: Store) -> None:
    cursor = await shelf.follower.catch_up()
    await set_mode(store, S, "READONLY")
    shelf.put(b"not caught up", answer(), Facts(), cursor)
    await shelf.follower.catch_up()
    shelf.put(b"caught up", answer(), Facts(), cursor)
    assert shelf.take(b"not caught up") is None
    assert shelf.take(b"caught up") is None


async def test_what_was_made_from_more_than_facts_is_not_kept(shelf: Shelf) -> None:
    noted = Facts()
    noted.complete = False
    shelf.put(b"one", answer(), noted, await shelf.follower.catch_up())
    assert shelf.take(b"one") is None


async def test_the_oldest_make_room(shelf: Shelf) -> None:
    for number in range(40):
        await put(shelf, b"%d" % number, facts.ALL_VERSIONS, size=500)
    kept = [number for number in range(40) if shelf.take(b"%d" % number)]
    assert 3 < len(kept) < 20
    assert kept == list(range(40 - len(kept), 40))


async def test_answers_that_are_too_large_are_not_kept(signal: LocalSignal, store: Store) -> None:
    shelf = Shelf(Follower(signal))
    shelf.follower.follow(store)
    await put(shelf, b"one", size=1024 * 1024)
    await put(shelf, b"r" * 70_000)
    assert shelf.take(b"one") is None
    assert shelf.take(b"r" * 70_000) is None


async def test_uses_outlive_their_answer(shelf: Shelf, store: Store) -> None:
    await put(shelf, b"s", facts.of_setting(S))
    assert shelf.take(b"s") is not None
    await set_mode(store, S, "READONLY")
    await shelf.follower.catch_up()
    assert shelf.uses() == {"/test": 1}


async def test_without_a_store_nothing_is_taken(signal: LocalSignal) -> None:
    shelf = Shelf(Follower(signal))
    await put(shelf, b"one")
    assert shelf.take(b"one") is None


class FailingLog:
    """The log of a store, which fails on demand."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fails = False

    async def revision(self) -> int:
        return await self._store.revision()

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        if self.fails:
            raise StoreUnavailableError("gone")
        return await self._store.changes(after, limit)


@pytest.fixture
async def log(shelf: Shelf, store: Store) -> FailingLog:
    made = FailingLog(store)
    shelf.follower.follow(made)  # type: ignore[arg-type]
    return made


GET = b"GET /subjects HTTP/1.1\r\nHost: a\r\n\r\n"
LIKE_IT = b"GET /subjects HTTP/1.1\r\nHost: b\r\nIf-None-Match: *\r\n\r\n"


async def test_what_was_true_is_told_while_the_log_is_out_of_reach(shelf: Shelf, log: FailingLog) -> None:
    await put(shelf, GET, facts.of_setting(S))
    log.fails = True
    shelf.follower.fall_behind()
    with pytest.raises(StoreUnavailableError):
        await shelf.follower.catch_up()
    assert shelf.take(GET) is None
    assert shelf.stale(GET) is shelf.stale(LIKE_IT)
    assert shelf.stale(GET) is not None
    assert shelf.stale(b"GET /other HTTP/1.1\r\n\r\n") is None
    log.fails = False
    await shelf.follower.catch_up()
    assert shelf.take(GET) is not None


async def test_what_changed_meanwhile_is_not_told_again(shelf: Shelf, log: FailingLog, store: Store) -> None:
    await put(shelf, GET, facts.of_setting(S))
    log.fails = True
    await set_mode(store, S, "READONLY")
    with pytest.raises(StoreUnavailableError):
        await shelf.follower.catch_up()
    assert shelf.stale(LIKE_IT) is not None
    log.fails = False
    await shelf.follower.catch_up()
    assert shelf.stale(GET) is None
    assert shelf.stale(LIKE_IT) is None


async def test_acknowledgements_of_writes_are_never_told_late(shelf: Shelf) -> None:
    written = Answer(b"HTTP/1.1 200 OK\r\n", b"\r\n", "/test", (), writes=True)
    shelf.put(b"POST", written, Facts(), await shelf.follower.catch_up())
    assert shelf.take(b"POST") is written
    assert shelf.stale(b"POST") is None


async def test_that_nothing_was_modified_is_told_only_to_the_same_request(shelf: Shelf) -> None:
    unmodified = Answer(b"HTTP/1.1 304 Not Modified\r\n", b"\r\n", "/test", ())
    shelf.put(LIKE_IT, unmodified, Facts(), await shelf.follower.catch_up())
    assert shelf.stale(LIKE_IT) is unmodified
    assert shelf.stale(GET) is None
