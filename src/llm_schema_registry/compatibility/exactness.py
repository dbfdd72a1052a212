"""The policy EXACT: a change is compatible if every payload of one schema is provably valid under the other."""

from collections.abc import Callable
from dataclasses import dataclass

from llm_schema_registry.compatibility.levels import CompatibilityLevel, Direction
from llm_schema_registry.compatibility.witnesses import WITNESS_STEPS, Witness, find_witness, shown
from llm_schema_registry.core.budget import Budget
from llm_schema_registry.core.findings import Finding, Severity
from llm_schema_registry.formats import ParsedSchema, format_of
from llm_schema_registry.formats.containment import Answer, Containment, DecidesContainment

_SIDES = {Direction.BACKWARD: ("version {}", "the new schema"), Direction.FORWARD: ("the new schema", "version {}")}


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of one direction.

    Attributes:
        direction: the promise.
        containment: the result of the proof attempt.
        witness: a payload that breaks, if there is no proof and one was found.
    """

    direction: Direction
    containment: Containment
    witness: Witness | None = None

    @property
    def is_proved(self) -> bool:
        """Whether the promise is kept."""
        return self.containment.answer is Answer.YES


Decide = Callable[[ParsedSchema, ParsedSchema, Direction], Decision]
"""Decides on a candidate and a previous schema, both of one format that `decides_containment`."""


def decides_containment(schema: ParsedSchema) -> bool:
    """Whether the format of a schema has proofs; the policy means STRICT for the others."""
    return isinstance(format_of(schema.schema_type), DecidesContainment)


def decide(
    candidate: ParsedSchema, previous: ParsedSchema, direction: Direction, *, budget: Budget | None = None
) -> Decision:
    """Looks for a proof, and without one for a payload that breaks.

    Args:
        candidate: the new schema.
        previous: the older one, of the same format, which has proofs.
        direction: the promise.
        budget: bounds the proof.

    Raises:
        BudgetExceededError: too much work for the budget.
    """
    format_ = format_of(candidate.schema_type)
    if not isinstance(format_, DecidesContainment):
        raise TypeError(f"{candidate.schema_type} has no proofs of containment")
    reader, writer = (candidate, previous) if direction is Direction.BACKWARD else (previous, candidate)
    containment = format_.containment(reader, writer, budget=budget)
    if containment.answer is Answer.YES:
        return Decision(direction, containment)
    search = Budget(WITNESS_STEPS, "The search for a payload that breaks")
    witness = find_witness(candidate, previous, CompatibilityLevel(direction), search)
    return Decision(direction, containment, witness)


def decision_finding(decision: Decision, version: int) -> Finding:
    """The finding of a decision: what was proved and how, the payload that breaks, or why the question is open."""
    writer, reader = (side.format(version) for side in _SIDES[decision.direction])
    containment, witness = decision.containment, decision.witness
    claim = f"every payload that is valid under {writer} is valid under {reader}"
    fix: str | None = "Make the change in smaller steps, or set compatibilityPolicy to STRICT to compare by rules."
    if decision.is_proved:
        code, severity, fix = "json.CONTAINED", Severity.INFO, None
        message = f"Proved by {containment.proof}: {claim}."
    elif witness is not None:
        code, severity = "json.NOT_CONTAINED", Severity.ERROR
        reading = witness.reading
        message = shown(
            decision.direction, reading.outcome.value, witness.payload, reading.problem, f"version {version}"
        )
        fix = "Accept the payload: undo the part of the change that refuses it."
    else:
        code, severity = "json.CONTAINMENT_OPEN", Severity.ERROR
        message = (
            f"It is not proved that {claim}: {containment.reason}. None of the payloads that were tried breaks. "
            "The policy EXACT counts what is not proved as incompatible."
        )
    return Finding(
        code=code,
        severity=severity,
        path="" if witness is None else witness.reading.path,
        message=message,
        direction=decision.direction,
        against_version=version,
        fix=fix,
        docs=f"reference/findings/json.md#{code.partition('.')[2].lower()}",
    )
