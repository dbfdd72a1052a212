"""Comparing `allOf`, `anyOf`, `oneOf` and `not`."""

import functools
from typing import Any

import msgspec

from llm_schema_registry.findings import shortened
from llm_schema_registry.formats.jsonschema.compatibility.matching import maximum_matching
from llm_schema_registry.formats.jsonschema.compatibility.narrowing import judged, keeps_all, refines
from llm_schema_registry.formats.jsonschema.compatibility.walk import Walk
from llm_schema_registry.formats.jsonschema.differences import ROWS
from llm_schema_registry.formats.jsonschema.model import CombinedNode, Criterion, Node, NotNode, resolved

_Branch = tuple[int, Any, Node]
"""A branch with its index and its likeness."""

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


def _likeness(branch: Node) -> Any:
    """What two branches that are probably meant to be the same have in common."""
    return branch.kind if branch.raw is None else _encode(branch.raw)


def _distinct(node: CombinedNode) -> list[_Branch]:
    """The branches without repetitions, each with its index and its likeness."""
    seen = set()
    branches = []
    for index, branch in enumerate(node.branches):
        likeness = _likeness(branch)
        if branch.raw is None or likeness not in seen:
            seen.add(likeness)
            branches.append((index, likeness, branch))
    return branches


def compare_combined(walk: Walk, writer: CombinedNode, reader: CombinedNode, path: str) -> None:
    """Notes how two combinations differ.

    Branches are matched so that as many as possible have a compatible partner; what matched partners differ in is
    noted, the rest is named as a whole.
    """
    keeps = functools.cache(lambda: keeps_all(walk, writer, reader, path))
    if writer.criterion is not reader.criterion:
        if not _may_change_criterion(writer, reader):
            walk.add(judged("COMBINED_TYPE_CHANGED", keeps()), path, writer.criterion, reader.criterion)
            return
        walk.add("COMBINED_TYPE_EXTENDED", path, writer.criterion, reader.criterion)
    if not writer.synthetic:
        path = f"{path}/{writer.criterion}"
    before, after = _distinct(writer), _distinct(reader)
    if len(before) < len(after):
        name = "PRODUCT_TYPE_EXTENDED" if reader.criterion is Criterion.ALL else "SUM_TYPE_EXTENDED"
        key = judged(name, keeps()) if walk.breaks(name) else name
        walk.add(key, path, f"{len(before)} branches", f"{len(after)} branches")
    elif len(before) > len(after):
        name = "PRODUCT_TYPE_NARROWED" if writer.criterion is Criterion.ALL else "SUM_TYPE_NARROWED"
        key = judged(name, keeps()) if walk.breaks(name) else name
        walk.add(key, path, f"{len(before)} branches", f"{len(after)} branches")
    smaller = min(len(before), len(after))
    matched = _match_equal(walk, before, after, path)
    pairs = _Pairs(walk, before, after, path)
    if matched + pairs.match() < smaller:
        key = judged("COMBINED_TYPE_SUBSCHEMAS_CHANGED", keeps())
        walk.add(key, path, detail=pairs.failure(writer, reader))


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


def _match_equal(walk: Walk, before: list[_Branch], after: list[_Branch], path: str) -> int:
    """Takes out the pairs that read the same and have no difference: the many that most changes leave alone."""
    by_likeness = {likeness: position for position, (_, likeness, _) in enumerate(after)}
    taken_before, taken_after = set(), set()
    for position, (index, likeness, branch) in enumerate(before):
        partner = by_likeness.get(likeness)
        if partner is None or partner in taken_after:
            continue
        found, broken = walk.trial(branch, after[partner][2], _branch_path(index, branch, path))
        if not found and not broken:
            taken_before.add(position)
            taken_after.add(partner)
    before[:] = [entry for position, entry in enumerate(before) if position not in taken_before]
    after[:] = [entry for position, entry in enumerate(after) if position not in taken_after]
    return len(taken_before)


class _Pairs:
    """The branches that are left on both sides, compared each with each.

    Args:
        walk: the comparison; every trial is part of it.
        before: the writer's branches, each with its index and likeness.
        after: the reader's.
        path: of the combination.
    """

    def __init__(self, walk: Walk, before: list[_Branch], after: list[_Branch], path: str) -> None:
        self._walk = walk
        self._before, self._after = before, after
        self._places = [_branch_path(index, branch, path) for index, _, branch in before]
        self._trials = {
            (position, partner): walk.trial(branch, other, self._places[position])
            for position, (_, _, branch) in enumerate(before)
            for partner, (_, _, other) in enumerate(after)
        }
        self._partners: list[int | None] = []

    def match(self) -> int:
        """Matches as many compatible pairs as possible, notes what they differ in, and returns their number."""
        edges = []
        for position in range(len(self._before)):
            compatible = [partner for partner in range(len(self._after)) if not self._trials[position, partner][1]]
            compatible.sort(key=lambda partner: len(self._trials[position, partner][0]))
            edges.append(compatible)
        self._partners = maximum_matching(edges, len(self._after))
        matched = [(position, partner) for position, partner in enumerate(self._partners) if partner is not None]
        for pair in matched:
            self._walk.extend(self._trials[pair][0], broken=False)
        return len(matched)

    def failure(self, writer: CombinedNode, reader: CombinedNode) -> str:
        """Which branch has no partner, and in what it differs from the branch that is nearest to it.

        The branch is one of the side that has fewer: of that side every branch should have found a partner.
        """
        if len(self._before) <= len(self._after):
            position = self._partners.index(None)
            pairs = [(position, partner) for partner in range(len(self._after))]
        else:
            partner = next(each for each in range(len(self._after)) if each not in self._partners)
            pairs = [(position, partner) for position in range(len(self._before))]
        nearest = min(pairs, key=self._distance)
        old, new = _branch_name(writer, self._before[nearest[0]]), _branch_name(reader, self._after[nearest[1]])
        sides = f"{old} of the writer and {new} of the reader are the nearest"
        found, broken = self._trials[nearest]
        breaking = next((each for each in found if self._walk.breaks(each[0])), None)
        if breaking is None:
            return sides if broken else f"{sides}, but a branch counts for one other branch only"
        name, path, inner, *values = breaking
        inside = path[len(self._places[nearest[0]]) :].lstrip("/")
        where = f" at {inside}" if inside else ""
        why = inner if ROWS[name].name == "COMBINED_TYPE_SUBSCHEMAS_CHANGED" else _values(*values)
        return shortened(f"{sides}, and differ by {ROWS[name].name}{where}{f' ({why})' if why else ''}", 400)

    def _distance(self, pair: tuple[int, int]) -> tuple[bool, int, bool]:
        """How far the branches of a pair are apart: by kind, by breaking differences, then by their places."""
        (index, _, old), (other_index, _, new) = self._before[pair[0]], self._after[pair[1]]
        breaking = sum(self._walk.breaks(name) for name, *_ in self._trials[pair][0])
        return resolved(old).kind is not resolved(new).kind, breaking, index != other_index


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
    elif found:
        walk.add("NOT_TYPE_NARROWED", path)
