"""The decision whether one JSON Schema contains another."""

from collections.abc import Sequence

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.containment import Answer, Containment, Proof
from llm_schema_registry.formats.json_schema.containment.bundle import (
    Bundle,
    Formats,
    Schema,
    UnsupportedError,
    bundle,
    references_in,
)
from llm_schema_registry.formats.json_schema.containment.claims import Claims, Prover
from llm_schema_registry.formats.json_schema.containment.prover import covers, covers_in_draft_4
from llm_schema_registry.formats.json_schema.containment.rules import RULES
from llm_schema_registry.formats.json_schema.dialects import DRAFT_4, dialect_of
from llm_schema_registry.formats.json_schema.schema import JsonSchema

# Steps for one search by rules, which take about a second; each case of each combination is one.
_SHARE = 200_000
_TOO_DEEP = "the schemas are nested too deeply"
_OPEN = "neither the structural rules nor the containment prover decide it"
_CONTENT = "the structural rules do not decide it, and the containment prover reads no content keywords"
_DISPROVED = "the containment prover denies it"


def containment(reader: JsonSchema, writer: JsonSchema, budget: Budget) -> Containment:
    """Whether `reader` accepts every payload of `writer`, which is not equal to it.

    Native work without a bound: to be run in a sandbox. `format` is an assertion for some validators and an annotation
    for others, so the answer is yes only if it is yes for both.

    Raises:
        BudgetExceededError: too much work.
    """
    weakest = Containment(Answer.YES, Proof.RULES)
    try:
        for formats in Formats:
            both = bundle(writer.references, reader.references, formats, budget)
            found = _decide(both, reader, writer, formats, budget)
            if found.answer is not Answer.YES:
                return found
            if found.proof is not Proof.RULES:
                weakest = found
            if not both.has_formats:
                break
    except UnsupportedError as error:
        return Containment(Answer.UNKNOWN, reason=str(error))
    except RecursionError:
        return Containment(Answer.UNKNOWN, reason=_TOO_DEEP)
    return weakest


def _decide(both: Bundle, reader: JsonSchema, writer: JsonSchema, formats: Formats, budget: Budget) -> Containment:
    if _is_proved_by_rules(both, budget):
        return Containment(Answer.YES, Proof.RULES)
    if both.has_content:
        return Containment(Answer.UNKNOWN, reason=_CONTENT)
    if both.has_written_integers:
        answer = _covers_written_integers(reader, writer, formats)
    else:
        answer = _covers(both, (both.writer,), both.reader)
    if answer is Answer.YES:
        return Containment(answer, Proof.PROVER)
    if answer is Answer.UNKNOWN and not both.has_written_integers:
        recursive = both.recursive()

        def prover(premise: Sequence[Schema], conclusion: Schema) -> bool:
            # The prover knows nothing about recursive schemas that differ.
            is_recursive = not recursive.isdisjoint(references_in([*premise, conclusion]))
            return not is_recursive and _covers(both, premise, conclusion) is Answer.YES

        if _is_proved_by_rules(both, budget, prover):
            return Containment(Answer.YES, Proof.RULES_AND_PROVER)
    return Containment(answer, reason=_DISPROVED if answer is Answer.NO else _OPEN)


def _is_proved_by_rules(both: Bundle, budget: Budget, prover: Prover | None = None) -> bool:
    """Whether the rules find a proof within their share of the budget."""
    share = min(budget.left, _SHARE)
    budget.spend(share)
    try:
        return Claims(both, RULES, Budget(share), prover).prove()
    except BudgetExceededError:
        return False


def _covers(both: Bundle, premise: Sequence[Schema], conclusion: Schema) -> Answer:
    writer, reader = both.documents(premise, conclusion)
    return covers(reader, writer)


def _covers_written_integers(reader: JsonSchema, writer: JsonSchema, formats: Formats) -> Answer:
    """The same where integers have no decimal point: decided if both schemas are of draft-04 alone."""
    sides = reader.documents(), writer.documents()
    parts = [part for side in sides for part in (side.root, *side.referenced.values())]
    if any(dialect_of(part) is not DRAFT_4 for part in parts):
        return Answer.UNKNOWN
    return covers_in_draft_4(*sides, assert_formats=formats is not Formats.NONE)
