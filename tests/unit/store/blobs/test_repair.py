import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from llm_schema_registry.store import StoredSchema
from llm_schema_registry.store.blobs.codec import Blob, packed
from llm_schema_registry.store.blobs.repair import PRUNE_AGE, Fault, Repair
from llm_schema_registry.store.sqlite import MEMORY, SqliteStore
from unit.store.blobs.building import LARGE, SMALL, THRESHOLD, Place
from unit.store.building import content

OLD = PRUNE_AGE + timedelta(seconds=1)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place(await SqliteStore.open(MEMORY))
    yield place
    await place.store.close()


def repair_of(place: Place, threshold: int = THRESHOLD) -> Repair:
    return Repair(place.tables, place.objects, threshold)


async def faults_of(place: Place) -> list[Fault]:
    repair = repair_of(place)
    found = [await repair.check(schemas) async for schemas in repair.objects()]
    return [fault for fault in found if fault is not None]


async def test_each_object_is_looked_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_schema_registry.store.blobs.repair._PAGE", 2)
    for number in range(3):
        for context in (".a", ".b", ".c"):
            await place.add(f"{LARGE}{number}", context)
    await place.add(SMALL)
    groups = [schemas async for schemas in repair_of(place).objects()]
    assert [len(schemas) for schemas in groups] == [3, 3, 3]
    assert len({schema.blob for schemas in groups for schema in schemas}) == 3
    assert await faults_of(place) == []


async def test_faults_name_all_that_they_concern(place: Place) -> None:
    for context in (".a", ".b"):
        await place.add(LARGE, context)
    await place.add(LARGE + "2")
    place.objects.held[Blob.of(LARGE).name] = packed(SMALL)
    del place.objects.held[Blob.of(LARGE + "2").name]
    faults = {tuple(schema.context for schema in fault.schemas): fault.why for fault in await faults_of(place)}
    assert faults == {(".a", ".b"): "holds another text", (".",): "is missing"}


async def test_what_is_lost_comes_back_from_a_schema_with_the_same_guid(place: Place) -> None:
    large = await place.add(LARGE)
    place.objects.held.clear()
    async with place.tables.transaction() as transaction:
        await transaction.add_schema(content(LARGE, ".b"))
    (fault,) = await faults_of(place)
    assert await repair_of(place).fix(fault, None)
    assert await place.opened_anew().schema(".", 1) == large


async def test_what_is_lost_comes_back_from_elsewhere_and_nothing_else_does(place: Place) -> None:
    large = await place.add(LARGE)
    place.objects.held.clear()
    (fault,) = await faults_of(place)

    async def wrong(schema: StoredSchema) -> AsyncIterator[str]:
        assert schema.guid == large.guid
        yield LARGE + " "

    async def right_at_last(schema: StoredSchema) -> AsyncIterator[str]:
        yield SMALL
        yield LARGE

    assert not await repair_of(place).fix(fault, None)
    assert not await repair_of(place).fix(fault, wrong)
    assert place.objects.held == {}
    assert await repair_of(place).fix(fault, right_at_last)
    assert await faults_of(place) == []


async def test_a_row_that_names_no_object_is_a_fault_that_stays(place: Place) -> None:
    async with place.tables.transaction() as transaction:
        stored = await transaction.add_schema(content(LARGE))
        await transaction.place_text(StoredSchema(**{**_fields(stored), "text": "", "blob": "nonsense"}))
    (fault,) = await faults_of(place)
    assert fault.why == "has no name that can be read"
    assert not await repair_of(place).fix(fault, None)


def _fields(schema: StoredSchema) -> dict[str, object]:
    return {name: getattr(schema, name) for name in schema.__struct_fields__}


async def test_definitions_move_as_the_threshold_moves(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_schema_registry.store.blobs.repair._PAGE", 1)
    added = [await place.add(text, context) for text in (SMALL, LARGE, "é" * 3) for context in (".a", ".b")]

    async def where() -> list[bool]:
        found = [await place.tables.schema(each.context, each.schema_id) for each in added]
        return [each is not None and each.blob is not None for each in found]

    assert await where() == [False, False, True, True, False, False]
    for threshold, expected in ((5, [True] * 6), (6, [True] * 4 + [False] * 2), (1000, [False] * 6)):
        moved = [each async for each in repair_of(place, threshold).move_out()]
        moved += [each async for each in repair_of(place, threshold).move_in()]
        assert await where() == expected
        assert [each async for each in repair_of(place, threshold).move_out()] == []
        assert [each async for each in repair_of(place, threshold).move_in()] == []
        assert moved
        store = place.opened_anew()
        assert [await store.schema(each.context, each.schema_id) for each in added] == added
    assert await place.store.max_schema_id(".a") == 3


async def test_what_is_lost_does_not_move(place: Place) -> None:
    await place.add(LARGE)
    place.objects.held.clear()
    assert [each async for each in repair_of(place, 1000).move_in()] == []
    assert len(await faults_of(place)) == 1


async def test_what_was_removed_meanwhile_does_not_move(place: Place) -> None:
    stored = await place.add(SMALL)

    async def remove(what: str) -> None:
        if what == "put":
            async with place.tables.transaction() as transaction:
                await transaction.remove_schema(".", 1)

    place.objects.before = remove
    assert [each async for each in repair_of(place, 1).move_out()] == []
    assert await place.tables.schema(".", stored.schema_id) is None


async def test_what_became_something_else_meanwhile_does_not_move(place: Place) -> None:
    await place.add(SMALL)
    other = content(SMALL + "2", schema_id=1)

    async def replace(what: str) -> None:
        if what == "put":
            async with place.tables.transaction() as transaction:
                await transaction.remove_schema(".", 1)
                await transaction.add_schema(other)

    place.objects.before = replace
    assert [each async for each in repair_of(place, 1).move_out()] == []
    found = await place.tables.schema(".", 1)
    assert found is not None
    assert found.text == other.text


async def test_only_old_objects_that_nothing_refers_to_are_removed(place: Place) -> None:
    await place.add(LARGE)
    orphan = Blob.of("orphan").name
    place.objects.held |= {orphan: b"", "readme.txt": b"", f"{'A' * 64}.gz": b""}
    repair = repair_of(place)
    assert [name async for name in repair.orphans()] == []
    assert not await repair.prune(orphan)
    place.objects.age = OLD
    assert [name async for name in repair.orphans()] == [orphan]
    assert not await repair.prune(Blob.of(LARGE).name)
    assert await repair.prune(orphan)
    assert not await repair.prune(orphan)
    assert sorted(place.objects.held) == sorted([Blob.of(LARGE).name, "readme.txt", f"{'A' * 64}.gz"])
    assert await place.store.revision() == 1


async def test_nothing_is_removed_under_a_write_that_refers_to_it(place: Place) -> None:
    """Whatever the order of their steps: the committed definition can be read."""
    for pauses in range(8):
        text = f"{LARGE}{pauses}"
        place.objects.held[Blob.of(text).name] = packed(text)
        place.objects.age = OLD
        store = place.opened_anew()
        left = pauses

        async def pause(what: str) -> None:
            nonlocal left
            left -= 1
            await asyncio.sleep(0.002 if left > 0 and what == "look" else 0)

        async def register(store=store, text=text) -> None:
            await store.stage(content(text))
            async with store.transaction() as transaction:
                await transaction.add_schema(content(text))

        place.objects.before = pause
        await asyncio.gather(register(), repair_of(place).prune(Blob.of(text).name))
        assert [each.text for each in await place.opened_anew().schemas_by_guid(content(text).guid)] == [text]
