"""Following a store: what it tells the shelf, and how soon a failure is known."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.server.process import log_tailer
from llm_schema_registry.server.process.log_tailer import follow
from llm_schema_registry.server.response_cache import CachedResponse, LocalCommitSignal, ResponseCache
from llm_schema_registry.server.telemetry.metrics import Metrics
from llm_schema_registry.store import Setting, Store, open_store
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.dependencies import Dependencies
from llm_schema_registry.store.layers import circuit_breaker
from llm_schema_registry.store.layers.circuit_breaker import CircuitBreakerStore

S = Subject(".", "s")


class Place:
    """A store, what guards it, and a shelf that is told of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.follower = ChangeLogFollower(LocalCommitSignal())
        self.response_cache = ResponseCache(self.follower)
        self.guarded = CircuitBreakerStore(store, lost=self.follower.mark_stale)
        self.follower.follow(self.guarded)  # type: ignore[arg-type]


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(log_tailer, "_LONGEST_WAIT", 0.02)
    monkeypatch.setattr(log_tailer, "_PAUSE_AFTER_FAILURE", 0.01)
    monkeypatch.setattr(circuit_breaker, "_LOG_SECONDS", 0.05)
    made = Place(await open_store("sqlite://"))
    task = asyncio.create_task(follow(made.guarded, made.follower, Metrics()))
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await made.guarded.close()


async def test_the_shelf_catches_up_by_itself(place: Place) -> None:
    async with place.store.transaction() as transaction:
        await transaction.put_setting(S, Setting.MODE, '"READONLY"')
    for _ in range(200):
        if await place.follower.catch_up() == 1:
            break
        await asyncio.sleep(0.01)
    place.response_cache.put(b"x", answer := _answer(), Dependencies(), await place.follower.catch_up())
    assert place.response_cache.get(b"x") is answer


async def test_what_is_confirmed_does_not_age(place: Place) -> None:
    await asyncio.sleep(0.2)
    assert place.follower.age < 0.15


async def test_a_silent_store_is_noticed_without_a_request(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.response_cache.put(b"x", _answer(), Dependencies(), await place.follower.catch_up())
    assert place.response_cache.get(b"x") is not None

    async def say_nothing(*_: object) -> int:
        await asyncio.sleep(60)
        return 0

    monkeypatch.setattr(place.store, "wait_for_change", say_nothing, raising=False)
    for _ in range(100):
        if place.response_cache.get(b"x") is None:
            break
        await asyncio.sleep(0.01)
    assert place.response_cache.get(b"x") is None
    assert place.response_cache.stale(b"x") is not None


def _answer() -> CachedResponse:
    return CachedResponse(b"HTTP/1.1 200 OK\r\n", b"\r\n", "/test", ())
