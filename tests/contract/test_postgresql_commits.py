"""Commits whose answer is lost: what the store says of them is true."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.store import OutcomeUnknownError, StoreUnavailableError
from llm_schema_registry.store.postgresql import PostgresStore
from servers import Proxy, fresh_schema, postgres
from unit.store.building import registered, subject

# Not the one in READ COMMITTED.
COMMIT = b"; COMMIT"


@pytest.fixture
def url() -> str:
    return fresh_schema()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with Proxy(postgres().port) as proxy:
        yield proxy


@pytest.fixture
async def direct(url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(url)
    yield store
    await store.close()


@pytest.fixture
async def store(url: str, direct: PostgresStore, proxy: Proxy) -> AsyncIterator[PostgresStore]:
    """A store whose connections can be cut."""
    store = await PostgresStore.open(url.replace(str(postgres().port), str(proxy.port)), timeout_seconds=1.0)
    await registered(store, "before")
    yield store
    await store.close()


async def test_a_commit_that_never_arrived_is_reported_as_not_stored(
    store: PostgresStore, direct: PostgresStore, proxy: Proxy
) -> None:
    proxy.cut_before = COMMIT
    with pytest.raises(StoreUnavailableError, match="nothing of it is stored") as caught:
        await registered(store, "lost")
    assert type(caught.value) is StoreUnavailableError
    proxy.cut_before = None
    assert await direct.subjects() == [subject("before")]
    assert await direct.revision() == 1
    await registered(store, "after")
    assert await store.revision() == 2


async def test_a_commit_whose_answer_was_lost_is_acknowledged(
    store: PostgresStore, direct: PostgresStore, proxy: Proxy
) -> None:
    proxy.cut_after = COMMIT
    await registered(store, "s")
    assert await direct.subjects() == [subject("before"), subject("s")]
    proxy.cut_after = None
    await registered(store, "t")
    assert await store.revision() == 3


async def test_the_write_of_another_is_not_taken_for_the_lost_one(
    store: PostgresStore, direct: PostgresStore, proxy: Proxy
) -> None:
    proxy.cut_before = COMMIT
    another = asyncio.create_task(registered(direct, "same"))
    results = await asyncio.gather(registered(store, "same"), another, return_exceptions=True)
    assert [isinstance(result, Exception) for result in results] == [True, False]
    assert await direct.revision() == 2


@pytest.mark.parametrize("way", ["cut_before", "cut_after"])
async def test_an_outcome_that_cannot_be_found_out_is_called_unknown(
    store: PostgresStore, direct: PostgresStore, proxy: Proxy, way: str
) -> None:
    async with direct.transaction():
        writing = asyncio.create_task(registered(store, "s"))
        await asyncio.sleep(0.05)
        setattr(proxy, way, COMMIT)
        proxy.refusing = True
    with pytest.raises(OutcomeUnknownError, match="is not known"):
        await writing
    proxy.refusing = False
    setattr(proxy, way, None)
    stored = subject("s") in await direct.subjects()
    assert stored is (way == "cut_after")
    await registered(store, "t")
    assert await direct.revision() == 2 + stored
