"""The layers of a node, with a shared cache among them, do what every store must do."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from llm_schema_registry.server.serving import LocalSignal
from llm_schema_registry.store import Store
from llm_schema_registry.store.caching import CachedStore, Follower
from llm_schema_registry.store.caching.shared import SharedStore
from llm_schema_registry.store.sqlite import MEMORY, SqliteStore
from llm_schema_registry.store.watching import WatchedStore
from servers import valkey
from unit.store.caching.shared.faults import Counts, connected, until
from unit.store.conformance import NOW, StoreConformance


class TestLayers(StoreConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        follower, counts = Follower(LocalSignal()), Counts()
        tables = await SqliteStore.open(MEMORY, clock=lambda: NOW)
        async with connected(valkey().url, counts) as server:
            await until(lambda: server.answers)
            shared = SharedStore(tables, await tables.identity(), follower, server, counts.count)
            follower.follow(tables)
            cached = CachedStore(cast(Store, shared), follower)
            yield cast(Store, WatchedStore(cast(Store, cached), follower.signal.move))
            await cached.close()
