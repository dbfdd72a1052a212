"""Maintenance of object storage: lost, misplaced and unreferenced objects.

Everything goes through the tables in pages, and through the objects one by one, so that it takes little memory.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from llm_schema_registry.store.api import Store, Transaction
from llm_schema_registry.store.blobs.api import Blobs
from llm_schema_registry.store.blobs.codec import Blob, DamagedBlobError, digest_of_name, exceeds, fetch, packed
from llm_schema_registry.store.records import StoredSchema

_PAGE = 500
_ACTOR = "lsr repair"
PRUNE_AGE = timedelta(days=1)
"""How old an object must be to be removed: younger ones may belong to a write that is not committed yet."""

Source = Callable[[StoredSchema], AsyncIterator[str]]
"""Finds what may be the text of a schema somewhere else; whoever asks looks whether it is."""


class Fault(NamedTuple):
    """An object that is not what it should be, and what it is needed for.

    Attributes:
        schemas: as in the tables, without their text.
        why: what may follow 'the object'.
    """

    schemas: tuple[StoredSchema, ...]
    why: str


class Repair:
    """The upkeep of the objects of one store.

    Args:
        tables: the store as it is in its tables; see `open_tables`.
        blobs: its objects, and those of no other store: its folder.
        threshold: texts of more bytes belong into objects.
    """

    def __init__(self, tables: Store, blobs: Blobs, threshold: int) -> None:
        self._tables = tables
        self._blobs = blobs
        self._threshold = threshold

    async def objects(self) -> AsyncIterator[tuple[StoredSchema, ...]]:
        """The schemas that share an object, for every object that is referred to."""
        sharing: list[StoredSchema] = []
        after = ("", "", 0)
        while page := await self._tables.schemas_in_blobs(after, _PAGE):
            for schema in page:
                if sharing and sharing[0].blob != schema.blob:
                    yield tuple(sharing)
                    sharing = []
                sharing.append(schema)
            after = (page[-1].blob or "", page[-1].context, page[-1].schema_id)
        if sharing:
            yield tuple(sharing)

    async def check(self, schemas: tuple[StoredSchema, ...]) -> Fault | None:
        """What is wrong with the object that schemas share."""
        try:
            await self._text_of(schemas[0])
        except DamagedBlobError as error:
            return Fault(schemas, str(error))
        return None

    async def fix(self, fault: Fault, source: Source | None) -> bool:
        """Restores an object if its text can be obtained: from another schema in the tables, or from a source.

        Returns:
            whether the object is there again.
        """
        try:
            blob = Blob.parse(fault.schemas[0].blob or "")
        except DamagedBlobError:
            return False
        async for text in self._candidates(fault, source):
            if Blob.of(text) == blob:
                await self._blobs.put(blob.name, await asyncio.to_thread(packed, text))
                return True
        return False

    async def move_out(self) -> AsyncIterator[StoredSchema]:
        """Moves texts that have become too large for the tables to objects; answers each schema that has moved."""
        after = ("", 0)
        # A character has four bytes at most.
        while page := await self._tables.large_schemas(self._threshold // 4, after, _PAGE):
            for context, schema_id in page:
                stored = await self._tables.schema(context, schema_id)
                if stored is not None and exceeds(stored.text, self._threshold) and await self._moved_out(stored):
                    yield stored
            after = page[-1]

    async def move_in(self) -> AsyncIterator[StoredSchema]:
        """Moves texts that are no longer too large for the tables there; answers each schema that has moved.

        One whose object is not what it should be stays where it is.
        """
        async for schemas in self.objects():
            try:
                if Blob.parse(schemas[0].blob or "").size > self._threshold:
                    continue
                text = await self._text_of(schemas[0])
            except DamagedBlobError:
                continue
            for schema in schemas:
                if await self._placed(schema, msgspec.structs.replace(schema, text=text, blob=None)):
                    yield schema

    async def orphans(self) -> AsyncIterator[str]:
        """The names of old objects that nothing refers to; what is no object of a registry does not count."""
        youngest = datetime.now(UTC) - PRUNE_AGE
        async for item in self._blobs.items():
            digest = digest_of_name(item.name)
            if digest is not None and item.modified < youngest and not await _is_referred_to(self._tables, digest):
                yield item.name

    async def prune(self, name: str) -> bool:
        """Removes an old object that nothing refers to, and tells whether that is done.

        Whoever commits a reference to an object has looked for it while holding the head row, which is held here
        too: either the reference is seen here, or the writer sees that the object is gone.
        """
        async with self._tables.transaction(_ACTOR) as transaction:
            if await _is_referred_to(transaction, digest_of_name(name) or ""):
                return False
            found = await self._blobs.look(name)
            if found is None or found.modified >= datetime.now(UTC) - PRUNE_AGE:
                return False
            await self._blobs.delete(name)
        return True

    async def _text_of(self, schema: StoredSchema) -> str:
        return await fetch(self._blobs.get, Blob.parse(schema.blob or ""))

    async def _candidates(self, fault: Fault, source: Source | None) -> AsyncIterator[str]:
        # What has the same GUID has the same text.
        for guid in {schema.guid for schema in fault.schemas}:
            for stored in await self._tables.schemas_by_guid(guid):
                if stored.blob is None:
                    yield stored.text
        if source is not None:
            for schema in fault.schemas:
                async for text in source(schema):
                    yield text

    async def _moved_out(self, stored: StoredSchema) -> bool:
        blob = Blob.of(stored.text)
        data = await asyncio.to_thread(packed, stored.text)
        await self._blobs.put(blob.name, data)

        async def still_there() -> None:
            if await self._blobs.look(blob.name) is None:
                await self._blobs.put(blob.name, data)

        return await self._placed(stored, msgspec.structs.replace(stored, text="", blob=str(blob)), still_there)

    async def _placed(
        self, before: StoredSchema, after: StoredSchema, prepare: Callable[[], Awaitable[None]] | None = None
    ) -> bool:
        """Changes where a text is, unless the schema is no longer what it was."""
        async with self._tables.transaction(_ACTOR) as transaction:
            if await transaction.schema(before.context, before.schema_id) != before:
                return False
            if prepare is not None:
                await prepare()
            await transaction.place_text(after)
        return True


async def _is_referred_to(reads: Store | Transaction, digest: str) -> bool:
    """Whether a schema refers to the object with a digest, which is what its column begins with."""
    found = await reads.schemas_in_blobs((digest, "", 0), 1)
    return bool(found) and (found[0].blob or "").startswith(digest)
