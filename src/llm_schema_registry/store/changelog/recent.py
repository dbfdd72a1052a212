"""The recent part of the change log: facts touched, with their last revision."""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import islice

from llm_schema_registry.store.dependencies import Fact, touched_by
from llm_schema_registry.store.records import Change

_MOST_FACTS = 100_000
_MARK_BYTES = 8


class RecentChanges:
    """The end of the change log, by the facts that it touches.

    Every change with a revision above `floor` and up to `cursor` is known. So a value that was read when the log
    was known up to a revision not below `floor` is true at `cursor`, unless `touched_since` says otherwise.

    Attributes:
        floor: the revision after which everything is known.
        cursor: the revision up to which everything is known.
    """

    __slots__ = ("_capacity", "_marks", "_touched", "cursor", "floor")

    def __init__(self, capacity: int = _MOST_FACTS) -> None:
        self._capacity = capacity
        # In order of the revision, the last touch of each fact.
        self._touched: dict[Fact, int] = {}
        # Of each revision after the floor: revisions have no gaps.
        self._marks = array("Q")
        self.floor = 0
        self.cursor = 0

    def restart(self, revision: int) -> None:
        """Forgets everything: nothing is known but the revision itself."""
        self._touched.clear()
        del self._marks[:]
        self.floor = self.cursor = revision

    def note(self, changes: Iterable[Change]) -> None:
        """Takes note of the changes that follow `cursor`, in order and in whole revisions."""
        touched = self._touched
        for change in changes:
            _touch(touched, change)
            if change.ordinal == 0:
                self._marks.append(_mark_of(change))
            self.cursor = change.revision
        if len(touched) > self._capacity:
            self._forget(len(touched) - self._capacity // 2)

    def precede(self, changes: Sequence[Change]) -> None:
        """Takes note of changes from before: of the whole revisions up to `floor`, which becomes lower.

        Nothing is done for changes that do not end at `floor`, or that are too many to be remembered as well.
        """
        if not changes or changes[-1].revision != self.floor:
            return
        touched: dict[Fact, int] = {}
        for change in changes:
            _touch(touched, change)
        for fact, revision in self._touched.items():
            touched.pop(fact, None)
            touched[fact] = revision
        if len(touched) <= self._capacity:
            self._touched = touched
            self._marks[:0] = array("Q", (_mark_of(change) for change in changes if change.ordinal == 0))
            self.floor = changes[0].revision - 1

    def touched_since(self, facts: Iterable[Fact], revision: int) -> bool:
        """Whether a change after a revision touched one of the facts, or may have: what is forgotten counts as that."""
        if revision < self.floor:
            return True
        touched = self._touched
        return any(touched.get(fact, 0) > revision for fact in facts)

    def history_fingerprint(self, revision: int) -> int | None:
        """A number of 64 bits that tells a revision of this history from that of any other; `None` if not known.

        Histories part where a backup is restored, or a failover loses the last commits: what comes then has the
        numbers of what is lost, and other marks.
        """
        if revision == 0:
            return 0 if self.floor == 0 else None
        place = revision - self.floor - 1
        return self._marks[place] if 0 <= place < len(self._marks) else None

    def _forget(self, count: int) -> None:
        floor = self.floor
        for fact, revision in list(islice(self._touched.items(), count)):
            del self._touched[fact]
            self.floor = revision
        del self._marks[: self.floor - floor]


def _touch(touched: dict[Fact, int], change: Change) -> None:
    for fact in touched_by(change):
        touched.pop(fact, None)
        touched[fact] = change.revision


def _mark_of(change: Change) -> int:
    told = (
        change.at,
        change.kind.value,
        *change.subject,
        change.version,
        change.schema_id,
        change.actor,
        change.detail,
    )
    text = repr(told).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=_MARK_BYTES).digest(), "big")
