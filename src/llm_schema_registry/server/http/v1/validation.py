"""Validating payloads against registered schemas, one or many at a time."""

import asyncio
import binascii
import re
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError
from llm_schema_registry.registry.validation import MALFORMED_JSON, Form, Payload, Validation, ValidationResult
from llm_schema_registry.server.http.errors import HttpError
from llm_schema_registry.server.http.media_types import JSON, NDJSON
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.http.request_body import decode
from llm_schema_registry.server.http.v1.framing import Payload as Unframed
from llm_schema_registry.server.http.v1.framing import framed_id, unframed
from llm_schema_registry.server.http.v1.schema_selector import SchemaSelector, resolve_schema
from llm_schema_registry.server.operations import NAME_ERRORS, Call, Operations, RawBytes, Surface

operations = Operations("Validation", Surface.NATIVE)
_ERRORS = (
    *NAME_ERRORS,
    ErrorCode.SCHEMA_ID_NOT_FOUND,
    ErrorCode.SUBJECT_NOT_FOUND,
    ErrorCode.VERSION_NOT_FOUND,
    ErrorCode.INVALID_VERSION,
    ErrorCode.INVALID_PAYLOAD,
    ErrorCode.UNKNOWN_MESSAGE,
    ErrorCode.STORED_SCHEMA_UNREADABLE,
    ErrorCode.PAYLOADS_NOT_CHECKED,
    ErrorCode.BUDGET_EXCEEDED,
    ErrorCode.OVERLOADED,
)
# How long batches may hold the event loop, and how many findings one answer may carry.
_SLICE_SECONDS = 0.005
_encode = msgspec.json.Encoder().encode
_Item = TypeVar("_Item")
# Larger batches take memory and wait for each other.
_SMALL_BATCH = 1_000
# A line that is not blank, from its first character on.
_LINE = re.compile(rb"\S[^\n]*")
_MAX_FINDINGS = 10_000


class ValidateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A payload, and which schema it shall satisfy.

    Attributes:
        schema_id: the id of the schema; as text the name of a subject.
        subject: the subject.
        version: its version; `latest` if not given.
        data: the payload as a JSON value.
        data_base64: the payload in the encoding of its format, with or without the wire format's prefix; the
            prefix decides about the schema where none is named.
        message: the message of a Protobuf schema that the payload is of: its full name, or its name below the package.
            By default `data` may name its message as `@type`, the prefix of `data_base64` names it, and any other
            payload is of the first message. A payload that names another message is invalid.
    """

    schema_id: int | str | None = None
    subject: str | None = None
    version: int | str | None = None
    data: msgspec.Raw | UnsetType = UNSET
    data_base64: str | None = None
    message: str | None = None


class PayloadFinding(Finding, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A finding about a payload; `field` says the same as `path`, as existing callers read it."""

    field: str


class ValidateResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a payload satisfies its schema.

    Attributes:
        valid: whether there are no errors.
        errors: what is wrong, each with its place.
        warnings: what is worth knowing.
        id: the id of the schema.
        schema_id: the id, or the name of the subject if the request called it so.
        subject: the subject the schema was found by.
        version: its version.
        message: the full name of the Protobuf message that the payload was taken for; `null` for other formats, and
            where the payload names no message of the schema, or not the one of the request.
        validated_at: when.
        validation_time_ms: how long the validation took.
    """

    valid: bool
    errors: list[PayloadFinding]
    warnings: list[PayloadFinding]
    id: int
    schema_id: int | str
    subject: str | None
    version: int | None
    message: str | None
    validated_at: str
    validation_time_ms: float


class BatchQuery(Query, frozen=True, kw_only=True, rename=None):
    """Which schema the payloads shall satisfy."""

    schema_id: Annotated[str | None, Meta(description="The id of the schema, or the name of a subject.")] = None
    subject: Annotated[str | None, Meta(description="The subject.")] = None
    version: Annotated[str | None, Meta(description="Its version; `latest` if not given.")] = None
    message: Annotated[
        str | None,
        Meta(
            description="The message of a Protobuf schema that all payloads are of: its full name, or its name below "
            "the package. By default each payload may name its message as `@type`, and is of the first otherwise."
        ),
    ] = None


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome for one payload.

    Attributes:
        index: its place among the payloads, from 0.
        line: its line in the request, from 1, for NDJSON.
        valid: whether it satisfies the schema.
        errors: what is wrong.
        warnings: what is worth knowing.
        message: the full name of the Protobuf message that it was taken for.
    """

    index: int
    line: int | None = None
    valid: bool
    errors: list[PayloadFinding] = []
    warnings: list[PayloadFinding] = []
    message: str | None = None


class BatchResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes for all payloads, in their order."""

    valid: int
    invalid: int
    results: list[BatchItem]


@operations.add("POST", "/api/v1/validate", *_ERRORS)
async def validate(call: Call[Query, ValidateRequest]) -> ValidateResponse:
    """Whether a payload satisfies a schema. An invalid payload is an answer, not an error."""
    request = call.body
    started = time.perf_counter()
    if request.data_base64 is None:
        if request.data is UNSET:
            raise RegistryError(ErrorCode.INVALID_PAYLOAD, message="No payload is given. Give data, or data_base64.")
        target = await resolve_schema(call.registry, request.schema_id, request.subject, request.version)
        payload = Payload(bytes(request.data))
    else:
        target, unframed_payload = await _decoded(call.registry, request, request.data_base64)
        payload = Payload(unframed_payload.data, Form.ENCODED, unframed_payload.message_indexes)
    validation = await Validation.of(call.registry, target.content, request.message)
    outcome = validation.check(payload)
    if outcome is None:
        (outcome,) = [each async for each in validation.check_expensive([payload])]
        if outcome.is_given_up:
            raise RegistryError(ErrorCode.BUDGET_EXCEEDED, outcome.errors, message=outcome.errors[0].message)
    if payload.form is Form.TEXT and outcome.errors and outcome.errors[0].code == MALFORMED_JSON:
        # Here it is a part of the request.
        raise HttpError(400, outcome.errors[0].message)
    seconds = time.perf_counter() - started
    content, version = target.content, target.version
    call.metrics.validation(content.schema_type, int(outcome.valid), int(not outcome.valid), seconds)
    return ValidateResponse(
        valid=outcome.valid,
        errors=_with_field(outcome.errors),
        warnings=_with_field(outcome.warnings),
        id=content.schema_id,
        schema_id=request.schema_id if isinstance(request.schema_id, str) else content.schema_id,
        subject=None if version is None else str(version.subject),
        version=None if version is None else version.version,
        message=outcome.message,
        validated_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        validation_time_ms=round(seconds * 1000, 3),
    )


@operations.add("POST", "/api/v1/validate/batch", *_ERRORS)
async def validate_batch(call: Call[BatchQuery, RawBytes]) -> BatchResponse | RawBytes:
    """Whether each of many payloads satisfies a schema.

    Takes a JSON array, or NDJSON (`application/x-ndjson`), which is answered with NDJSON, a line per payload.
    """
    query, body = call.query, call.body
    schema_id = int(query.schema_id) if query.schema_id and query.schema_id.isdecimal() else query.schema_id
    target = await resolve_schema(call.registry, schema_id, query.subject, query.version)
    lines = body.media_type == NDJSON
    split = _lines if lines else _elements
    payloads = split(body.body, call.settings.max_batch_items)
    started = time.perf_counter()
    validation = await Validation.of(call.registry, target.content, query.message)
    items = _Items()
    async with call.condition.batches if len(payloads) > _SMALL_BATCH else nullcontext():
        encoded = await _judged(validation, payloads, items)
    seconds = time.perf_counter() - started
    call.metrics.validation(target.content.schema_type, items.valid, items.invalid, seconds)
    if lines:
        return RawBytes(b"".join(item + b"\n" for item in encoded), NDJSON)
    counts = (items.valid, items.invalid)
    return RawBytes(b'{"valid":%d,"invalid":%d,"results":[%b]}' % (*counts, b",".join(encoded)), JSON)


async def _decoded(registry: Registry, request: ValidateRequest, text: str) -> tuple[SchemaSelector, Unframed]:
    """The schema and the payload of a message that may have a prefix."""
    try:
        message = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RegistryError(ErrorCode.INVALID_PAYLOAD, message="data_base64 is not base64.") from None
    in_prefix = framed_id(message)
    if request.schema_id is None and request.subject is None and in_prefix is not None:
        target = await resolve_schema(registry, in_prefix, None, None)
    else:
        target = await resolve_schema(registry, request.schema_id, request.subject, request.version)
    # A payload may begin like a prefix by chance; it is one if it names the very schema.
    if in_prefix == target.content.schema_id:
        return target, unframed(message, target.content.schema_type)
    return target, Unframed(message)


def _elements(body: bytes, limit: int) -> list[tuple[int | None, bytes]]:
    """The payloads of an array; raises INVALID_PAYLOAD beyond the limit, before any is copied."""
    elements = decode(body, list[msgspec.Raw])
    if len(elements) > limit:
        raise _too_many(limit)
    return [(None, bytes(element)) for element in elements]


def _lines(body: bytes, limit: int) -> list[tuple[int | None, bytes]]:
    """The payloads of NDJSON with the numbers of their lines; raises INVALID_PAYLOAD beyond the limit.

    Millions of lines, blank ones too, are not made into objects.
    """
    found: list[tuple[int | None, bytes]] = []
    number, counted_to = 1, 0
    for match in _LINE.finditer(body):
        if len(found) == limit:
            raise _too_many(limit)
        number += body.count(b"\n", counted_to, match.start())
        counted_to = match.start()
        found.append((number, match.group()))
    return found


def _too_many(limit: int) -> RegistryError:
    return RegistryError(
        ErrorCode.INVALID_PAYLOAD,
        message=f"The batch has more than {limit} payloads. Send several batches. The limit is set by "
        "LSR_MAX_BATCH_ITEMS.",
    )


class _Slices:
    """Lets other requests pass: all batches together take a few milliseconds per turn of the event loop."""

    def __init__(self) -> None:
        self._running = 0

    async def over(self, items: Iterable[_Item]) -> AsyncIterator[_Item]:
        """The items; the caller works on one at a time."""
        self._running += 1
        try:
            until = time.perf_counter() + _SLICE_SECONDS / self._running
            for item in items:
                yield item
                if time.perf_counter() > until:
                    await asyncio.sleep(0)
                    until = time.perf_counter() + _SLICE_SECONDS / self._running
        finally:
            self._running -= 1


_SLICES = _Slices()


class _Items:
    """Writes the items of an answer. Beyond a number of findings they are left out.

    Attributes:
        valid: how many payloads were valid.
        invalid: how many were not.
    """

    def __init__(self) -> None:
        self.valid = 0
        self.invalid = 0
        self._left = _MAX_FINDINGS

    def encoded(self, index: int, line: int | None, outcome: ValidationResult) -> bytes:
        """The item for a payload as JSON: what is found takes much more memory than its text."""
        count = len(outcome.errors) + len(outcome.warnings)
        if count <= self._left:
            self._left -= count
            errors, warnings = _with_field(outcome.errors), _with_field(outcome.warnings)
        else:
            errors, warnings = _OMITTED if outcome.errors else [], []
        self.valid += outcome.valid
        self.invalid += not outcome.valid
        item = BatchItem(
            index=index, line=line, valid=outcome.valid, errors=errors, warnings=warnings, message=outcome.message
        )
        return _encode(item)


async def _judged(validation: Validation, payloads: list[tuple[int | None, bytes]], items: _Items) -> list[bytes]:
    """The items for payloads, in order: first those that are known at once, then the others."""
    found: list[bytes] = []
    expensive = []
    async for index, (line, text) in _SLICES.over(enumerate(payloads)):
        outcome = validation.check_text(text)
        if outcome is None:
            expensive.append(index)
        found.append(b"" if outcome is None else items.encoded(index, line, outcome))
    if expensive:
        indexes = iter(expensive)
        async for late in validation.check_expensive([Payload(payloads[index][1]) for index in expensive]):
            index = next(indexes)
            found[index] = items.encoded(index, payloads[index][0], late)
    return found


def _with_field(findings: tuple[Finding, ...]) -> list[PayloadFinding]:
    return [PayloadFinding(**dict(_fields(finding)), field=finding.path) for finding in findings]


def _fields(finding: Finding) -> Iterator[tuple[str, Any]]:
    for name in Finding.__struct_fields__:
        yield name, getattr(finding, name)


_OMITTED = [
    PayloadFinding(
        code="payload.FINDINGS_OMITTED",
        message=f"The payload is invalid; the answer already carries {_MAX_FINDINGS} findings.",
        fix="Send smaller batches, or validate this payload alone.",
        docs="reference/findings/payload.md#findings_omitted",
        field="",
    )
]
