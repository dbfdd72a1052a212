"""Witnesses in words: what an incompatible change would do to one payload."""

from typing import Any

from llm_schema_registry.compatibility.witnesses import shown
from llm_schema_registry.core.findings import Finding, Severity


def found(direction: str, outcome: str, payload: Any, problem: str, older: str) -> Finding:
    """The finding that shows a witness.

    Args:
        direction: which promise it breaks.
        outcome: `refused` or `misread`.
        payload: as JSON value.
        problem: what the reader said.
        older: what the older schema is called (`version 3`).
    """
    return Finding(
        code="schema.WITNESS",
        severity=Severity.INFO,
        message=shown(direction, outcome, payload, problem, older),
        direction=direction,
        docs="reference/findings/schema.md#witness",
    )


def not_found(older: str) -> Finding:
    """The finding that says that none was found."""
    return Finding(
        code="schema.NO_WITNESS",
        severity=Severity.INFO,
        message=f"No witness found: no payload that was tried breaks between {older} and the new schema.",
        docs="reference/findings/schema.md#no_witness",
    )
