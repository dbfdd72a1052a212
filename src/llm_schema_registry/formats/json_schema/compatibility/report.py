"""The report of a comparison: the differences of all pairs, at the paths that lead to them."""

import heapq
import itertools
from collections import defaultdict
from typing import NamedTuple

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.format import InconsistentComparisonError
from llm_schema_registry.formats.json_schema.compatibility.walk import Entries, Found, Link, Pair

# How far every path is followed: repeated differences, repeated pairs, pairs one inside the other.
_MAX_REPEATS = 1_000
_MAX_DETOURS = 10_000
_MAX_DEPTH = 200
# Characters of a path that cost one step of the budget.
_CHARACTERS_OF_A_STEP = 64


class Line(NamedTuple):
    """A difference at a path.

    Attributes:
        found: the difference.
        path: where, from the root.
        places: how many paths lead to it; 0 for a repetition of a line that has a shorter path.
    """

    found: Found
    path: str
    places: int


def report(found: Entries, accepted: frozenset[str], budget: Budget) -> list[Line]:
    """The differences of a comparison at every path, as the Confluent registry reports them.

    A path ends where it comes to a pair that it has come through. If there are too many paths, accepted differences
    of a pair are reported once, and if there are still too many, each difference once, at its shortest path.

    Args:
        found: the result of `Walk.run`.
        accepted: the names of the differences that count as compatible.
        budget: bounds the work.

    Raises:
        BudgetExceededError: too many differences.
        InconsistentComparisonError: a pair counts as incompatible although no difference says so.
    """
    broken = any(isinstance(entry, Link) and entry.pair.broken for entry in found)
    lines = _Paths(found).lines()
    if lines is None and broken:
        lines = _Paths(found, accepted).lines()
    if lines is None:
        lines = _shortest(found, budget)
    budget.spend(len(lines))
    if broken and all(line.found.name in accepted for line in lines):
        raise InconsistentComparisonError
    return lines


class _Paths:
    """Follows every path, within bounds.

    Args:
        found: the result of the comparison.
        once: the names of the differences that are reported once for each pair.
    """

    __slots__ = ("_detours", "_different", "_found", "_lines", "_met", "_once", "_open", "_repeats")

    def __init__(self, found: Entries, once: frozenset[str] = frozenset()) -> None:
        self._found = found
        self._once = once
        self._different: set[Pair] | None = None
        self._lines: list[tuple[Found, str, Pair | None]] = []
        self._met: dict[Pair, int] = {}
        self._open: set[Pair] = set()
        self._detours = 0
        self._repeats = 0

    def lines(self) -> list[Line] | None:
        """The lines; `None` if there are too many paths."""
        if not self._follow(self._found, "", None, again=False):
            return None
        if all(count == 1 for count in self._met.values()):
            return [Line(entry, path, 1) for entry, path, _ in self._lines]
        return self._counted()

    def _follow(self, found: Entries, path: str, pair: Pair | None, *, again: bool) -> bool:
        """Adds the lines below a path; returns whether there are not too many paths."""
        for entry in found:
            if isinstance(entry, Found):
                if again:
                    if entry.name in self._once:
                        continue
                    self._repeats += 1
                self._lines.append((entry, path + entry.path, pair))
                continue
            inner = entry.pair
            if inner in self._open:
                continue
            met = self._met[inner] = self._met.get(inner, 0) + 1
            if met > 1:
                if not self._is_repeated(inner):
                    continue
                self._detours += 1
            if self._repeats > _MAX_REPEATS or self._detours > _MAX_DETOURS or len(self._open) >= _MAX_DEPTH:
                return False
            self._open.add(inner)
            within_bounds = self._follow(inner.found or [], path + entry.path, inner, again=met > 1)
            self._open.discard(inner)
            if not within_bounds:
                return False
        return True

    def _is_repeated(self, pair: Pair) -> bool:
        if self._once:
            return pair.broken
        if self._different is None:
            self._different = _different(self._found)
        return pair in self._different

    def _counted(self) -> list[Line]:
        repetitions: defaultdict[int, list[int]] = defaultdict(list)
        for index, (entry, _, _) in enumerate(self._lines):
            repetitions[id(entry)].append(index)
        places = [0] * len(self._lines)
        for indexes in repetitions.values():
            shortest = min(indexes, key=lambda index: (len(self._lines[index][1]), self._lines[index][1]))
            entry, _, pair = self._lines[shortest]
            is_once = pair is not None and entry.name in self._once
            places[shortest] = self._met[pair] if is_once and pair is not None else len(indexes)
        return [Line(entry, path, count) for (entry, path, _), count in zip(self._lines, places, strict=True)]


def _different(found: Entries) -> set[Pair]:
    """The pairs that have a difference, or link to one that has."""
    holders: dict[Pair, list[Pair]] = {}
    different: set[Pair] = set()
    pending = [entry.pair for entry in found if isinstance(entry, Link)]
    seen = set(pending)
    while pending:
        pair = pending.pop()
        for entry in pair.found or ():
            if isinstance(entry, Found):
                different.add(pair)
                continue
            holders.setdefault(entry.pair, []).append(pair)
            if entry.pair not in seen:
                seen.add(entry.pair)
                pending.append(entry.pair)
    pending = list(different)
    while pending:
        for holder in holders.get(pending.pop(), ()):
            if holder not in different:
                different.add(holder)
                pending.append(holder)
    return different


def _shortest(found: Entries, budget: Budget) -> list[Line]:
    """Every difference once, at its shortest path, with how many places of the schemas lead to its pair."""
    order = itertools.count()
    met: dict[Pair, int] = {}
    reached: set[Pair] = set()
    lines: list[tuple[Found, str, Pair | None]] = []
    pending: list[tuple[int, int, Entries, _Place]] = [(0, next(order), found, _Place())]
    while pending:
        length, _, entries, place = heapq.heappop(pending)
        if place.pair is not None:
            if place.pair in reached:
                continue
            reached.add(place.pair)
        for entry in entries:
            if isinstance(entry, Found):
                budget.spend(length // _CHARACTERS_OF_A_STEP)
                lines.append((entry, place.path() + entry.path, place.pair))
                continue
            pair = entry.pair
            met[pair] = met.get(pair, 0) + 1
            if pair not in reached:
                inner = _Place(pair, entry.path, place)
                heapq.heappush(pending, (length + len(entry.path), next(order), pair.found or [], inner))
    return [Line(entry, path, 1 if pair is None else met[pair]) for entry, path, pair in lines]


class _Place(NamedTuple):
    """A place that a pair is met at, as a step from the one around it."""

    pair: Pair | None = None
    step: str = ""
    outer: "_Place | None" = None

    def path(self) -> str:
        """The path from the root."""
        steps: list[str] = []
        place: _Place | None = self
        while place is not None:
            steps.append(place.step)
            place = place.outer
        return "".join(reversed(steps))
