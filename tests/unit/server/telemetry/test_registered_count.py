"""The number of registered schemas follows the change log, and the store counts only once."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry import Registry
from llm_schema_registry.registry.deletion import delete_subject, delete_version
from llm_schema_registry.registry.modes import put_mode
from llm_schema_registry.server.telemetry.registered_count import RegisteredCount
from llm_schema_registry.store import Store, open_store
from unit.registry.building import S1, S2, S, put


class _Counted:
    """A store that counts how often it has to count, and may have lost its latest revisions."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.counts = 0
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def revision(self) -> int:
        return await self.store.revision() - self.lost

    async def count_versions(self) -> tuple[int, int]:
        self.counts += 1
        return await self.store.count_versions()


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    store = await open_store("sqlite://")
    yield Registry(store)
    await store.close()


async def test_it_is_what_the_store_would_count(registry: Registry) -> None:
    counted = _Counted(registry.store)
    store = cast(Store, counted)
    await put(registry)
    number = RegisteredCount()
    assert await number.read(store) == 1
    other = Subject(".c", "t")

    async def expect(count: int) -> None:
        assert await number.read(store) == count == (await registry.store.count_versions())[1]

    await put(registry, S2)
    await put(registry, S2)
    await put(registry, S1, other)
    await expect(3)
    await delete_version(registry, S, 1)
    await expect(2)
    await put(registry, S1)
    await expect(3)
    await delete_subject(registry, S)
    await delete_subject(registry, S, permanent=True)
    await expect(1)
    await put_mode(registry, S, "IMPORT")
    await put(registry, S1, id=7, version=3)
    await delete_version(registry, S, 3)
    await put(registry, S1, id=7, version=3)
    await expect(2)
    assert counted.counts == 1


async def test_it_counts_again_after_a_failover(registry: Registry) -> None:
    counted = _Counted(registry.store)
    store = cast(Store, counted)
    await put(registry)
    number = RegisteredCount()
    await number.read(store)
    counted.lost = 1
    assert await number.read(store) == 1
    assert counted.counts == 2
