from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.store import Store
from llm_schema_registry.store.postgresql import PostgresStore
from servers import fresh_schema
from unit.store.conformance import NOW, StoreConformance


class TestPostgresql(StoreConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = await PostgresStore.open(fresh_schema(), clock=lambda: NOW)
        yield store
        await store.close()
