"""What is remembered of schemas: within which bound, and that work is done once for all who want it at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.formats import SchemaType, format_of
from llm_schema_registry.registry import Registry
from llm_schema_registry.registry.schemas import Schemas
from llm_schema_registry.store import Store, StoredSchema, open_store
from unit.registry.building import put, record, reference


class Slow:
    """A store that lets others have a turn before it answers, as one across a network does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._store, name)

        async def read(*arguments: Any) -> Any:
            await asyncio.sleep(0.001)
            return await inner(*arguments)

        return read


class Place:
    """A registry with a schema that refers to another, and what is remembered of its slow store."""

    def __init__(self, store: Store, referring: StoredSchema, referred: StoredSchema) -> None:
        self.store = cast(Store, Slow(store))
        self.referring = referring
        self.referred = referred

    def schemas(self, capacity: int = 100_000) -> Schemas:
        return Schemas(self.store, steps=10_000, capacity=capacity)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    store = await open_store("sqlite://")
    registry = Registry(store)
    referred = await put(
        registry, record(*(f"f{number}:string" for number in range(100)), name="Far"), Subject(".", "far")
    )
    referring = await put(registry, record("far:Far"), references=[reference("Far", "far")])
    yield Place(store, referring.content, referred.content)
    await store.close()


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each parse and each compilation, as it is done."""
    avro = type(format_of(SchemaType.AVRO))
    told: list[str] = []

    def counting(name: str) -> Any:
        inner = getattr(avro, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            told.append(name)
            return inner(*arguments, **options)

        return counted

    for name in ("parse", "validator"):
        monkeypatch.setattr(avro, name, counting(name))
    return told


async def test_many_who_validate_first_wait_for_one_compilation(place: Place, done: list[str]) -> None:
    schemas = place.schemas()
    validators = await asyncio.gather(*(schemas.validator(place.referring) for _ in range(100)))
    assert len(set(map(id, validators))) == 1
    assert done == ["parse", "validator"]


async def test_many_who_compare_first_wait_for_one_parse(place: Place, done: list[str]) -> None:
    schemas = place.schemas()
    parsed = await asyncio.gather(*(schemas.parsed(place.store, place.referring) for _ in range(100)))
    assert len(set(map(id, parsed))) == 1
    assert done == ["parse"]


async def test_who_gives_up_takes_nobody_along(place: Place) -> None:
    schemas = place.schemas()
    asking = [asyncio.create_task(schemas.validator(place.referring)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    assert all([await each for each in asking[1:]])


async def test_what_a_text_refers_to_counts_towards_the_bound(place: Place, done: list[str]) -> None:
    far, near = len(place.referred.text), len(place.referring.text)
    both = (near + far + 200) + (far + 200)
    for capacity, parses in ((both, 2), (both - 1, 4)):
        schemas = place.schemas(capacity)
        done.clear()
        for _ in range(2):
            await schemas.parsed(place.store, place.referring)
            await schemas.parsed(place.store, place.referred)
        assert done == ["parse"] * parses
