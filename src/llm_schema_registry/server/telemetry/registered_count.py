"""The number of registered schemas, kept up to date from the change log."""

import asyncio

from llm_schema_registry.store import ChangeKind, Store

# A version is removed for good only after it was soft-deleted.
_DIFFERENCES = {
    ChangeKind.VERSION_REGISTERED: 1,
    ChangeKind.VERSION_UNDELETED: 1,
    ChangeKind.VERSION_SOFT_DELETED: -1,
}


class RegisteredCount:
    """Counts the versions of a store once, and after that the changes of its log."""

    def __init__(self) -> None:
        self._revision: int | None = None
        self._count = 0
        self._turn = asyncio.Lock()

    async def read(self, store: Store) -> int:
        """How many versions are registered and not soft-deleted.

        Raises:
            StoreUnavailableError: the store does not answer.
        """
        async with self._turn:
            revision = self._revision
            if revision is None or await store.revision() < revision:
                # Below a known revision after a failover, or a restored backup.
                revision, self._count = await store.count_versions()
            while changes := await store.changes(revision):
                self._count += sum(_DIFFERENCES.get(change.kind, 0) for change in changes)
                self._revision = revision = changes[-1].revision
                await asyncio.sleep(0)
            self._revision = revision
            return self._count
