"""What a node remembers of the change log: which facts were touched of late, and when last."""

from collections.abc import Iterable
from itertools import islice

from llm_schema_registry.store.facts import Fact, touched_by
from llm_schema_registry.store.model import Change

_MOST_FACTS = 100_000


class RecentChanges:
    """The end of the change log, by the facts that it touches.

    Every change with a revision above `floor` and up to `cursor` is known. So a value that was read when the log
    was known up to a revision not below `floor` is true at `cursor`, unless `touched_since` says otherwise.

    Attributes:
        floor: the revision after which everything is known.
        cursor: the revision up to which everything is known.
    """

    __slots__ = ("_capacity", "_touched", "cursor", "floor")

    def __init__(self, capacity: int = _MOST_FACTS) -> None:
        self._capacity = capacity
        # In order of the revision, the last touch of each fact.
        self._touched: dict[Fact, int] = {}
        self.floor = 0
        self.cursor = 0

    def restart(self, revision: int) -> None:
        """Forgets everything: nothing is known but the revision itself."""
        self._touched.clear()
        self.floor = self.cursor = revision

    def note(self, changes: Iterable[Change]) -> None:
        """Takes note of the changes that follow `cursor`, in order and in whole revisions."""
        touched = self._touched
        for change in changes:
            for fact in touched_by(change):
                touched.pop(fact, None)
                touched[fact] = change.revision
            self.cursor = change.revision
        if len(touched) > self._capacity:
            self._forget(len(touched) - self._capacity // 2)

    def touched_since(self, facts: Iterable[Fact], revision: int) -> bool:
        """Whether a change after a revision touched one of the facts, or may have: what is forgotten counts as that."""
        if revision < self.floor:
            return True
        touched = self._touched
        return any(touched.get(fact, 0) > revision for fact in facts)

    def _forget(self, count: int) -> None:
        for fact, revision in list(islice(self._touched.items(), count)):
            del self._touched[fact]
            self.floor = revision
