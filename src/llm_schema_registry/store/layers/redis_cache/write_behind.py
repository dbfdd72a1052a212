"""Write-behind: puts reads into the shared cache after the caller has its answer."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from llm_schema_registry.store.api import Reads, StoreUnavailableError
from llm_schema_registry.store.changelog.recent import RecentChanges
from llm_schema_registry.store.dependencies import Fact
from llm_schema_registry.store.layers.redis_cache.entry_codec import MAX_BYTES, EntryCodec, VersionedEntry
from llm_schema_registry.store.layers.redis_cache.redis import CacheWrite, RedisCache

_MOST_WAITING: Final = 400
# Keeping one costs several times what keeping one more does.
_GATHER_SECONDS: Final = 0.25
_LOOKS: Final = 40
_LOOK_SECONDS: Final = 0.05
_REVISION_SECONDS: Final = 1.0


class Read(NamedTuple):
    """What was read from the store.

    Attributes:
        key: of its entry.
        answer: with the revision up to which the change log was known before it was read.
        facts: what it was made from.
        seconds: for how long it may be kept.
    """

    key: bytes
    answer: VersionedEntry[Any]
    facts: tuple[Fact, ...]
    seconds: int


class WriteBehind:
    """Keeps what is offered to it, a little later and many at once, unless too much is waiting.

    What was read may be younger than its revision, and that much of a history that a failover ends. So it is kept only
    if the log, when it is known up to what the store has reached by then, goes on from that revision and has not
    touched it: then it was the answer at that revision too.

    Args:
        reads: tells the revision of the store.
        recent: what is known of the change log; somebody else sees to it.
        entries: how entries are made.
        server: where they are kept.
        count: told of what was `dropped`.
    """

    def __init__(
        self,
        reads: Reads,
        recent: RecentChanges,
        entries: EntryCodec,
        server: RedisCache,
        count: Callable[[str, int], None],
    ) -> None:
        self._reads = reads
        self._recent = recent
        self._entries = entries
        self._server = server
        self._count = count
        self._waiting: dict[bytes, Read] = {}
        self._task: asyncio.Task[None] | None = None

    def offer(self, read: Read) -> None:
        """Takes note of what was read; waits for nothing."""
        if not self._server.answers:
            return
        if len(self._waiting) >= _MOST_WAITING:
            self._count("dropped", 1)
            return
        self._waiting[read.key] = read
        if self._task is None:
            self._task = asyncio.create_task(self._keep_on(), name="keep-entries")

    async def close(self) -> None:
        """Drops what is waiting. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def _keep_on(self) -> None:
        try:
            while True:
                await asyncio.sleep(_GATHER_SECONDS)
                if not self._waiting:
                    break
                taken, self._waiting = self._waiting, {}
                true = [read for read in taken.values() if self._is_true(read)] if await self._has_caught_up() else []
                made = await asyncio.to_thread(self._made, true)
                self._count("dropped", len(taken) - len(made))
                await self._server.put(made)
        finally:
            self._task = None

    async def _has_caught_up(self) -> bool:
        """Waits a while until the log is known up to what the store has reached."""
        try:
            # A failover takes longer than that.
            async with asyncio.timeout(_REVISION_SECONDS):
                revision = await self._reads.revision()
        except (StoreUnavailableError, TimeoutError):
            return False
        for _ in range(_LOOKS):
            if self._recent.cursor >= revision:
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def _is_true(self, read: Read) -> bool:
        as_of, recent = read.answer.as_of, self._recent
        return recent.history_fingerprint(as_of) == read.answer.mark and not recent.touched_since(read.facts, as_of)

    def _made(self, true: Iterable[Read]) -> list[CacheWrite]:
        made = []
        for read in true:
            try:
                content = msgspec.msgpack.encode(read.answer)
            except UnicodeEncodeError:
                # A text that JSON can bring, and bytes cannot hold.
                continue
            if len(content) <= MAX_BYTES:
                made.append(CacheWrite(read.key, self._entries.encode(read.key, content), read.seconds))
        return made
