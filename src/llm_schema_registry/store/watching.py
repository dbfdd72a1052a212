"""A store that notes the facts that are read from it, and tells when a write of its own was committed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store import facts
from llm_schema_registry.store.model import Change
from llm_schema_registry.store.store import Store, Transaction


class WatchedStore:
    """Fulfils `Store` around another one. What is not written out is the inner store's, but for the reads of facts.

    Args:
        store: what is read and written.
        committed: called after each transaction that may have changed something, before anybody learns of it.
    """

    def __init__(self, store: Store, committed: Callable[[], None]) -> None:
        self._store = store
        self._committed = committed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def touched(self, scopes: Sequence[Subject]) -> int:
        """See `Reads`; no answer that depends on it can be remembered."""
        facts.note_untraceable()
        return await self._store.touched(scopes)

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """See `Reads`; no answer that depends on it can be remembered."""
        facts.note_untraceable()
        return await self._store.changes(after, limit)

    @asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[Transaction]:
        """See `Store`; no answer of a write can be remembered."""
        facts.note_untraceable()
        begun: Transaction | None = None
        try:
            async with self._store.transaction(actor) as begun:
                yield begun
        finally:
            # Also after a failure: a commit whose outcome is unknown may have been one.
            if begun is not None and begun.changed:
                self._committed()
        if begun.changed:
            facts.note_commit(begun.next_revision)


def _read(name: str) -> Callable[..., Awaitable[Any]]:
    fact_of = facts.READ_FROM[name]

    def read(store: WatchedStore, *arguments: Any, **options: Any) -> Awaitable[Any]:
        facts.note(fact_of(*arguments, **options))
        answer: Awaitable[Any] = getattr(store._store, name)(*arguments, **options)
        return answer

    return read


for _name in facts.READ_FROM:
    setattr(WatchedStore, _name, _read(_name))
