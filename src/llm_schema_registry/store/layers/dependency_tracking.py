"""Layer that records the facts read from a store, and signals its own commits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store import dependencies
from llm_schema_registry.store.api import Store, Transaction
from llm_schema_registry.store.records import Change


class DependencyTrackingStore:
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

    async def last_changed(self, scopes: Sequence[Subject]) -> int:
        """See `Reads`; no answer that depends on it can be remembered."""
        dependencies.mark_uncacheable()
        return await self._store.last_changed(scopes)

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """See `Reads`; no answer that depends on it can be remembered."""
        dependencies.mark_uncacheable()
        return await self._store.changes(after, limit)

    @asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[Transaction]:
        """See `Store`; no answer of a write can be remembered."""
        dependencies.mark_uncacheable()
        begun: Transaction | None = None
        try:
            async with self._store.transaction(actor) as begun:
                yield begun
        finally:
            # Also after a failure: a commit whose outcome is unknown may have been one.
            if begun is not None and begun.changed:
                self._committed()
        if begun.changed:
            dependencies.note_commit(begun.next_revision)


def _read(name: str) -> Callable[..., Awaitable[Any]]:
    fact_of = dependencies.READ_FROM[name]

    def read(store: DependencyTrackingStore, *arguments: Any, **options: Any) -> Awaitable[Any]:
        dependencies.note(fact_of(*arguments, **options))
        answer: Awaitable[Any] = getattr(store._store, name)(*arguments, **options)
        return answer

    return read


for _name in dependencies.READ_FROM:
    setattr(DependencyTrackingStore, _name, _read(_name))
