"""Comparing `allOf`, `anyOf`, `oneOf` and `not`."""

import functools
from collections.abc import Sequence
from typing import Any

from llm_schema_registry.core.findings import shortened
from llm_schema_registry.formats.json_schema.compatibility.bipartite import maximum_matching
from llm_schema_registry.formats.json_schema.compatibility.likeness import likenesses
from llm_schema_registry.formats.json_schema.compatibility.refinement import judged, keeps_all, refines
from llm_schema_registry.formats.json_schema.compatibility.walk import Entries, Explanation, Found, Walk
from llm_schema_registry.formats.json_schema.differences import ROWS
from llm_schema_registry.formats.json_schema.model import CombinedNode, Criterion, Node, NotNode, possible

_Branch = tuple[int, Any, Node]
"""A branch with its index and its likeness."""

_FAILURE = "COMBINED_TYPE_SUBSCHEMAS_CHANGED"
# How many failures of combinations one inside the other are explained.
_MAX_REASONS = 3


def _distinct(node: CombinedNode, keys: Sequence[Any]) -> list[_Branch]:
    """The branches without repetitions, each with its index and its likeness."""
    seen = set()
    branches = []
    for index, (branch, likeness) in enumerate(zip(node.branches, keys, strict=True)):
        if branch.raw is None or likeness not in seen:
            seen.add(likeness)
            branches.append((index, likeness, branch))
    return branches


def compare_combined(walk: Walk, writer: CombinedNode, reader: CombinedNode, path: str) -> None:
    """Notes how two combinations differ.

    Branches are matched so that as many as possible have a compatible partner; what matched partners differ in is
    noted, the rest is named as a whole.
    """
    keeps: bool | None = None

    def note(name: str, before: Any = None, after: Any = None, detail: str | Explanation = "") -> None:
        nonlocal keeps
        if walk.breaks(name):
            if keeps is None:
                keeps = keeps_all(walk, writer, reader, own_path)
            name = judged(name, keeps)
        walk.add(name, path, before, after, detail)

    own_path = path
    if writer.criterion is not reader.criterion:
        if not _may_change_criterion(writer, reader):
            note("COMBINED_TYPE_CHANGED", writer.criterion, reader.criterion)
            return
        walk.add("COMBINED_TYPE_EXTENDED", path, writer.criterion, reader.criterion)
    if not writer.synthetic:
        path = f"{path}/{writer.criterion}"
    keys = likenesses(writer.branches, reader.branches)
    before, after = _distinct(writer, keys[0]), _distinct(reader, keys[1])
    if len(before) < len(after):
        name = "PRODUCT_TYPE_EXTENDED" if reader.criterion is Criterion.ALL else "SUM_TYPE_EXTENDED"
        note(name, f"{len(before)} branches", f"{len(after)} branches")
    elif len(before) > len(after):
        name = "PRODUCT_TYPE_NARROWED" if writer.criterion is Criterion.ALL else "SUM_TYPE_NARROWED"
        note(name, f"{len(before)} branches", f"{len(after)} branches")
    smaller = min(len(before), len(after))
    matched = _match_same(walk, before, after, path)
    pairs = _Pairs(walk, before, after, path)
    if matched + pairs.match() < smaller:
        note(_FAILURE, detail=functools.partial(pairs.failure, writer, reader))


def _may_change_criterion(writer: CombinedNode, reader: CombinedNode) -> bool:
    """Whether another keyword extends the combination (Confluent's rule).

    A single branch means the same under every keyword. A single branch may become one of several choices, and a
    single branch of the reader may take the place of several conditions.
    """
    single, single_after = len(writer.branches) == 1, len(reader.branches) == 1
    return (
        reader.criterion is Criterion.ANY
        or (single and (single_after or reader.criterion is Criterion.ONE))
        or (single_after and writer.criterion is Criterion.ALL)
    )


def _branch_path(index: int, branch: Node, path: str) -> str:
    return path if branch.raw is None else f"{path}/{index}"


def _match_same(walk: Walk, before: list[_Branch], after: list[_Branch], path: str) -> int:
    """Takes out the pairs that are the same: the many that most changes leave alone."""
    by_likeness = {likeness: position for position, (_, likeness, _) in enumerate(after)}
    taken_before, taken_after = set(), set()
    for position, (index, likeness, branch) in enumerate(before):
        partner = by_likeness.get(likeness)
        if partner is None or partner in taken_after:
            continue
        found, broken = walk.trial(branch, after[partner][2], _branch_path(index, branch, path))
        if not broken and (not found or walk.same(branch, after[partner][2])):
            taken_before.add(position)
            taken_after.add(partner)
    before[:] = [entry for position, entry in enumerate(before) if position not in taken_before]
    after[:] = [entry for position, entry in enumerate(after) if position not in taken_after]
    return len(taken_before)


class _Pairs:
    """The branches that are left on both sides, compared as far as necessary.

    Args:
        walk: the comparison; every trial is part of it.
        before: the writer's branches, each with its index and likeness.
        after: the reader's.
        path: of the combination.
    """

    def __init__(self, walk: Walk, before: list[_Branch], after: list[_Branch], path: str) -> None:
        self._walk = walk
        self._before, self._after = before, after
        self._path = path
        self._compatible: dict[tuple[int, int], Entries] = {}
        # Pairs that read the same and do not fit.
        self._misfits: set[tuple[int, int]] = set()
        self._partners: list[int | None] = []

    def match(self) -> int:
        """Matches as many compatible pairs as possible, notes what they differ in, and returns their number.

        Branches that read the same are tried first: mostly they are all there is to try.
        """
        if not self._before or not self._after:
            return 0
        by_likeness = {likeness: partner for partner, (_, likeness, _) in enumerate(self._after)}
        known: dict[int, int] = {}
        for position, (_, likeness, _) in enumerate(self._before):
            partner = by_likeness.get(likeness)
            if partner is None:
                continue
            if self._fits(position, partner, doubtful=False):
                known[position] = by_likeness.pop(likeness)
            else:
                self._misfits.add((position, partner))
        self._partners = maximum_matching(len(self._before), len(self._after), self._fitting, known)
        matched = [(position, partner) for position, partner in enumerate(self._partners) if partner is not None]
        for pair in matched:
            self._walk.extend(self._compatible[pair], broken=False)
        return len(matched)

    def _fits(self, position: int, partner: int, *, doubtful: bool) -> bool:
        if (position, partner) in self._misfits:
            return False
        found, broken = self._trial(position, partner, doubtful=doubtful)
        if not broken:
            self._compatible[position, partner] = found
        return not broken

    def _fitting(self, position: int) -> list[int]:
        partners = [partner for partner in range(len(self._after)) if self._fits(position, partner, doubtful=True)]
        return sorted(partners, key=lambda partner: len(self._compatible[position, partner]))

    def _trial(self, position: int, partner: int, *, doubtful: bool) -> tuple[Entries, bool]:
        index, _, branch = self._before[position]
        place = _branch_path(index, branch, self._path)
        return self._walk.trial(branch, self._after[partner][2], place, doubtful=doubtful)

    def failure(self, writer: CombinedNode, reader: CombinedNode, depth: int = 0) -> str:
        """Which branch has no partner, and in what it differs from the branch that is nearest to it.

        The branch is one of the side that has fewer: of that side every branch should have found a partner. `depth`
        counts the failures that this one is a reason of.
        """
        pairs = self._unmatched_pairs()
        trials = {pair: self._trial(*pair, doubtful=True) for pair in pairs}
        breaking = {pair: self._walk.breaking(found) for pair, (found, _) in trials.items()}
        nearest = pairs[0] if len(pairs) == 1 else min(pairs, key=lambda pair: self._distance(pair, breaking[pair]))
        index, _, branch = self._before[nearest[0]]
        old, new = _branch_name(writer, self._before[nearest[0]]), _branch_name(reader, self._after[nearest[1]])
        sides = f"{old} of the writer and {new} of the reader are the nearest"
        if not breaking[nearest]:
            return sides if trials[nearest][1] else f"{sides}, but a branch counts for one other branch only"
        first = next((each for each in breaking[nearest] if not _is_failure(each)), breaking[nearest][0])
        inside = first.path[len(_branch_path(index, branch, self._path)) :].lstrip("/")
        where = f" at {inside}" if inside else ""
        name = ROWS[first.name].name
        if _is_failure(first):
            why = first.explained(depth + 1) if depth < _MAX_REASONS else ""
        else:
            why = _values(first.writer, first.reader)
        return shortened(f"{sides}, and differ by {name}{where}{f' ({why})' if why else ''}", 400)

    def _unmatched_pairs(self) -> list[tuple[int, int]]:
        """The pairs that lack: of branches that read the same, or if there are none, of one branch with all others."""
        by_likeness = {likeness: partner for partner, (_, likeness, _) in enumerate(self._after)}
        alike = [
            (position, by_likeness[likeness])
            for position, (_, likeness, _) in enumerate(self._before)
            if self._partners[position] is None and likeness in by_likeness
        ]
        if alike:
            return alike
        if len(self._before) <= len(self._after):
            position = self._partners.index(None)
            return [(position, partner) for partner in range(len(self._after))]
        partner = next(each for each in range(len(self._after)) if each not in self._partners)
        return [(position, partner) for position in range(len(self._before))]

    def _distance(self, pair: tuple[int, int], breaking: list[Found]) -> tuple[bool, bool, int, bool]:
        """How far the branches of a pair are apart: by kind, by breaking differences, then by their places.

        A difference inside is nearer than branches that have no partner, which need another explanation.
        """
        (index, _, old), (other_index, _, new) = self._before[pair[0]], self._after[pair[1]]
        is_nested = bool(breaking) and all(map(_is_failure, breaking))
        return possible(old).kind is not possible(new).kind, is_nested, len(breaking), index != other_index


def _is_failure(found: Found) -> bool:
    return ROWS[found.name].name == _FAILURE


def _values(before: Any, after: Any) -> str:
    sides = (("writer", before), ("reader", after))
    return ", ".join(f"{side}: {shortened(str(value), 60)}" for side, value in sides if value is not None)


def _branch_name(node: CombinedNode, entry: _Branch) -> str:
    index, _, branch = entry
    if branch.raw is not None:
        return f"{node.criterion}/{index}"
    return branch.criterion.value if isinstance(branch, CombinedNode) else branch.kind.value


def compare_not(walk: Walk, writer: NotNode, reader: NotNode, path: str) -> None:
    """Notes how two negations differ: excluding less is compatible, so the excluded are compared in reverse."""
    path = f"{path}/not"
    found, broken = walk.trial(reader.negated, writer.negated, path)
    if broken:
        walk.add(judged("NOT_TYPE_EXTENDED", refines(walk, reader.negated, writer.negated, path)), path)
    elif any(walk.differences(found)):
        walk.add("NOT_TYPE_NARROWED", path)
