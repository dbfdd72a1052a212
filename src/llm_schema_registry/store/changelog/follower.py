"""Change-log follower: invalidates the caches of a process.

The log is read once for all listeners. Before a cached value is used, `current` shows whether every commit of this node
has been read; if not, `catch_up` reads the log. Commits of other nodes are known once `observe` or `mark_stale` is
called, or the log is read for another reason.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from llm_schema_registry.store.api import Reads, StoreUnavailableError
from llm_schema_registry.store.changelog.recent import RecentChanges
from llm_schema_registry.store.dependencies import Fact, touched_by
from llm_schema_registry.store.records import Change

_PAGE: Final = 1_000
# Beyond that, reading what changed costs more than what is remembered is worth.
_MOST_PAGES: Final = 5


class CommitSignal(Protocol):
    """A number that moves with every commit on the node: after it, and before anybody learns of it."""

    @property
    def value(self) -> int:
        """The number; it costs next to nothing to look."""
        ...

    def notify(self) -> None:
        """Says that something may have been committed."""
        ...


class InvalidationListener(Protocol):
    """Whoever remembers what was read from the store."""

    def invalidate(self, facts: Iterable[Fact]) -> None:
        """Called when facts were touched: nothing that was made from one of them is true any more."""
        ...

    def clear(self) -> None:
        """Called when it is not known what changed: anything may be untrue."""
        ...


class ChangeLogFollower:
    """What a process knows of the change log.

    Args:
        signal: moves with every commit on this node.

    Attributes:
        signal: the same.
        recent: the facts that were touched recently. It is ahead of the listeners only while the log is read.
    """

    def __init__(self, signal: CommitSignal) -> None:
        self.signal = signal
        self.recent = RecentChanges()
        self._log: Reads | None = None
        self._listeners: list[InvalidationListener] = []
        self._seen = -1
        self._behind = True
        self._falls = 0
        self._heard = 0
        self._placed = False
        # The last record at the cursor: another history would have another one there.
        self._last: Change | None = None
        self._known_at = 0.0
        self._reading: asyncio.Future[None] | None = None
        self._news = asyncio.Event()

    def follow(self, log: Reads) -> None:
        """Names the store whose change log is followed; without one nothing is ever current."""
        self._log = log
        self._known_at = time.monotonic()

    def subscribe(self, listener: InvalidationListener) -> None:
        """Tells somebody, from now on, what was touched: all of it before the log is known any further."""
        self._listeners.append(listener)

    @property
    def cursor(self) -> int:
        """The revision up to which the log is known."""
        return self.recent.cursor

    @property
    def current(self) -> bool:
        """Whether everything is known that was committed on this node, and that others were heard to commit."""
        return self.signal.value == self._seen and not self._behind

    @property
    def age(self) -> float:
        """How many seconds ago everything that is remembered was known to be true."""
        return time.monotonic() - self._known_at

    def mark_stale(self) -> None:
        """Says that somebody outside this node may have committed: the log is read before anything is current again."""
        self._behind = True
        self._falls += 1

    def observe(self, revision: int) -> None:
        """Says that the store has reached a revision: unless it is known, the log is read likewise."""
        if revision > self.cursor:
            self._heard = max(self._heard, revision)
            self._behind = True

    async def catch_up(self) -> int:
        """Reads the change log unless it is current.

        Everybody who asks meanwhile waits for the same attempt, and learns of its failure.

        Returns:
            The revision up to which the log is known.

        Raises:
            StoreUnavailableError: the log cannot be read.
        """
        log = self._log
        # An attempt that is under way may have begun before what was committed; a second one has not.
        for _ in range(2):
            if log is None or self.current:
                break
            await self._attempt(log)
        return self.cursor

    async def wait_for(self, revision: int, seconds: float) -> int:
        """Waits until the log is known up to a revision, whoever writes it.

        It is read at once. Who follows the store then has to hear of the rest.

        Args:
            revision: the revision.
            seconds: how long to wait for it at most, beside what reading takes.

        Returns:
            The revision up to which the log is known: a lower one only if the wait was too long.

        Raises:
            StoreUnavailableError: the log cannot be read.
        """
        log = self._log
        # As for `catch_up`, but nothing is held to be unknown meanwhile: the revision need not exist.
        for _ in range(2):
            if log is None or revision <= self.cursor:
                break
            await self._attempt(log)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while revision > self.cursor:
                    await self._news.wait()
        return self.cursor

    def mark_fresh(self, revision: int, at: float) -> None:
        """Says that the store was at this revision at a time of the monotonic clock."""
        if revision == self.cursor and self.current:
            self._known_at = max(at, self._known_at)

    async def _attempt(self, log: Reads) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read(log))
            self._reading.add_done_callback(self._end_reading)
        await asyncio.shield(self._reading)

    async def _read(self, log: Reads) -> None:
        seen, falls, heard, now = self.signal.value, self._falls, self._heard, time.monotonic()
        if not (self._placed and await self._go_on(log)):
            self._begin_anew(await log.revision())
            if not await self._go_on(log):
                raise StoreUnavailableError("The store is not available: its change log was reset repeatedly.")
        self._placed = True
        # What was heard before and is not there belongs to a history that has ended.
        self._heard = max(self._heard if self._heard > heard else 0, self.cursor)
        self._behind = falls != self._falls or self._heard > self.cursor
        self._seen, self._known_at = seen, now
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _begin_anew(self, revision: int) -> None:
        self.recent.restart(revision)
        self._last = None
        for listener in self._listeners:
            listener.clear()

    async def _go_on(self, log: Reads) -> bool:
        """Reads to the end of the log, beginning with what is known of it: one read, most often.

        Returns:
            Whether the log goes on where it was known to end. It does not after a failover that lost the last
            commits, or where a backup was restored; nor is it read where that would take too long.
        """
        known = self.cursor
        changes = await log.changes(known - 1, _PAGE)
        there = sum(change.revision == known for change in changes)
        if known and (not there or self._last not in (None, changes[there - 1])):
            return False
        if known and self._last is None:
            self.recent.precede(changes[:there])
            self._last = changes[there - 1]
        self._note(changes[there:])
        for _ in range(_MOST_PAGES):
            if len(changes) < _PAGE:
                return True
            changes = await log.changes(self.cursor, _PAGE)
            self._note(changes)
        return False

    def _note(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        touched = {fact for change in changes for fact in touched_by(change)}
        for listener in self._listeners:
            listener.invalidate(touched)
        self.recent.note(changes)
        self._last = changes[-1]

    def _end_reading(self, reading: "asyncio.Future[None]") -> None:
        if self._reading is reading:
            self._reading = None
        # Whoever asked has been told; that nobody may be left to ask is no failure.
        if not reading.cancelled():
            reading.exception()
