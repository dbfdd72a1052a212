"""Walking two models side by side: the frame in which every rule of comparison runs."""

from collections.abc import Callable, Mapping
from typing import Any

from llm_schema_registry.budget import Budget
from llm_schema_registry.formats.format import Impact
from llm_schema_registry.formats.jsonschema.compatibility.narrowing import accepts_anything, judged, keeps_all
from llm_schema_registry.formats.jsonschema.differences import ROWS
from llm_schema_registry.formats.jsonschema.model import CombinedNode, Criterion, Kind, Node, resolved

Found = tuple[str, str, str, Any, Any]
"""A difference on the way: its type's name, path, detail, writer's and reader's value."""

Rule = Callable[["Walk", Any, Any, str], None]
"""Adds the differences of two nodes of one kind."""

_COMPOUND = frozenset({Kind.OBJECT, Kind.ARRAY, Kind.COMBINED, Kind.NOT})
_ANNOTATIONS = (
    ("id", "ID_CHANGED"),
    ("title", "TITLE_CHANGED"),
    ("description", "DESCRIPTION_CHANGED"),
    ("default", "DEFAULT_CHANGED"),
)
# Repeating a difference at another path costs this much of the budget: a few references can multiply paths.
_REPEAT_COST = 8
# Comparing two objects or arrays takes as long as several other steps do.
_PAIR_COST = 3


class Walk:
    """One comparison of two models.

    Recursive schemas are compared as a greatest fixed point, memorised by pairs of nodes: a pair that is met again
    while it is being compared counts as compatible; if it then proves incompatible, everything is compared once more
    with that knowledge, until no assumption is refuted.

    Args:
        rules: the rule of each kind that has constraints of its own.
        accepted: the impacts that count as compatible when a branch is tried.
        budget: bounds the work.

    Attributes:
        found: the differences so far.
        broken: whether any of them is not accepted.
    """

    __slots__ = (
        "_accepted",
        "_active",
        "_assumed",
        "_memo",
        "_refuted",
        "_rules",
        "broken",
        "budget",
        "found",
    )

    def __init__(self, rules: Mapping[Kind, Rule], accepted: frozenset[Impact], budget: Budget) -> None:
        self._rules = rules
        self._accepted = frozenset(name for name, row in ROWS.items() if row.impact in accepted)
        self.budget = budget
        self.found: list[Found] = []
        self.broken = False
        self._memo: dict[tuple[int, int], tuple[str, list[Found], bool]] = {}
        self._active: set[tuple[int, int]] = set()
        self._assumed: set[tuple[int, int]] = set()
        self._refuted: set[tuple[int, int]] = set()

    def run(self, writer: Node, reader: Node) -> list[Found]:
        """All differences of two models."""
        while True:
            known = len(self._refuted)
            found, _ = self.trial(writer, reader, "#")
            if len(self._refuted) == known:
                return found
            self._memo.clear()

    def add(self, name: str, path: str, writer: Any = None, reader: Any = None, detail: str = "") -> None:
        """Notes a difference."""
        self.found.append((name, path, detail, writer, reader))
        if name not in self._accepted:
            self.broken = True

    def breaks(self, name: str) -> bool:
        """Whether a difference of this type keeps two branches from being partners."""
        return name not in self._accepted

    def extend(self, found: list[Found], broken: bool) -> None:
        """Notes the differences of a trial."""
        self.found.extend(found)
        self.broken |= broken

    def trial(self, writer: Node, reader: Node, path: str) -> tuple[list[Found], bool]:
        """Compares without noting: the differences, and whether any of them is not accepted."""
        outer, outer_broken = self.found, self.broken
        self.found, self.broken = [], False
        self.compare(writer, reader, path)
        result = self.found, self.broken
        self.found, self.broken = outer, outer_broken
        return result

    def compare(self, writer: Node | None, reader: Node | None, path: str) -> None:
        """Notes the differences between two schemas at a path; `None` is no schema."""
        self.budget.spend()
        if writer is None or reader is None:
            if writer is not reader:
                self.add(_presence_change(reader), path)
            return
        writer, reader = resolved(writer), resolved(reader)
        if writer is reader:
            return
        if writer.kind not in _COMPOUND and reader.kind not in _COMPOUND:
            self._compare_nodes(writer, reader, path)
            return
        pair = (id(writer), id(reader))
        known = self._memo.get(pair)
        if known is not None:
            self._repeat(*known, path)
        elif pair not in self._active:
            self._compare_pair(pair, writer, reader, path)
        elif pair in self._refuted:
            self.broken = True
        else:
            self._assumed.add(pair)

    def _compare_pair(self, pair: tuple[int, int], writer: Node, reader: Node, path: str) -> None:
        outer, outer_broken = self.found, self.broken
        self.found, self.broken = [], False
        self._active.add(pair)
        self.budget.spend(_PAIR_COST)
        self._compare_nodes(writer, reader, path)
        self._active.discard(pair)
        found, broken = self.found, self.broken
        if broken and pair in self._assumed:
            self._refuted.add(pair)
        self._memo[pair] = (path, found, broken)
        self.found, self.broken = outer, outer_broken
        self.extend(found, broken)

    def _repeat(self, original: str, found: list[Found], broken: bool, path: str) -> None:
        self.budget.spend(_REPEAT_COST * len(found))
        start = len(original)
        self.extend([(name, path + place[start:], *rest) for name, place, *rest in found], broken)

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

    def _first_accepted(self, pairs: Any, path: str, single: bool, name: str) -> bool:
        for writer, reader in pairs:
            found, broken = self.trial(writer, reader, path)
            if not broken:
                self.found.extend(found)
                if not single:
                    self.add(name, path)
                return True
        return False


def _presence_change(reader: Node | None) -> str:
    return "SCHEMA_REMOVED" if reader is None else judged("SCHEMA_ADDED", accepts_anything(reader))


def _type_name(node: Node) -> str | list[Any]:
    if isinstance(node, CombinedNode) and not node.synthetic:
        return node.criterion.value
    declared = node.raw.get("type") if isinstance(node.raw, dict) else None
    return declared if isinstance(declared, (str, list)) else node.kind.value
