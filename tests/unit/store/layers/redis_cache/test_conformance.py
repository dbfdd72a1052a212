"""The layers of a node, with a shared cache among them, do what every store must do."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from llm_schema_registry.server.response_cache import LocalCommitSignal
from llm_schema_registry.store import Store
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.layers.dependency_tracking import DependencyTrackingStore
from llm_schema_registry.store.layers.local_cache import LocalCacheStore
from llm_schema_registry.store.layers.redis_cache import RedisCacheStore
from llm_schema_registry.store.sqlite import MEMORY, SqliteStore
from servers import valkey
from unit.store.conformance import NOW, StoreConformance
from unit.store.layers.redis_cache.faults import Counts, connected, until


class TestLayers(StoreConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        follower, counts = ChangeLogFollower(LocalCommitSignal()), Counts()
        tables = await SqliteStore.open(MEMORY, clock=lambda: NOW)
        async with connected(valkey().url, counts) as server:
            await until(lambda: server.answers)
            shared = RedisCacheStore(tables, await tables.identity(), follower, server, counts.count)
            follower.follow(tables)
            cached = LocalCacheStore(cast(Store, shared), follower)
            yield cast(Store, DependencyTrackingStore(cast(Store, cached), follower.signal.notify))
            await cached.close()
