import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llm_schema_registry.store import Store, StoredSchema, StoreUnavailableError
from llm_schema_registry.store.blobs import BlobsUnavailableError, DefinitionLostError
from llm_schema_registry.store.blobs.codec import Blob, packed
from llm_schema_registry.store.sqlite import MEMORY, SqliteStore
from unit.store.blobs.building import LARGE, SMALL, Place
from unit.store.building import content


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place(await SqliteStore.open(MEMORY))
    yield place
    await place.store.close()


async def test_what_is_large_is_an_object_and_comes_back(place: Place) -> None:
    small, large = await place.add(SMALL), await place.add(LARGE)
    assert (small.text, small.blob, large.text, large.blob) == (SMALL, None, LARGE, None)
    digest = hashlib.sha256(LARGE.encode()).hexdigest()
    assert list(place.objects.held) == [f"{digest}.gz"]
    inner = [await place.tables.schema(".", schema_id) for schema_id in (1, 2)]
    assert [each and (each.text, each.blob) for each in inner] == [(SMALL, None), ("", f"{digest}:102")]
    for store in (place.store, place.opened_anew()):
        assert await store.schema(".", 2) == large
        assert await store.schemas_by_guid(large.guid) == [large]
        async with store.transaction() as transaction:
            assert await transaction.schema(".", 2) == large
            assert await transaction.schemas_by_guid(large.guid) == [large]


async def test_equal_texts_share_an_object_that_outlives_the_schema(place: Place) -> None:
    await place.add(LARGE, ".a")
    await place.add(LARGE, ".b")
    assert len(place.objects.held) == 1
    async with place.store.transaction() as transaction:
        await transaction.remove_schema(".a", 1)
    assert [each.context for each in await place.opened_anew().schemas_by_guid(content(LARGE).guid)] == [".b"]


async def test_what_was_staged_is_only_looked_at_in_the_transaction(place: Place) -> None:
    await place.store.stage(content(SMALL))
    assert place.objects.asked == []
    await place.store.stage(content(LARGE))
    await place.store.stage(content(LARGE))
    assert place.objects.asked == ["put"]
    await place.add(LARGE)
    async with place.store.transaction() as transaction:
        assert await transaction.schemas_by_guid(content(LARGE).guid)
    assert place.objects.asked == ["put", "look"]


async def test_what_was_staged_and_is_gone_is_brought_again(place: Place) -> None:
    await place.store.stage(content(LARGE))
    place.objects.held.clear()
    await place.add(LARGE)
    assert len(place.objects.held) == 1


@pytest.mark.parametrize("failing", [{"put"}, {"look"}, {"put", "look"}])
async def test_nothing_is_stored_without_its_object(place: Place, failing: set[str]) -> None:
    place.objects.failing = frozenset(failing)
    with pytest.raises(StoreUnavailableError):
        await place.add(LARGE)
    assert await place.store.revision() == 0
    assert await place.store.schema(".", 1) is None
    await place.add(SMALL)
    place.objects.failing = frozenset()
    assert (await place.add(LARGE)).schema_id == 2


async def test_a_failed_transaction_leaves_a_harmless_object(place: Place) -> None:
    async def fail() -> None:
        async with place.store.transaction() as transaction:
            await transaction.add_schema(content(LARGE))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await place.store.revision() == 0
    assert len(place.objects.held) == 1
    assert (await place.add(LARGE)).schema_id == 1


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (None, "is missing"),
        (b"", "is cut off"),
        (packed(LARGE)[:20], "is cut off"),
        (packed(SMALL), "holds another text"),
        (b"\x00" * 50, "is no gzip"),
        (packed(LARGE + " " * 100_000), "holds more than 102 bytes"),
    ],
)
async def test_damage_concerns_one_schema(place: Place, damage: bytes | None, why: str) -> None:
    other, large = await place.add(LARGE + "2"), await place.add(LARGE, ".a")
    name = Blob.of(LARGE).name
    if damage is None:
        del place.objects.held[name]
    else:
        place.objects.held[name] = damage
    store = place.opened_anew()
    for read in (lambda: store.schema(".a", 1), lambda: store.schemas_by_guid(large.guid)):
        with pytest.raises(DefinitionLostError, match=why) as caught:
            await read()
        said = str(caught.value)
        assert said.startswith(
            f"The definition of the schema with id 1 in context '.a' (object {Blob.of(LARGE).digest})"
        )
        assert "lsr repair" in said
    assert await store.schema(".", 1) == other
    async with store.transaction() as transaction:
        await transaction.remove_schema(".a", 1)
    assert await store.schema(".a", 1) is None


async def test_without_object_storage_only_what_is_in_it_fails(place: Place) -> None:
    await place.add(LARGE)
    small = await place.add(SMALL)
    store = place.opened_anew(told=False)
    with pytest.raises(DefinitionLostError, match=r"LSR_BLOBS is not set\.$"):
        await store.schema(".", 1)
    assert await store.schema(".", 2) == small
    async with store.transaction() as transaction:
        assert (await transaction.add_schema(content(LARGE + "2"))).text == LARGE + "2"
    inside = await place.tables.schema(".", 3)
    assert inside is not None
    assert inside.text == LARGE + "2"


async def test_what_several_want_at_once_is_fetched_once(place: Place) -> None:
    large = await place.add(LARGE)
    store = place.opened_anew()
    place.objects.asked.clear()
    answering = asyncio.Event()
    place.objects.before = lambda what: answering.wait()
    reads = [asyncio.create_task(store.schema(".", 1)) for _ in range(5)]
    await asyncio.sleep(0)
    reads[0].cancel()
    await asyncio.sleep(0.01)
    answering.set()
    assert await asyncio.gather(*reads[1:]) == [large] * 4
    with pytest.raises(asyncio.CancelledError):
        await reads[0]
    assert place.objects.asked == ["get"]
    assert await store.schema(".", 1) == large
    assert place.objects.asked == ["get"]


async def test_who_waits_learns_of_a_failure_and_the_next_one_tries_again(place: Place) -> None:
    large = await place.add(LARGE)
    store = place.opened_anew()
    place.objects.failing = frozenset({"get"})
    answers = await asyncio.gather(*(store.schema(".", 1) for _ in range(3)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {BlobsUnavailableError}
    place.objects.failing = frozenset()
    assert await store.schema(".", 1) == large


async def test_what_keeps_failing_is_not_asked_until_it_answers(place: Place) -> None:
    large = await place.add(LARGE)
    store = place.opened_anew()
    place.objects.failing = frozenset({"get", "put"})
    for _ in range(3):
        with pytest.raises(BlobsUnavailableError, match="told so"):
            await store.schema(".", 1)
    with pytest.raises(BlobsUnavailableError, match="tried from time to time"):
        await store.stage(content(LARGE + "2"))
    assert place.objects.asked.count("put") == 1
    place.objects.failing = frozenset()
    async with asyncio.timeout(10):
        while True:
            try:
                assert await store.schema(".", 1) == large
            except BlobsUnavailableError:
                await asyncio.sleep(0.02)
            else:
                break
    await store.close()


async def test_texts_are_remembered_within_a_bound(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_schema_registry.store.blobs.schema_blobs._CAPACITY", 250)
    for number in range(4):
        await place.add(f"{LARGE}{number}")
    store = place.opened_anew()
    place.objects.asked.clear()
    for schema_id in (1, 2, 1, 3, 1, 2):
        await store.schema(".", schema_id)
    # The third takes the place of the second, of which nothing was heard since.
    assert place.objects.asked == ["get"] * 4


async def test_the_same_new_content_at_once(place: Place) -> None:
    async def register(store: Store, context: str) -> StoredSchema:
        await store.stage(content(LARGE, context))
        async with store.transaction() as transaction:
            return await transaction.add_schema(content(LARGE, context))

    stores = [place.opened_anew() for _ in range(4)]
    added: list[Any] = await asyncio.gather(*(register(store, f".c{n}") for n, store in enumerate(stores)))
    assert [each.text for each in added] == [LARGE] * 4
    assert len(place.objects.held) == 1
    assert [each.text for each in await place.opened_anew().schemas_by_guid(added[0].guid)] == [LARGE] * 4


async def test_closing_gives_up_what_is_being_fetched(place: Place) -> None:
    await place.add(LARGE)
    store = place.opened_anew()
    place.objects.before = lambda what: asyncio.Event().wait()
    read = asyncio.create_task(store.schema(".", 1))
    await asyncio.sleep(0.01)
    await store.close()
    with pytest.raises(asyncio.CancelledError):
        await read
