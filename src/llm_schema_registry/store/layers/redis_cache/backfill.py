"""Backfill: reads the end of the change log from before a follower began.

A process that has just started knows of no change, and so of no entry in a shared cache whether it is true still.
"""

import asyncio
from collections import deque

from llm_schema_registry.store.api import Reads, StoreUnavailableError
from llm_schema_registry.store.changelog.recent import RecentChanges
from llm_schema_registry.store.records import Change

_PAGE = 1_000
_PAGES = 10
_PAUSE_SECONDS = 1.0


class LogBackfill:
    """Adds up to ten thousand changes from before to what is known. Nobody waits for that.

    Args:
        log: the change log.
        recent: what is known of it.
    """

    def __init__(self, log: Reads, recent: RecentChanges) -> None:
        self._log = log
        self._recent = recent
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Starts to read the changes before the known ones; called whenever the known ones were reset."""
        self._cancel()
        self._task = asyncio.create_task(self._learn(), name="learn-changes")

    @property
    def is_done(self) -> bool:
        """Whether nothing is being learnt."""
        return self._task is None or self._task.done()

    async def close(self) -> None:
        """Ends learning. Idempotent."""
        task = self._cancel()
        if task is not None:
            await asyncio.wait((task,))

    def _cancel(self) -> "asyncio.Task[None] | None":
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task

    async def _learn(self) -> None:
        floor = self._recent.floor
        while True:
            try:
                pages = await self._pages_until(floor)
                break
            except StoreUnavailableError:
                await asyncio.sleep(_PAUSE_SECONDS)
        # From the newest on, so that what is known has no gaps meanwhile.
        while pages:
            self._recent.precede(pages.pop())
            await asyncio.sleep(0)

    async def _pages_until(self, floor: int) -> deque[list[Change]]:
        pages: deque[list[Change]] = deque(maxlen=_PAGES)
        after = max(0, floor - _PAGE * _PAGES)
        while after < floor:
            page = await self._log.changes(after, _PAGE)
            if not page:
                break
            after = page[-1].revision
            pages.append([change for change in page if change.revision <= floor])
        return pages
