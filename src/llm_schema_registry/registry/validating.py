"""Payloads against the compiled validator of a schema."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from llm_schema_registry.findings import Finding, Severity
from llm_schema_registry.formats import PayloadValidator

FIRST_MESSAGE = (0,)


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


def validate_bytes(
    validator: PayloadValidator, data: bytes, message_indexes: tuple[int, ...] = FIRST_MESSAGE
) -> Validated:
    """Checks one payload in the format's own encoding, without the wire format's prefix.

    Args:
        validator: of the schema.
        data: the payload.
        message_indexes: which message of the schema it is, for a format whose schemas have several.
    """
    if message_indexes != FIRST_MESSAGE and isinstance(validator, _OfMessages):
        return _judged(validator.check_bytes_of(message_indexes, data))
    return _judged(validator.check_bytes(data))


@runtime_checkable
class _OfMessages(Protocol):
    """A validator of a schema with several messages."""

    def check_bytes_of(self, message_indexes: tuple[int, ...], data: bytes) -> list[Finding]: ...


def _judged(findings: list[Finding]) -> Validated:
    if not findings:
        return _VALID
    return Validated(
        errors=tuple(finding for finding in findings if finding.severity is Severity.ERROR),
        warnings=tuple(finding for finding in findings if finding.severity is not Severity.ERROR),
    )


_VALID = Validated(errors=())
