"""Layer that answers point reads from a shared cache while the change log proves them current.

Nothing in the cache is ever made invalid: each entry says which revision of the store it was true at, and each reader
knows from the change log whether it still is. So an entry can be old, foreign, damaged or missing, and the server that
keeps it slow or gone; then the inner store answers.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec

from llm_schema_registry.store.api import Store
from llm_schema_registry.store.changelog.follower import ChangeLogFollower
from llm_schema_registry.store.dependencies import READ_FROM, Fact
from llm_schema_registry.store.layers.redis_cache.backfill import LogBackfill
from llm_schema_registry.store.layers.redis_cache.entry_codec import EntryCodec, VersionedEntry
from llm_schema_registry.store.layers.redis_cache.redis import RedisCache
from llm_schema_registry.store.layers.redis_cache.write_behind import Read, WriteBehind
from llm_schema_registry.store.records import StoredSchema, Version

_HOUR, _FIVE_MINUTES, _MINUTE = 3600, 300, 60


class _Kind:
    """A kind of entry.

    Args:
        name: the read whose answers they hold.
        seconds: for how long they are kept.
        value: the type of the answer.
        keeps_absence: whether it is kept that there is nothing: the rule for settings, and an exception else.
    """

    def __init__(self, name: str, seconds: int, value: Any, *, keeps_absence: bool = False) -> None:
        self.name = name
        self.seconds = seconds
        self.keeps_absence = keeps_absence
        self.decoder = msgspec.msgpack.Decoder(VersionedEntry[value])


_KINDS: Final = (
    _Kind("schema", _HOUR, StoredSchema),
    _Kind("schemas_by_guid", _HOUR, list[StoredSchema]),
    _Kind("version", _FIVE_MINUTES, Version),
    _Kind("versions", _FIVE_MINUTES, list[Version]),
    _Kind("versions_of_schema", _FIVE_MINUTES, list[Version]),
    _Kind("latest", _MINUTE, Version),
    _Kind("setting", _FIVE_MINUTES, str | None, keeps_absence=True),
)


class RedisCacheStore:
    """Fulfils `Store` around another one. What is not written out is the inner store's, but for the reads of `_KINDS`.

    It stands below `CachedStore`, which sees to it that nobody is told what is older than what was told before, and
    below `SealedStore`, so that what is sealed is sealed in the cache too.

    Args:
        store: what is read and written.
        secret: the identity of the store.
        follower: knows its change log.
        server: the shared cache; closed with the store.
        count: told how often something happened: `hit`, `miss`, entries that are `outdated` or `damaged`, and what
            the server and `WriteBehind` tell.
    """

    def __init__(
        self,
        store: Store,
        secret: bytes,
        follower: ChangeLogFollower,
        server: RedisCache,
        count: Callable[[str, int], None],
    ) -> None:
        self._store = store
        self._follower = follower
        self._server = server
        self._count = count
        self._entries = EntryCodec(secret)
        self._keeping = WriteBehind(store, follower.recent, self._entries, server, count)
        self._learning = LogBackfill(store, follower.recent)
        follower.subscribe(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def invalidate(self, facts: Iterable[Fact]) -> None:
        """See `Rememberer`: what is remembered is not here, and is found outdated when it is read."""

    def clear(self) -> None:
        """See `Rememberer`: what was before may be learnt once more."""
        self._learning.begin()

    async def close(self) -> None:
        """See `Store`."""
        await self._learning.close()
        await self._keeping.close()
        await self._server.close()
        await self._store.close()

    async def _answer(
        self, kind: _Kind, fact: Fact, arguments: tuple[object, ...], read: Callable[[], Awaitable[Any]]
    ) -> Any:
        if not self._server.answers:
            return await read()
        key = self._entries.key(kind.name, arguments)
        if self._follower.current:
            entry = await self._server.get(key)
            if entry is None:
                self._count("miss", 1)
            elif (found := self._opened(kind, fact, key, entry)) is not None:
                self._count("hit", 1)
                return found.value
        as_of = self._follower.cursor
        mark = self._follower.recent.history_fingerprint(as_of)
        value = await read()
        if mark is not None and (value or kind.keeps_absence):
            self._keeping.offer(Read(key, VersionedEntry(as_of, mark, value), (fact,), kind.seconds))
        return value

    def _opened(self, kind: _Kind, fact: Fact, key: bytes, entry: bytes) -> VersionedEntry[Any] | None:
        """What an entry holds, if it holds something and that is true."""
        try:
            found: VersionedEntry[Any] = kind.decoder.decode(self._entries.decode(key, entry) or b"")
        except msgspec.DecodeError:
            self._count("damaged", 1)
            return None
        recent = self._follower.recent
        if recent.history_fingerprint(found.as_of) == found.mark and not recent.touched_since((fact,), found.as_of):
            return found
        self._count("outdated", 1)
        return None


def _kept(kind: _Kind) -> Callable[..., Awaitable[Any]]:
    fact_of = READ_FROM[kind.name]

    def read(store: RedisCacheStore, *arguments: Any) -> Awaitable[Any]:
        inner = getattr(store._store, kind.name)
        return store._answer(kind, fact_of(*arguments), arguments, lambda: inner(*arguments))

    return read


for _kind in _KINDS:
    setattr(RedisCacheStore, _kind.name, _kept(_kind))
