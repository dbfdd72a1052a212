"""What a store must do that has tables of its own: tell and change where the texts in them are."""

import msgspec

from llm_schema_registry.store import ChangeKind, Store
from unit.store.building import content


class Places:
    """Texts in the tables, and texts that are objects elsewhere."""

    async def test_a_text_can_be_an_object_elsewhere(self, store: Store) -> None:
        outside = msgspec.structs.replace(content('"outside"', ".b"), text="", blob="2b")
        shared = msgspec.structs.replace(outside, context=".a")
        async with store.transaction() as transaction:
            stored = [await transaction.add_schema(each) for each in (outside, shared)]
        assert await store.schemas_by_guid(outside.guid) == [stored[1], stored[0]]
        assert await store.schema(".a", 1) == stored[1]
        assert await store.schemas_in_blobs() == [stored[1], stored[0]]
        assert await store.schemas_in_blobs(limit=1) == [stored[1]]
        assert await store.schemas_in_blobs(("2b", ".a", 1)) == [stored[0]]
        assert await store.schemas_in_blobs(("2b", ".b", 1)) == []

    async def test_texts_are_found_by_their_length(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for text, context in (('"é"', ".b"), ('"long"', ".b"), ('"long"', ".a")):
                await transaction.add_schema(content(text, context))
        assert await store.large_schemas(3) == [(".a", 1), (".b", 2)]
        assert await store.large_schemas(2, (".a", 1)) == [(".b", 1), (".b", 2)]
        assert await store.large_schemas(2, (".a", 1), limit=1) == [(".b", 1)]
        assert await store.large_schemas(6) == []

    async def test_a_text_goes_elsewhere_and_comes_back(self, store: Store) -> None:
        async with store.transaction() as transaction:
            inside = await transaction.add_schema(content())
        outside = msgspec.structs.replace(inside, text="", blob="2b")
        for placed in (outside, inside):
            async with store.transaction() as transaction:
                await transaction.place_text(placed)
            assert await store.schema(".", 1) == placed
        assert [(change.kind, change.schema_id, change.detail) for change in await store.changes(1)] == [
            (ChangeKind.SCHEMA_ADDED, 1, f'"{inside.guid}"')
        ] * 2
