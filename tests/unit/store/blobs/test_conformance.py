from collections.abc import AsyncIterator
from typing import cast

import pytest

from llm_schema_registry.store import Store
from llm_schema_registry.store.blobs import open_blobs
from llm_schema_registry.store.blobs.schema_blobs import Texts
from llm_schema_registry.store.layers.blobs import BlobStore
from llm_schema_registry.store.sqlite import MEMORY, SqliteStore
from servers import s3
from unit.store.conformance import NOW, StoreConformance


@pytest.fixture(scope="module")
def url() -> str:
    return s3().fresh_bucket()


class TestEverythingInObjects(StoreConformance):
    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[Store]:
        inner = await SqliteStore.open(MEMORY, clock=lambda: NOW)
        store = cast(Store, BlobStore(inner, Texts(open_blobs(url), 0)))
        yield store
        await store.close()
