"""Layer that keeps large definitions in object storage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from llm_schema_registry.store.api import Reads, Store, Transaction
from llm_schema_registry.store.blobs.api import DefinitionLostError
from llm_schema_registry.store.blobs.codec import Blob, DamagedBlobError
from llm_schema_registry.store.records import StoredSchema

if TYPE_CHECKING:
    from llm_schema_registry.store.blobs.schema_blobs import Texts


class _BlobReads:
    """Brings texts back. All that has nothing to do with texts is the inner object's."""

    def __init__(self, reads: Reads, texts: "Texts | None") -> None:
        self._reads = reads
        self._texts = texts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reads, name)

    async def schema(self, context: str, schema_id: int) -> StoredSchema | None:
        """See `Reads`.

        Raises:
            DefinitionLostError: its text is not where it should be.
            BlobsUnavailableError: object storage does not answer.
        """
        stored = await self._reads.schema(context, schema_id)
        return stored if stored is None or stored.blob is None else await self._with_text(stored, stored.blob)

    async def schemas_by_guid(self, guid: str) -> list[StoredSchema]:
        """See `Reads`; raises as `schema` does."""
        return [
            stored if stored.blob is None else await self._with_text(stored, stored.blob)
            for stored in await self._reads.schemas_by_guid(guid)
        ]

    async def _with_text(self, stored: StoredSchema, column: str) -> StoredSchema:
        if self._texts is None:
            raise DefinitionLostError(stored, "is in object storage, but LSR_BLOBS is not set")
        try:
            text = await self._texts.get(Blob.parse(column))
        except DamagedBlobError as error:
            raise DefinitionLostError(stored, f"{error} in object storage: see `lsr repair`") from error
        return msgspec.structs.replace(stored, text=text, blob=None)


class _BlobTransaction(_BlobReads):
    """Takes large texts out."""

    def __init__(self, transaction: Transaction, texts: "Texts | None") -> None:
        super().__init__(transaction, texts)
        self._transaction = transaction

    async def add_schema(self, schema: StoredSchema) -> StoredSchema:
        """See `Transaction`.

        The object is there before the row can be committed. That is looked at once more here, while the head row is
        held: `prune` holds it too, so that nothing is removed between the look and the commit.

        Raises:
            BlobsUnavailableError: it cannot be made sure of.
        """
        if self._texts is None or not self._texts.is_large(schema.text):
            return await self._transaction.add_schema(schema)
        blob = await self._texts.ensure(schema.text)
        stored = await self._transaction.add_schema(msgspec.structs.replace(schema, text="", blob=str(blob)))
        return msgspec.structs.replace(stored, text=schema.text, blob=None)


class BlobStore(_BlobReads):
    """Fulfils `Store` around another one: large texts are objects, and come back as if they were in its tables.

    Args:
        store: what is read and written.
        texts: where large texts are; without it none is taken out, and those that are cannot be read.
    """

    def __init__(self, store: Store, texts: "Texts | None") -> None:
        super().__init__(store, texts)
        self._store = store

    async def stage(self, schema: StoredSchema) -> None:
        """See `Store`: a large text is brought to object storage."""
        if self._texts is not None and self._texts.is_large(schema.text):
            await self._texts.put(schema.text)
        await self._store.stage(schema)

    @asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[_BlobTransaction]:
        """See `Store`."""
        async with self._store.transaction(actor) as transaction:
            yield _BlobTransaction(transaction, self._texts)

    async def close(self) -> None:
        """See `Store`."""
        if self._texts is not None:
            await self._texts.close()
        await self._store.close()
