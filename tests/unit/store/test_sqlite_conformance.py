import pathlib
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.store import Store
from llm_schema_registry.store.sqlite import MEMORY, SqliteStore
from unit.store.conformance import NOW, StoreConformance
from unit.store.conformance_places import Places


class TestFile(StoreConformance, Places):
    @pytest.fixture
    async def store(self, tmp_path: pathlib.Path) -> AsyncIterator[Store]:
        store = await SqliteStore.open(tmp_path / "registry.db", clock=lambda: NOW)
        yield store
        await store.close()


class TestMemory(StoreConformance, Places):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = await SqliteStore.open(MEMORY, clock=lambda: NOW)
        yield store
        await store.close()
