"""Nodes of a registry that share a cache."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from llm_schema_registry.server.response_cache import LocalCommitSignal
from llm_schema_registry.store import Store
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.factory import open_tables
from llm_schema_registry.store.layers.redis_cache import RedisCache, RedisCacheStore, RedisUrl
from unit.store.layers.redis_cache.faults import PATIENT, Counts, until


class Node:
    """One process on a store.

    Attributes:
        store: what it reads and writes.
        tables: the same, without the cache.
        follower: what it knows of the change log.
        server: the cache.
        counts: what was counted.
    """

    def __init__(self, tables: Store, secret: bytes, url: str, seconds: float) -> None:
        self.tables = tables
        self.follower = ChangeLogFollower(LocalCommitSignal())
        self.counts = Counts()
        self.server = RedisCache(RedisUrl.parse(url), seconds, self.counts.count)
        shared = RedisCacheStore(tables, secret, self.follower, self.server, self.counts.count)
        self.store = cast(Store, shared)
        self.follower.follow(tables)

    async def hears(self) -> None:
        """Learns what was committed so far."""
        self.follower.mark_stale()
        await self.follower.catch_up()

    async def reads(self, name: str, *arguments: Any) -> Any:
        """Reads, when it knows of every commit."""
        await self.hears()
        return await getattr(self.store, name)(*arguments)

    async def is_done_keeping(self) -> None:
        """Waits until everything that was read has been kept or dropped."""
        await until(lambda: cast(Any, self.store)._keeping._task is None)


@asynccontextmanager
async def node(url_of_store: str, url: str, seconds: float = PATIENT) -> AsyncIterator[Node]:
    """A node that has started and reached the cache."""
    tables = await open_tables(url_of_store)
    made = Node(tables, await cast(Any, tables).identity(), url, seconds)
    try:
        await made.hears()
        await until(lambda: made.server.answers and cast(Any, made.store)._learning.is_done)
        yield made
    finally:
        await made.store.close()
