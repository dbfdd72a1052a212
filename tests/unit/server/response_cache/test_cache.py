"""What stays on the shelf, and what a change takes off it."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.server.response_cache import CachedResponse, LocalCommitSignal, ResponseCache
from llm_schema_registry.store import Change, Setting, Store, StoreUnavailableError, dependencies, open_store
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.dependencies import Dependencies
from llm_schema_registry.store.layers.dependency_tracking import DependencyTrackingStore

S, T = Subject(".", "s"), Subject(".", "t")


@pytest.fixture
async def signal() -> LocalCommitSignal:
    return LocalCommitSignal()


@pytest.fixture
async def store(signal: LocalCommitSignal) -> AsyncIterator[Store]:
    opened = await open_store("sqlite://")
    yield cast(Store, DependencyTrackingStore(opened, signal.notify))
    await opened.close()


@pytest.fixture
async def response_cache(store: Store, signal: LocalCommitSignal) -> ResponseCache:
    made = ResponseCache(ChangeLogFollower(signal), capacity=10_000)
    made.follower.follow(store)
    return made


def answer(*made_from: dependencies.Fact, size: int = 10) -> CachedResponse:
    return CachedResponse(b"HTTP/1.1 200 OK\r\n", b"\r\n" + b"x" * size, "/test", made_from)


async def put(response_cache: ResponseCache, request: bytes, *made_from: dependencies.Fact, size: int = 10) -> None:
    noted = Dependencies()
    noted.noted.update(made_from)
    response_cache.put(request, answer(*made_from, size=size), noted, await response_cache.follower.catch_up())


async def set_mode(store: Store, scope: Subject, value: str) -> None:
    async with store.transaction() as transaction:
        await transaction.put_setting(scope, Setting.MODE, value)


async def test_an_answer_is_taken_as_often_as_it_is_asked_for(response_cache: ResponseCache) -> None:
    await put(response_cache, b"one")
    assert response_cache.get(b"two") is None
    for _ in range(3):
        taken = response_cache.get(b"one")
        assert taken is not None
        assert taken.body == b"\r\n" + b"x" * 10
    assert response_cache.uses() == {"/test": 3}
    assert response_cache.uses() == {}


async def test_nothing_is_taken_before_the_log_was_read(response_cache: ResponseCache, store: Store) -> None:
    await put(response_cache, b"s", dependencies.of_setting(S))
    await put(response_cache, b"t", dependencies.of_setting(T))
    await set_mode(store, S, "READONLY")
    assert response_cache.get(b"s") is None
    assert response_cache.get(b"t") is None
    await response_cache.follower.catch_up()
    assert response_cache.get(b"s") is None
    assert response_cache.get(b"t") is not None


async def test_falling_behind_says_the_same_without_the_signal(response_cache: ResponseCache) -> None:
    await put(response_cache, b"one")
    response_cache.follower.mark_stale()
    assert response_cache.get(b"one") is None
    await response_cache.follower.catch_up()
    assert response_cache.get(b"one") is not None


async def test_what_was_made_before_a_change_is_not_put_after_it(response_cache: ResponseCache, store: Store) -> None:
    cursor = await response_cache.follower.catch_up()
    await set_mode(store, S, "READONLY")
    response_cache.put(b"not caught up", answer(), Dependencies(), cursor)
    await response_cache.follower.catch_up()
    response_cache.put(b"caught up", answer(), Dependencies(), cursor)
    assert response_cache.get(b"not caught up") is None
    assert response_cache.get(b"caught up") is None


async def test_what_was_made_from_more_than_facts_is_not_kept(response_cache: ResponseCache) -> None:
    noted = Dependencies()
    noted.complete = False
    response_cache.put(b"one", answer(), noted, await response_cache.follower.catch_up())
    assert response_cache.get(b"one") is None


async def test_the_oldest_make_room(response_cache: ResponseCache) -> None:
    for number in range(40):
        await put(response_cache, b"%d" % number, dependencies.ALL_VERSIONS, size=500)
    kept = [number for number in range(40) if response_cache.get(b"%d" % number)]
    assert 3 < len(kept) < 20
    assert kept == list(range(40 - len(kept), 40))


async def test_answers_that_are_too_large_are_not_kept(signal: LocalCommitSignal, store: Store) -> None:
    response_cache = ResponseCache(ChangeLogFollower(signal))
    response_cache.follower.follow(store)
    await put(response_cache, b"one", size=1024 * 1024)
    await put(response_cache, b"r" * 70_000)
    assert response_cache.get(b"one") is None
    assert response_cache.get(b"r" * 70_000) is None


async def test_uses_outlive_their_answer(response_cache: ResponseCache, store: Store) -> None:
    await put(response_cache, b"s", dependencies.of_setting(S))
    assert response_cache.get(b"s") is not None
    await set_mode(store, S, "READONLY")
    await response_cache.follower.catch_up()
    assert response_cache.uses() == {"/test": 1}


async def test_without_a_store_nothing_is_taken(signal: LocalCommitSignal) -> None:
    response_cache = ResponseCache(ChangeLogFollower(signal))
    await put(response_cache, b"one")
    assert response_cache.get(b"one") is None


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
async def log(response_cache: ResponseCache, store: Store) -> FailingLog:
    made = FailingLog(store)
    response_cache.follower.follow(made)  # type: ignore[arg-type]
    return made


GET = b"GET /subjects HTTP/1.1\r\nHost: a\r\n\r\n"
LIKE_IT = b"GET /subjects HTTP/1.1\r\nHost: b\r\nIf-None-Match: *\r\n\r\n"


async def test_what_was_true_is_told_while_the_log_is_out_of_reach(
    response_cache: ResponseCache, log: FailingLog
) -> None:
    await put(response_cache, GET, dependencies.of_setting(S))
    log.fails = True
    response_cache.follower.mark_stale()
    with pytest.raises(StoreUnavailableError):
        await response_cache.follower.catch_up()
    assert response_cache.get(GET) is None
    assert response_cache.stale(GET) is response_cache.stale(LIKE_IT)
    assert response_cache.stale(GET) is not None
    assert response_cache.stale(b"GET /other HTTP/1.1\r\n\r\n") is None
    log.fails = False
    await response_cache.follower.catch_up()
    assert response_cache.get(GET) is not None


async def test_what_changed_meanwhile_is_not_told_again(
    response_cache: ResponseCache, log: FailingLog, store: Store
) -> None:
    await put(response_cache, GET, dependencies.of_setting(S))
    log.fails = True
    await set_mode(store, S, "READONLY")
    with pytest.raises(StoreUnavailableError):
        await response_cache.follower.catch_up()
    assert response_cache.stale(LIKE_IT) is not None
    log.fails = False
    await response_cache.follower.catch_up()
    assert response_cache.stale(GET) is None
    assert response_cache.stale(LIKE_IT) is None


async def test_acknowledgements_of_writes_are_never_told_late(response_cache: ResponseCache) -> None:
    written = CachedResponse(b"HTTP/1.1 200 OK\r\n", b"\r\n", "/test", (), writes=True)
    response_cache.put(b"POST", written, Dependencies(), await response_cache.follower.catch_up())
    assert response_cache.get(b"POST") is written
    assert response_cache.stale(b"POST") is None


async def test_that_nothing_was_modified_is_told_only_to_the_same_request(response_cache: ResponseCache) -> None:
    unmodified = CachedResponse(b"HTTP/1.1 304 Not Modified\r\n", b"\r\n", "/test", ())
    response_cache.put(LIKE_IT, unmodified, Dependencies(), await response_cache.follower.catch_up())
    assert response_cache.stale(LIKE_IT) is unmodified
    assert response_cache.stale(GET) is None
