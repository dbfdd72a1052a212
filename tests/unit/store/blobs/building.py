"""A store with objects in memory, which fail when they are told to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import cast

from llm_schema_registry.store import Store, StoredSchema
from llm_schema_registry.store.blobs import BlobInfo, BlobsUnavailableError
from llm_schema_registry.store.blobs.schema_blobs import Texts
from llm_schema_registry.store.layers.blobs import BlobStore
from unit.store.building import content

THRESHOLD = 100
LARGE = '"' + "é" * 50 + '"'
SMALL = '"' + "é" * 49 + '"'


class Objects:
    """Objects in memory that can fail, and that note what is asked of them.

    Attributes:
        held: the objects by name.
        asked: what was asked, in order.
        failing: what fails.
        age: how old everything is.
        before: called before anything is answered.
    """

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.failing: frozenset[str] = frozenset()
        self.age = timedelta()
        self.before: Callable[[str], Awaitable[object]] | None = None

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.before is not None:
            await self.before(what)
        if what in self.failing:
            raise BlobsUnavailableError("Object storage is not available: it was told so.")

    async def put(self, name: str, data: bytes) -> None:
        await self._ask("put")
        self.held[name] = data

    async def get(self, name: str, limit: int) -> bytes | None:
        await self._ask("get")
        return None if name not in self.held else self.held[name][:limit]

    async def look(self, name: str) -> BlobInfo | None:
        await self._ask("look")
        return self._item(name) if name in self.held else None

    async def items(self) -> AsyncIterator[BlobInfo]:
        for name in list(self.held):
            yield self._item(name)

    async def delete(self, name: str) -> None:
        await self._ask("delete")
        self.held.pop(name, None)

    def _item(self, name: str) -> BlobInfo:
        return BlobInfo(name, len(self.held[name]), datetime.now(UTC) - self.age)


class Place:
    """A store, its tables, and its objects."""

    def __init__(self, tables: Store) -> None:
        self.tables = tables
        self.objects = Objects()
        self.store = self.opened_anew()

    def opened_anew(self, *, told: bool = True) -> Store:
        """The store with nothing remembered."""
        return cast(Store, BlobStore(self.tables, Texts(self.objects, THRESHOLD) if told else None))

    async def add(self, text: str, context: str = ".") -> StoredSchema:
        async with self.store.transaction() as transaction:
            return await transaction.add_schema(content(text, context))
