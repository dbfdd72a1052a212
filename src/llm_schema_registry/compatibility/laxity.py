"""Laxity: breaks that the rules overlook, found by writing and reading payloads.

The rules of the reference call some changes compatible although a payload breaks (overlapping branches of `oneOf`,
keywords that are not compared, integers that do not fit). The verdict stays; the payload becomes a warning.
"""

from collections.abc import Sequence

from llm_schema_registry.compatibility.exactness import decides_containment
from llm_schema_registry.compatibility.levels import CompatibilityLevel, Direction, Policy
from llm_schema_registry.compatibility.witnesses import WITNESS_STEPS, Witness, find_witness, shown
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.core.findings import Finding, Severity
from llm_schema_registry.formats import Difference, ParsedSchema, format_of

_SEARCH = "The search for a payload that breaks"
VERSIONS_SEARCHED = 5
"""How many of the newest versions are searched."""


def overlooked_break(
    candidate: ParsedSchema,
    history: Sequence[tuple[int, ParsedSchema]],
    level: CompatibilityLevel,
    policy: Policy = Policy.STRICT,
    *,
    older: str = "",
    steps: int = WITNESS_STEPS,
) -> Finding | None:
    """A warning with a payload that breaks although the change is compatible by the rules.

    Args:
        candidate: the new schema, compatible with every version of `history`.
        history: (version, schema), newest first; the newest few are searched.
        level: names the promises.
        policy: as in the check, to name the nearest difference.
        older: what the older schema is called; by default `version N`.
        steps: bounds the search for one version and one direction; with less than `WITNESS_STEPS`, work that is not
            provably cheap ends it.

    Returns:
        The warning for the first payload found, or `None`: none of those that were tried breaks.

    Raises:
        BudgetExceededError: with less than `WITNESS_STEPS` steps the search came to no end.
    """
    if policy is Policy.EXACT and decides_containment(candidate):
        # What is compatible is proved.
        return None
    format_ = format_of(candidate.schema_type)
    inline = steps < WITNESS_STEPS
    for version, previous in history[:VERSIONS_SEARCHED]:
        if previous.schema_type != candidate.schema_type or format_.equivalent(candidate, previous):
            continue
        for direction in level.directions:
            budget = Budget(steps, _SEARCH)
            witness = find_witness(candidate, previous, CompatibilityLevel(direction), budget, inline=inline)
            if witness is not None:
                nearest = _nearest_difference(candidate, previous, witness, policy)
                return _warning(witness, nearest, version, older or f"version {version}")
            if budget.left < 0 and inline:
                raise BudgetExceededError(_SEARCH)
    return None


def _warning(witness: Witness, nearest: Difference | None, version: int, older: str) -> Finding:
    reading = witness.reading
    place = "" if nearest is None else f" The nearest difference is {nearest.type.name} at '{nearest.path}'."
    payload = shown(witness.direction, reading.outcome.value, witness.payload, reading.problem, older)
    return Finding(
        code="schema.OVERLOOKED_BREAK",
        severity=Severity.WARNING,
        path="" if nearest is None else nearest.path,
        message=f"The rules call this change compatible, but a payload breaks.{place} {payload}",
        direction=witness.direction,
        against_version=version,
        fix="Undo the change that the payload shows, or make sure that no such data exists.",
        docs="reference/findings/schema.md#overlooked_break",
    )


def _nearest_difference(
    candidate: ParsedSchema, previous: ParsedSchema, witness: Witness, policy: Policy
) -> Difference | None:
    """The difference whose place is nearest to the value that breaks; `None` if the rules see no difference."""
    backward = witness.direction is Direction.BACKWARD
    reader, writer = (candidate, previous) if backward else (previous, candidate)
    try:
        found = format_of(reader.schema_type).compare(reader, writer, lenient=policy is Policy.LENIENT)
    except BudgetExceededError:
        return None
    place = [part for part in witness.reading.path.split("/") if part and not part.isdigit()]
    if len(found) > 1 and not place:
        return None
    return max(found, key=lambda each: (_shared(place, each.path.split("/")), -len(each.path)), default=None)


def _shared(place: Sequence[str], path: Sequence[str]) -> int:
    """How many names of a place in a payload are met, in order, on a path in a schema."""
    met = 0
    for part in path:
        if met < len(place) and part == place[met]:
            met += 1
    return met
