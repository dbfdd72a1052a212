"""Witnesses: a payload that shows an incompatibility, found by writing and reading for real."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from llm_schema_registry.compatibility.levels import CompatibilityLevel, Direction
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Format, Outcome, ParsedSchema, Reading, format_of

WITNESS_STEPS = 20_000
"""Steps for one search: each payload that is tried costs `_PER_PAYLOAD`."""
_PER_PAYLOAD = 20
_PAYLOAD_LIMIT = 2_000
_VERBS = {"refused": "is refused by", "misread": "is misread by"}
# A payload with more values has so many variations that they leave no steps for others.
_FEW_PLACES = 12
# The first samples are varied whatever their size: one with little, one with all that is declared.
_VARIED_AT_ONCE = 2
# Samples of the writer before each one of the reader.
_AT_A_TIME = 5
# Values of every JSON type, one of which a reader that is strict about a place refuses there.
_STRANGE: tuple[Any, ...] = ("text", 1.5, True, None, [], {})


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
    candidate: ParsedSchema,
    previous: ParsedSchema,
    level: CompatibilityLevel,
    budget: Budget | None = None,
    *,
    inline: bool = False,
) -> Witness | None:
    """A payload that breaks one of the promises of `level` between two schemas.

    Args:
        candidate: the new schema.
        previous: the version it is incompatible with.
        level: names the promises.
        budget: bounds the search.
        inline: whether work that is not provably cheap ends it; the budget is then exceeded.

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
        tried = set()
        try:
            for payload in _payloads(format_, reader, writer, budget, inline):
                key = repr(payload)
                if key in tried:
                    budget.spend()
                    continue
                tried.add(key)
                budget.spend(_PER_PAYLOAD)
                reading = format_.read(reader, writer, payload, inline=inline)
                if reading.outcome in (Outcome.REFUSED, Outcome.MISREAD):
                    return Witness(direction, payload, reading)
        except BudgetExceededError:
            # Some of the work may be refused before it is counted.
            budget.left = min(budget.left, -1)
            return None
    return None


def shown(direction: str, outcome: str, payload: Any, problem: str, older: str) -> str:
    """The sentence that shows a payload that breaks.

    Args:
        direction: the promise that it breaks.
        outcome: `refused` or `misread`.
        payload: as JSON value.
        problem: what the reader reported.
        older: what the older schema is called (`version 3`).
    """
    newer = "the new schema"
    writer, reader = (older, newer) if direction == Direction.BACKWARD else (newer, older)
    text = msgspec.json.encode(payload).decode()
    if len(text) > _PAYLOAD_LIMIT:
        text = f"{text[:_PAYLOAD_LIMIT]}… ({len(text)} characters)"
    said = f" {problem}" if problem else ""
    return f"This payload, valid under {writer}, {_VERBS[outcome]} {reader}: {text}{said}"


def _payloads(
    format_: Format, reader: ParsedSchema, writer: ParsedSchema, budget: Budget, inline: bool
) -> Iterator[Any]:
    """The writer's samples, and in between the reader's with one place changed, small ones first.

    A writer may allow what its schema does not name. What the reader expects there says where to look; `Format.read`
    tells which of these payloads the writer could have written.
    """
    written = format_.samples(writer, budget=budget, inline=inline)
    large = []
    for number, sample in enumerate(format_.samples(reader, budget=budget, inline=inline)):
        yield from itertools.islice(written, _AT_A_TIME)
        if number >= _VARIED_AT_ONCE and _places(sample) > _FEW_PLACES:
            large.append(sample)
        else:
            yield from _variations(sample, budget)
    yield from written
    for sample in large:
        yield from _variations(sample, budget)


def _places(payload: Any) -> int:
    """How many values a payload has, itself and those inside."""
    inner = payload.values() if isinstance(payload, dict) else payload if isinstance(payload, list) else ()
    return 1 + sum(map(_places, inner))


def _variations(payload: Any, budget: Budget) -> Iterator[Any]:
    """The payload with one of its places holding something else, or missing."""
    yield from (value for value in _STRANGE if value != payload)
    if isinstance(payload, dict):
        for key, value in payload.items():
            budget.spend(len(payload))
            yield {name: other for name, other in payload.items() if name != key}
            for changed in _variations(value, budget):
                budget.spend(len(payload))
                yield {**payload, key: changed}
    elif isinstance(payload, list):
        for index, value in enumerate(payload):
            budget.spend(len(payload))
            yield [*payload[:index], *payload[index + 1 :]]
            for changed in _variations(value, budget):
                budget.spend(len(payload))
                yield [*payload[:index], changed, *payload[index + 1 :]]
