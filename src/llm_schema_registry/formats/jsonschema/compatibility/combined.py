"""Comparing `allOf`, `anyOf`, `oneOf` and `not`."""

from typing import Any

import msgspec

from llm_schema_registry.formats.jsonschema.compatibility.matching import maximum_matching
from llm_schema_registry.formats.jsonschema.compatibility.walk import Found, Walk
from llm_schema_registry.formats.jsonschema.model import CombinedNode, Criterion, Node, NotNode

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


def _likeness(branch: Node) -> Any:
    """What two branches that are probably meant to be the same have in common."""
    return branch.kind if branch.raw is None else _encode(branch.raw)


def _distinct(node: CombinedNode) -> list[tuple[int, Any, Node]]:
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

    The keyword may widen to `anyOf`, or not matter for lack of a second branch. Branches are matched so that as many as
    possible have a compatible partner; what matched partners differ in is noted, the rest is named as a whole.
    """
    if writer.criterion is not reader.criterion:
        single = len(writer.branches) == 1 == len(reader.branches)
        if reader.criterion is not Criterion.ANY and not single:
            walk.add("COMBINED_TYPE_CHANGED", path, writer.criterion, reader.criterion)
            return
        walk.add("COMBINED_TYPE_EXTENDED", path, writer.criterion, reader.criterion)
    if not writer.synthetic:
        path = f"{path}/{writer.criterion}"
    before, after = _distinct(writer), _distinct(reader)
    if len(before) < len(after):
        name = "PRODUCT_TYPE_EXTENDED" if reader.criterion is Criterion.ALL else "SUM_TYPE_EXTENDED"
        walk.add(name, path, f"{len(before)} branches", f"{len(after)} branches")
    elif len(before) > len(after):
        name = "PRODUCT_TYPE_NARROWED" if writer.criterion is Criterion.ALL else "SUM_TYPE_NARROWED"
        walk.add(name, path, f"{len(before)} branches", f"{len(after)} branches")
    smaller = min(len(before), len(after))
    if _match_equal(walk, before, after, path) + _match_others(walk, before, after, path) < smaller:
        walk.add("COMBINED_TYPE_SUBSCHEMAS_CHANGED", path)


def _branch_path(index: int, branch: Node, path: str) -> str:
    return path if branch.raw is None else f"{path}/{index}"


def _match_equal(walk: Walk, before: list[tuple[int, Any, Node]], after: list[tuple[int, Any, Node]], path: str) -> int:
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


def _match_others(
    walk: Walk, before: list[tuple[int, Any, Node]], after: list[tuple[int, Any, Node]], path: str
) -> int:
    edges: list[list[int]] = []
    results: dict[tuple[int, int], list[Found]] = {}
    for position, (index, _, branch) in enumerate(before):
        place = _branch_path(index, branch, path)
        compatible = []
        for partner, (_, _, other) in enumerate(after):
            found, broken = walk.trial(branch, other, place)
            if not broken:
                results[position, partner] = found
                compatible.append(partner)
        compatible.sort(key=lambda partner: len(results[position, partner]))
        edges.append(compatible)
    matched = 0
    for position, chosen in enumerate(maximum_matching(edges, len(after))):
        if chosen is not None:
            matched += 1
            walk.extend(results[position, chosen], broken=False)
    return matched


def compare_not(walk: Walk, writer: NotNode, reader: NotNode, path: str) -> None:
    """Notes how two negations differ: excluding less is compatible, so the excluded are compared in reverse."""
    path = f"{path}/not"
    found, broken = walk.trial(reader.negated, writer.negated, path)
    if broken:
        walk.add("NOT_TYPE_EXTENDED", path)
    elif found:
        walk.add("NOT_TYPE_NARROWED", path)
