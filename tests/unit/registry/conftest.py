"""A registry on an in-memory store."""

from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.registry import Registry
from llm_schema_registry.store.factory import open_store


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    store = await open_store("sqlite:///:memory:")
    yield Registry(store)
    await store.close()
