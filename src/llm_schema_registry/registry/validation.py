"""Payload validation against a stored schema: inline if provably cheap, otherwise in the sandbox."""

import enum
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.core.findings import Finding, Severity
from llm_schema_registry.formats import (
    Dependency,
    InvalidSchemaError,
    MessageValidator,
    PayloadValidator,
    SchemaType,
    UnknownMessageError,
    as_message,
    format_of,
)
from llm_schema_registry.registry.errors import ErrorCode, RegistryError, over_budget
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.registry.schemas import not_checked
from llm_schema_registry.store.records import StoredSchema

MALFORMED_JSON = "payload.MALFORMED_JSON"
"""The code of the finding for a payload that is not JSON."""
INLINE_BYTES = 256 * 1024
"""Longer payloads leave the event loop, whatever their schema."""

_SLICE_SECONDS = 0.5
_decode = msgspec.json.Decoder().decode
_MOST_AT_ONCE = 256
_BATCH_SECONDS = 30.0


class Form(enum.Enum):
    """What a payload is given as: JSON text, or bytes in the encoding of the schema's format."""

    TEXT = "text"
    ENCODED = "encoded"


class Payload(NamedTuple):
    """A payload to be checked.

    Attributes:
        data: its bytes. A value takes up to thirty times the memory of its text, so it is decoded where it is checked.
        form: what `data` is.
        message_indexes: which message of a Protobuf schema it is, if its frame says so.
    """

    data: bytes
    form: Form = Form.TEXT
    message_indexes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The outcome for one payload: it is valid when there are no errors.

    Attributes:
        errors: what is wrong.
        warnings: what is worth knowing.
        is_given_up: whether the check was given up, so that the payload may be valid all the same.
        message: the full name of the Protobuf message that it was taken for; `None` if for none.
    """

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    is_given_up: bool = False
    message: str | None = None

    @property
    def valid(self) -> bool:
        """Whether the payload satisfies the schema."""
        return not self.errors


class Validation:
    """Checks the payloads of one request against one schema. Made by `of`."""

    def __init__(
        self, registry: Registry, content: StoredSchema, validator: PayloadValidator | None, message: str | None
    ) -> None:
        self._registry = registry
        self._content = content
        self._message = message
        self._judge = None if validator is None else _Judge(validator, message)

    @classmethod
    async def of(cls, registry: Registry, content: StoredSchema, message: str | None = None) -> "Validation":
        """Prepares to check payloads against a stored schema.

        Args:
            registry: the registry.
            content: the schema.
            message: the Protobuf message that the payloads are of, by its full name or its name below the package.
                By default each payload may name its message, and is of the first one otherwise.

        Raises:
            RegistryError: STORED_SCHEMA_UNREADABLE when it cannot be parsed, PAYLOADS_NOT_CHECKED when it cannot be
                compiled, BUDGET_EXCEEDED when that takes too long or too much memory, UNKNOWN_MESSAGE when it does not
                declare the message.
        """
        try:
            return cls(registry, content, await registry.schemas.validator(content), message)
        except BudgetExceededError:
            validation = cls(registry, content, None, message)
        async with registry.schemas.compiling(content):
            await validation._judge_apart(())
        return validation

    def check(self, payload: Payload) -> ValidationResult | None:
        """The outcome for a payload, if it is known within a few milliseconds."""
        judge = self._judge
        if judge is None or len(payload.data) > INLINE_BYTES:
            return None
        try:
            return judge.payload(payload)
        except BudgetExceededError:
            return None

    def check_text(self, text: bytes) -> ValidationResult | None:
        """The same for a payload given as JSON text."""
        judge = self._judge
        if judge is None or len(text) > INLINE_BYTES:
            return None
        try:
            return judge.text(text)
        except BudgetExceededError:
            return None

    async def check_expensive(self, payloads: Sequence[Payload]) -> AsyncIterator[ValidationResult]:
        """The outcomes for payloads that `check` has none for, in order, each within the deadline of the sandbox."""
        until = time.monotonic() + _BATCH_SECONDS
        at, count = 0, 1
        while at < len(payloads):
            if time.monotonic() > until:
                yield _given_up(f"The work was given up: the request took more than {_BATCH_SECONDS:g} seconds.")
                at += 1
                continue
            try:
                outcomes = await self._judge_apart(payloads[at : at + count])
            except RegistryError as error:
                if error.code is not ErrorCode.BUDGET_EXCEEDED:
                    raise
                if count > 1:
                    # One of them is to blame: they are checked one by one.
                    count = 1
                    continue
                outcomes = [_given_up(error.message)]
            for outcome in outcomes:
                yield outcome
            count = min(2 * count, _MOST_AT_ONCE) if len(outcomes) == count else 1
            at += len(outcomes)

    async def _judge_apart(self, payloads: Sequence[Payload]) -> list[ValidationResult]:
        content, registry = self._content, self._registry
        schema_type = SchemaType(content.schema_type)
        try:
            dependencies = await registry.schemas.dependencies(
                registry.store, content.references, content.context, deleted=True
            )
            return await registry.apart(judge, schema_type, content.text, dependencies, tuple(payloads), self._message)
        except InvalidSchemaError as error:
            raise not_checked(content, error) from error
        except BudgetExceededError as error:
            raise over_budget(error, registry.rules.max_steps) from error


async def judge(
    registry: Registry,
    schema_type: SchemaType,
    text: str,
    dependencies: tuple[Dependency, ...],
    payloads: Sequence[Payload],
    message: str | None,
) -> list[ValidationResult]:
    """The outcomes for the first payloads, at least one if there are any: as many as half a second is enough for.

    Raises:
        InvalidSchemaError: the schema cannot be compiled.
        BudgetExceededError: that takes too long.
        RegistryError: UNKNOWN_MESSAGE, the schema does not declare `message`.
    """
    parsed = registry.schemas.parse(schema_type, text, dependencies, strict=False, budget=Budget())
    judging = _Judge(format_of(schema_type).validator(parsed), message)
    outcomes: list[ValidationResult] = []
    until = time.monotonic() + _SLICE_SECONDS
    for payload in payloads:
        outcomes.append(judging.payload(payload))
        if time.monotonic() > until:
            break
    return outcomes


class _Judge:
    """Judges payloads by one validator, as the message that is asked for, if any.

    Raises:
        RegistryError: UNKNOWN_MESSAGE, the schema does not declare it.
    """

    def __init__(self, validator: PayloadValidator, message: str | None) -> None:
        if message is not None:
            try:
                validator = as_message(validator, message)
            except UnknownMessageError as error:
                raise RegistryError(ErrorCode.UNKNOWN_MESSAGE, message=str(error)) from None
        self._validator = validator
        self._messages = validator if isinstance(validator, MessageValidator) else None
        self._valid_as: dict[str | None, ValidationResult] = {}

    def payload(self, payload: Payload) -> ValidationResult:
        data, form, message_indexes = payload
        if form is Form.TEXT:
            return self.text(data)
        if self._messages is not None:
            return self._judged_as(*self._messages.judge_bytes(data, message_indexes))
        return _judged(self._validator.check_bytes(data))

    def text(self, text: bytes) -> ValidationResult:
        try:
            value = _decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _malformed("nested too deeply" if isinstance(error, RecursionError) else str(error))
        return self.value(value, text)

    def value(self, value: Any, text: bytes | None = None) -> ValidationResult:
        if self._messages is None:
            findings = self._validator.check_value(value, text)
            return _judged(findings) if findings else _VALID
        message, findings = self._messages.judge_value(value)
        return self._judged_as(message, findings)

    def _judged_as(self, message: str | None, findings: list[Finding]) -> ValidationResult:
        if findings:
            return replace(_judged(findings), message=message)
        valid = self._valid_as.get(message)
        if valid is None:
            valid = self._valid_as[message] = ValidationResult(errors=(), message=message)
        return valid


def _judged(findings: list[Finding]) -> ValidationResult:
    if not findings:
        return _VALID
    return ValidationResult(
        errors=tuple(finding for finding in findings if finding.severity is Severity.ERROR),
        warnings=tuple(finding for finding in findings if finding.severity is not Severity.ERROR),
    )


def _malformed(cause: str) -> ValidationResult:
    return ValidationResult(
        errors=(
            Finding(
                code=MALFORMED_JSON,
                message=f"The payload is not valid JSON: {cause}",
                fix="Send one JSON value per payload.",
                docs="reference/findings/payload.md#malformed_json",
            ),
        )
    )


def _given_up(message: str) -> ValidationResult:
    finding = Finding(
        code="payload.BUDGET_EXCEEDED",
        message=f"Error {ErrorCode.BUDGET_EXCEEDED.number}, the payload was not checked to the end: {message}",
        fix="Send a smaller payload, or simplify the schema: fewer alternatives for one place, fewer patterns.",
        docs="reference/findings/payload.md#budget_exceeded",
    )
    return ValidationResult(errors=(finding,), is_given_up=True)


_VALID = ValidationResult(errors=())
