from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.store import Store
from llm_schema_registry.store.postgresql import PostgresStore
from servers import fresh_schema, rows_of
from unit.store.conformance import NOW, StoreConformance
from unit.store.conformance_places import Places

# Faster than a new store for each test.
EMPTY = (
    *(f"DELETE FROM {table}" for table in ("changes", "counters", "schemas", "versions", "settings", "associations")),  # noqa: S608
    "DELETE FROM contexts WHERE since > 0",
    "UPDATE contexts SET until = NULL",
    "UPDATE head SET revision = 0",
)


@pytest.fixture(scope="module")
def url() -> str:
    return fresh_schema()


class TestPostgresql(StoreConformance, Places):
    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[Store]:
        store = await PostgresStore.open(url, clock=lambda: NOW)
        await rows_of(url, *EMPTY)
        yield store
        await store.close()
