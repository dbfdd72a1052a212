"""Walking two models side by side: the frame in which every rule of comparison runs."""

import enum
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.json_schema.compatibility.refinement import accepts_anything, judged, keeps_all
from llm_schema_registry.formats.json_schema.compatibility.sameness import Sameness
from llm_schema_registry.formats.json_schema.model import CombinedNode, Criterion, Kind, Node, possible

Rule = Callable[["Walk", Any, Any, str], None]
"""Adds the differences of two nodes of one kind."""

_COMPOUND = frozenset({Kind.OBJECT, Kind.ARRAY, Kind.COMBINED, Kind.NOT})
# What a glance at is much cheaper than a comparison of.
_GLANCED = frozenset({Kind.OBJECT, Kind.ARRAY})
_ANNOTATIONS = (
    ("id", "ID_CHANGED"),
    ("title", "TITLE_CHANGED"),
    ("description", "DESCRIPTION_CHANGED"),
    ("default", "DEFAULT_CHANGED"),
)
# Comparing two objects or arrays takes as long as several other steps do.
_PAIR_COST = 3
# How many pairs are compared one inside the other: Python's stack suffices, however long chains of references are.
_MAX_NESTED = 40


Explanation = Callable[[int], str]
"""Words a detail once all verdicts are final; called with the number of details around it."""


class Found(NamedTuple):
    """A difference: the name of its type, its path below its pair, detail, writer's and reader's value."""

    name: str
    path: str
    detail: str | Explanation
    writer: Any
    reader: Any

    def explained(self, depth: int = 0) -> str:
        """The detail in words."""
        return self.detail if isinstance(self.detail, str) else self.detail(depth)


class Pair:
    """Two schemas that meet, compared once however many paths lead to them.

    Attributes:
        writer: the writer's schema.
        reader: the reader's schema.
        found: their differences, with paths below the pair; `None` before the first comparison.
        own: differences that a glance found, which saw nothing of the pairs inside.
        broken: whether a difference in `found`, or one of a pair that it links to, is not accepted.
        settled: whether there is no difference and none can come up, because no other pair was consulted.
        holders: pairs that are broken as soon as this one is.
        consulting: pairs whose differences depend on whether this one is broken, so that they are compared again.
        queued: whether the pair waits to be compared (again).
    """

    __slots__ = ("broken", "consulting", "found", "holders", "own", "queued", "reader", "settled", "writer")

    def __init__(self, writer: Node, reader: Node) -> None:
        self.writer = writer
        self.reader = reader
        self.found: Entries | None = None
        self.own: Entries = []
        self.broken = self.settled = self.queued = False
        self.holders: list[Pair] = []
        self.consulting: list[Pair] = []


class Link(NamedTuple):
    """A place where the differences of a pair belong, with its path below the pair that holds it."""

    pair: Pair
    path: str


Entries = list[Found | Link]
"""What was found in one place, in the order of the rules."""


class _Mode(enum.Enum):
    """What the comparison of two schemas is for.

    Attributes:
        NOTING: their differences belong to the pair around them.
        TRIAL: the pair around them decides by the result.
        DOUBT: likewise, and they probably do not fit.
        GLANCE: only whether they differ in themselves; pairs inside count as compatible.
    """

    NOTING = enum.auto()
    TRIAL = enum.auto()
    DOUBT = enum.auto()
    GLANCE = enum.auto()


_NOTING, _TRIAL, _DOUBT, _GLANCE = _Mode


class Walk:
    """One comparison of two models: a greatest fixed point over pairs of nodes.

    Every pair counts as compatible until a difference that is not accepted refutes it. A refuted pair refutes the pairs
    that hold it. Pairs that consulted it in a trial are compared again, since another branch may rescue them; so in the
    end each pair was compared with the final verdicts of all others. The rules are monotone: a refuted pair never makes
    another one compatible. So the order in which pairs are compared does not matter, and every pair is compared at most
    once for each pair that it consults.

    Args:
        rules: the rule of each kind that has constraints of its own.
        accepted: the names of the differences that count as compatible.
        budget: bounds the work.
    """

    __slots__ = (
        "_accepted",
        "_broken",
        "_consulted",
        "_current",
        "_depth",
        "_found",
        "_glances",
        "_mode",
        "_pairs",
        "_queue",
        "_rules",
        "_sameness",
        "budget",
    )

    def __init__(self, rules: Mapping[Kind, Rule], accepted: frozenset[str], budget: Budget) -> None:
        self._rules = rules
        self._accepted = accepted
        self.budget = budget
        self._found: Entries = []
        self._broken = False
        self._consulted = False
        self._mode = _NOTING
        self._current: Pair | None = None
        self._depth = 0
        self._pairs: dict[tuple[int, int], Pair] = {}
        self._queue: deque[Pair] = deque()
        self._glances = False
        self._sameness = Sameness(budget)

    def run(self, writer: Node, reader: Node) -> Entries:
        """All differences of two models; those of pairs are behind links."""
        self.compare(writer, reader, "#")
        self._settle()
        while self._glances and self._enqueue_unexplained():
            self._settle()
        return self._found

    def _settle(self) -> None:
        while self._queue:
            pair = self._queue.popleft()
            if pair.queued:
                self._compare_pair(pair)

    def add(self, name: str, path: str, writer: Any = None, reader: Any = None, detail: str | Explanation = "") -> None:
        """Notes a difference."""
        self._found.append(Found(name, path, detail, writer, reader))
        if name not in self._accepted:
            self._broken = True

    def extend(self, found: Entries, broken: bool) -> None:
        """Notes the differences of a trial."""
        self._found.extend(found)
        self._broken |= broken

    def trial(self, writer: Node, reader: Node, path: str, *, doubtful: bool = False) -> tuple[Entries, bool]:
        """Compares without noting: the differences, and whether any of them is not accepted.

        What follows from the second must be monotone: a broken trial may not make anything compatible.

        Args:
            writer: the writer's schema.
            reader: the reader's schema.
            path: where.
            doubtful: whether the two probably do not fit, so that a glance may suffice.
        """
        outer, outer_broken, outer_mode = self._found, self._broken, self._mode
        self._found, self._broken = [], False
        if outer_mode is not _GLANCE:
            self._mode = _DOUBT if doubtful else _TRIAL
        self.compare(writer, reader, path)
        result = self._found, self._broken
        self._found, self._broken, self._mode = outer, outer_broken, outer_mode
        return result

    def breaks(self, name: str) -> bool:
        """Whether a difference of this type is not accepted."""
        return name not in self._accepted

    def same(self, writer: Node, reader: Node) -> bool:
        """Whether two schemas are equal, with everything that they refer to."""
        return self._sameness.same(writer, reader)

    def differences(self, found: Entries) -> Iterator[Found]:
        """The differences in the result of a trial, behind links too, in no order; paths are those below pairs."""
        seen: set[Pair] = set()
        pending = [found]
        while pending:
            for entry in pending.pop():
                if isinstance(entry, Found):
                    yield entry
                elif entry.pair not in seen:
                    self.budget.spend()
                    seen.add(entry.pair)
                    pending.append(_entries(entry.pair))

    def breaking(self, found: Entries) -> list[Found]:
        """The differences in the result of a trial that are not accepted; of each pair behind them only the first.

        To be called when the walk is over.
        """
        self._settle()
        if len(found) == 1 and isinstance(found[0], Link):
            path, found = found[0].path, _entries(found[0].pair)
        else:
            path = ""
        firsts = (self._first_breaking(entry) for entry in found)
        return [first._replace(path=path + first.path) for first in firsts if first is not None]

    def _first_breaking(self, entry: Found | Link) -> Found | None:
        seen: set[Pair] = set()
        pending = [(entry, "")]
        while pending:
            each, path = pending.pop()
            if isinstance(each, Found):
                if each.name not in self._accepted:
                    return each._replace(path=path + each.path)
            elif each.pair.broken and each.pair not in seen:
                self.budget.spend()
                seen.add(each.pair)
                pending += [(inner, path + each.path) for inner in reversed(_entries(each.pair))]
        return None

    def compare(self, writer: Node | None, reader: Node | None, path: str) -> None:
        """Notes the differences between two schemas at a path; `None` is no schema."""
        self.budget.spend()
        if writer is None or reader is None:
            if writer is not reader:
                self.add(_presence_change(reader), path)
            return
        before, after = possible(writer), possible(reader)
        if before is after:
            return
        shared = before is not writer and after is not reader
        if not shared and before.kind not in _COMPOUND and after.kind not in _COMPOUND:
            self._compare_nodes(before, after, path)
        elif self._mode is not _GLANCE:
            self._meet(before, after, path)

    def _meet(self, writer: Node, reader: Node, path: str) -> None:
        """Notes a link to a pair, which is compared first if that has not been begun."""
        key = (id(writer), id(reader))
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = Pair(writer, reader)
            if self._mode is _DOUBT and writer.kind is reader.kind and writer.kind in _GLANCED:
                self._glance(pair)
        if pair.found is None and not (pair.broken and self._mode is not _NOTING):
            if self._depth < _MAX_NESTED:
                self._compare_pair(pair)
            else:
                self._enqueue(pair)
        if pair.settled:
            return
        self._found.append(Link(pair, path))
        if pair.broken:
            self._broken = True
        elif self._current is not None:
            if self._mode is _NOTING:
                pair.holders.append(self._current)
            else:
                self._consulted = True
                pair.consulting.append(self._current)

    def _glance(self, pair: Pair) -> None:
        """Refutes a pair if the two schemas do not fit whatever becomes of the pairs inside them."""
        outer = self._found, self._broken, self._mode
        self._found, self._broken, self._mode = [], False, _GLANCE
        self._compare_nodes(pair.writer, pair.reader, "")
        if self._broken:
            pair.own, pair.broken, self._glances = self._found, True, True
        self._found, self._broken, self._mode = outer

    def _compare_pair(self, pair: Pair) -> None:
        outer = self._found, self._broken, self._consulted, self._current, self._mode
        self._found, self._broken, self._consulted, self._current, self._mode = [], False, False, pair, _NOTING
        pair.queued = False
        if pair.found is None:
            pair.found = []
        self._depth += 1
        self.budget.spend(_PAIR_COST)
        self._compare_nodes(pair.writer, pair.reader, "")
        self._depth -= 1
        pair.found, broken = self._found, self._broken
        pair.settled = not pair.found and not self._consulted
        self._found, self._broken, self._consulted, self._current, self._mode = outer
        if broken and not pair.broken:
            self._refute(pair)

    def _refute(self, refuted: Pair) -> None:
        refuted.broken = True
        pending = [refuted]
        while pending:
            pair = pending.pop()
            for each in pair.consulting:
                self._enqueue(each)
            for holder in pair.holders:
                if not holder.broken:
                    holder.broken = True
                    pending.append(holder)

    def _enqueue(self, pair: Pair) -> None:
        if not pair.queued:
            pair.queued = True
            self._queue.append(pair)

    def _enqueue_unexplained(self) -> bool:
        """Has pairs compared whose differences are reported though a glance refuted them; returns whether there are."""
        seen: set[Pair] = set()
        pending = [self._found]
        while pending:
            for entry in pending.pop():
                if isinstance(entry, Link) and entry.pair not in seen:
                    self.budget.spend()
                    seen.add(entry.pair)
                    if entry.pair.found is None:
                        self._enqueue(entry.pair)
                    else:
                        pending.append(entry.pair.found)
        return bool(self._queue)

    def _compare_nodes(self, writer: Node, reader: Node, path: str) -> None:
        if isinstance(reader, CombinedNode):
            if not isinstance(writer, CombinedNode) and self._into_combined(writer, reader, path):
                return
        elif isinstance(writer, CombinedNode) and self._out_of_combined(writer, reader, path):
            return
        if writer.kind is not reader.kind:
            if writer.kind is Kind.FALSE or reader.kind is Kind.EMPTY:
                return
            # As the Confluent registry does: bytes of Kafka Connect may be a string here and a number there.
            if not (writer.is_connect_bytes and reader.is_connect_bytes):
                key = judged("TYPE_CHANGED", keeps_all(self, writer, reader, path))
                self.add(key, path, _type_name(writer), _type_name(reader))
            return
        for attribute, name in _ANNOTATIONS:
            before, after = getattr(writer, attribute), getattr(reader, attribute)
            if before != after:
                self.add(name, f"{path}/{attribute}")
        rule = self._rules.get(writer.kind)
        if rule is not None:
            rule(self, writer, reader, path)

    def _into_combined(self, writer: Node, reader: CombinedNode, path: str) -> bool:
        """Whether one branch of the reader accepts all of the writer, and so says what the difference is."""
        single = len(reader.branches) == 1
        if not single and reader.criterion is Criterion.ALL:
            return False
        return self._first_accepted(((writer, branch) for branch in reader.branches), path, single, "SUM_TYPE_EXTENDED")

    def _out_of_combined(self, writer: CombinedNode, reader: Node, path: str) -> bool:
        """Whether the reader accepts all of one branch of the writer that every datum fulfils."""
        single = len(writer.branches) == 1
        if not single and writer.criterion is not Criterion.ALL:
            return False
        pairs = ((branch, reader) for branch in writer.branches)
        return self._first_accepted(pairs, path, single, "PRODUCT_TYPE_NARROWED")

    def _first_accepted(self, pairs: Iterable[tuple[Node, Node]], path: str, single: bool, name: str) -> bool:
        for writer, reader in pairs:
            found, broken = self.trial(writer, reader, path, doubtful=True)
            if not broken:
                self._found.extend(found)
                if not single:
                    self.add(name, path)
                return True
        return False


def _presence_change(reader: Node | None) -> str:
    return "SCHEMA_REMOVED" if reader is None else judged("SCHEMA_ADDED", accepts_anything(reader))


def _entries(pair: Pair) -> Entries:
    return pair.own if pair.found is None else pair.found


def _type_name(node: Node) -> str | list[Any]:
    if isinstance(node, CombinedNode) and not node.synthetic:
        return node.criterion.value
    declared = node.raw.get("type") if isinstance(node.raw, dict) else None
    return declared if isinstance(declared, (str, list)) else node.kind.value
