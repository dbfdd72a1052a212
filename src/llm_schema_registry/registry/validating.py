"""Payloads against the compiled validator of a schema."""

from dataclasses import dataclass
from typing import Any

from llm_schema_registry.findings import Finding, Severity
from llm_schema_registry.formats import PayloadValidator


@dataclass(frozen=True, slots=True)
class Validated:
    """The outcome for one payload: it is valid when there are no errors."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the payload satisfies the schema."""
        return not self.errors


def validate_value(validator: PayloadValidator, value: Any) -> Validated:
    """Checks one payload given as JSON value."""
    return _judged(validator.check_value(value))


def validate_bytes(validator: PayloadValidator, data: bytes) -> Validated:
    """Checks one payload in the format's own encoding, without the wire format's prefix."""
    return _judged(validator.check_bytes(data))


def _judged(findings: list[Finding]) -> Validated:
    if not findings:
        return _VALID
    return Validated(
        errors=tuple(finding for finding in findings if finding.severity is Severity.ERROR),
        warnings=tuple(finding for finding in findings if finding.severity is not Severity.ERROR),
    )


_VALID = Validated(errors=())
