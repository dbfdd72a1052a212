"""Witnesses in words: what an incompatible change would do to one payload."""

from typing import Any

import msgspec

from llm_schema_registry.evolution.levels import Direction
from llm_schema_registry.findings import Finding, Severity

_PAYLOAD_LIMIT = 2_000
_VERBS = {"refused": "is refused by", "misread": "is misread by"}


def found(direction: str, outcome: str, payload: Any, problem: str, older: str) -> Finding:
    """The finding that shows a witness.

    Args:
        direction: which promise it breaks.
        outcome: `refused` or `misread`.
        payload: as JSON value.
        problem: what the reader said.
        older: what the older schema is called (`version 3`).
    """
    newer = "the new schema"
    writer, reader = (older, newer) if direction == Direction.BACKWARD else (newer, older)
    text = msgspec.json.encode(payload).decode()
    if len(text) > _PAYLOAD_LIMIT:
        text = f"{text[:_PAYLOAD_LIMIT]}… ({len(text)} characters)"
    said = f" {problem}" if problem else ""
    return Finding(
        code="schema.WITNESS",
        severity=Severity.INFO,
        message=f"This payload, valid under {writer}, {_VERBS[outcome]} {reader}: {text}{said}",
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
