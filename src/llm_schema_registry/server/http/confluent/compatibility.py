"""Asking whether a schema would be compatible, without registering it."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.registry import ErrorCode, RegistryError
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.compatibility import check_request
from llm_schema_registry.registry.witnesses import overlooked_by_check, witness_of_verdict
from llm_schema_registry.server.http.confluent.responses import Normalize
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.http.witnesses import WithWitness, WitnessResponse, witness_answer
from llm_schema_registry.server.operations import Call, Operations

operations = Operations("Compatibility")


class CheckQuery(Query, frozen=True, kw_only=True):
    """How the answer is given."""

    normalize: Normalize = None
    verbose: Annotated[bool, Meta(description="Say why; an invalid schema is then an answer, not an error.")] = False
    witness: WithWitness = False


class CheckResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The verdict.

    Attributes:
        is_compatible: whether the schema may be registered, or follows the version.
        messages: only if `verbose`: the reasons as the Confluent registry words them.
        details: only if `verbose`: the reasons as findings.
        witness: only if asked for and incompatible: a payload that breaks; `null` if none was found.
        witness_searched: whether one was looked for.
    """

    is_compatible: bool
    messages: tuple[str, ...] | None = None
    details: tuple[Finding, ...] = ()
    witness: WitnessResponse | None | UnsetType = UNSET
    witness_searched: bool = False


@operations.add(
    "POST",
    "/compatibility/subjects/{subject}/versions/{version}",
    ErrorCode.VERSION_NOT_FOUND,
    ErrorCode.INVALID_VERSION,
    ErrorCode.INVALID_SCHEMA,
    ErrorCode.SCHEMA_TOO_LARGE,
)
async def check_against_version(call: Call[CheckQuery, SchemaRequest]) -> CheckResponse:
    """Whether a schema is compatible with exactly this version under the subject's level."""
    return await _answer(call, call.version())


@operations.add(
    "POST",
    "/compatibility/subjects/{subject}/versions",
    ErrorCode.INVALID_SCHEMA,
    ErrorCode.SCHEMA_TOO_LARGE,
)
async def check_for_registration(call: Call[CheckQuery, SchemaRequest]) -> CheckResponse:
    """Whether a schema is compatible with all versions that its registration would be checked against."""
    return await _answer(call, None)


async def _answer(call: Call[CheckQuery, SchemaRequest], version: int | None) -> CheckResponse:
    query, subject = call.query, await call.subject()
    try:
        verdict = await check_request(
            call.registry, subject, call.body, version=version, normalize=query.normalize, annotate=query.verbose
        )
    except RegistryError as error:
        if not query.verbose or error.code is not ErrorCode.INVALID_SCHEMA:
            raise
        return CheckResponse(is_compatible=False, messages=(error.message,), details=error.findings)
    call.metrics.check(verdict.compatible)
    answer = CheckResponse(is_compatible=verdict.compatible)
    if query.verbose:
        details = verdict.findings
        if verdict.compatible:
            overlooked = await overlooked_by_check(
                call.registry, subject, call.body, version=version, normalize=query.normalize
            )
            details += () if overlooked is None else (overlooked,)
        answer = msgspec.structs.replace(answer, messages=verdict.messages, details=details)
    if query.witness and not verdict.compatible:
        witness = await witness_of_verdict(call.registry, subject, call.body, verdict, normalize=query.normalize)
        answer = msgspec.structs.replace(answer, witness=witness_answer(witness), witness_searched=True)
    return answer
