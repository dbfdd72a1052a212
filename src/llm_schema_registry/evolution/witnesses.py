"""Witnesses: a payload that shows an incompatibility, found by writing and reading for real."""

from dataclasses import dataclass
from typing import Any

from llm_schema_registry.budget import Budget, BudgetExceededError
from llm_schema_registry.evolution.levels import CompatibilityLevel, Direction
from llm_schema_registry.formats import Outcome, ParsedSchema, Reading, format_of

WITNESS_STEPS = 20_000
"""Steps for one search: each payload that is tried costs `_PER_PAYLOAD`."""
_PER_PAYLOAD = 20


@dataclass(frozen=True, slots=True)
class Witness:
    """A payload that is valid under the writer's schema, and that the reader's refuses or misreads.

    Attributes:
        direction: BACKWARD: written with the old schema, read with the new one; FORWARD: the other way round.
        payload: the payload as JSON value.
        reading: what the codecs did with it.
    """

    direction: Direction
    payload: Any
    reading: Reading


def find_witness(
    candidate: ParsedSchema, previous: ParsedSchema, level: CompatibilityLevel, budget: Budget | None = None
) -> Witness | None:
    """A payload that breaks one of the promises of `level` between two schemas.

    Args:
        candidate: the new schema.
        previous: the version it is incompatible with.
        level: names the promises.
        budget: bounds the search.

    Returns:
        The first witness in the order of the level's directions, or `None` when none was found within the
        budget: the incompatibility may still be real, or the rule may be stricter than the data demand.
    """
    if candidate.schema_type != previous.schema_type:
        return None
    budget = budget or Budget(WITNESS_STEPS, "The search for a witness")
    for direction in level.directions:
        reader, writer = (candidate, previous) if direction is Direction.BACKWARD else (previous, candidate)
        format_ = format_of(candidate.schema_type)
        try:
            for payload in format_.samples(writer, budget=budget):
                budget.spend(_PER_PAYLOAD)
                reading = format_.read(reader, writer, payload)
                if reading.outcome in (Outcome.REFUSED, Outcome.MISREAD):
                    return Witness(direction, payload, reading)
        except BudgetExceededError:
            return None
    return None
