"""Plans: what registering a set of schemas would do, and doing it as one."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from llm_schema_registry.contracts import Subject
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.registry import ErrorCode, Registry
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.config import resolve_alias
from llm_schema_registry.registry.plan import Action, Outcome, Plan, Planned, plan
from llm_schema_registry.server.http.errors import HttpError
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.http.witnesses import WithWitness, WitnessResponse, witness_answer
from llm_schema_registry.server.operations import Call, Operations, Surface

operations = Operations("Plans", Surface.NATIVE)
_MAX_SCHEMAS = 1_000


class PlannedSchema(SchemaRequest, frozen=True, kw_only=True, rename="camel"):
    """A schema and the subject it shall be a version of; otherwise as in a registration.

    Attributes:
        subject: the subject; it need not exist.
        normalize: bring the schema into normal form; left out: as the config says.
    """

    subject: str
    normalize: bool | None = None


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The schemas that belong together.

    Attributes:
        schemas: in any order; they may refer to each other, version -1 meaning the one of this set.
        apply: register all of them in one write if none is refused.
        expect: the digest of an earlier answer; if schemas would now end up elsewhere, nothing is applied.
    """

    schemas: list[PlannedSchema]
    apply: bool = False
    expect: str | None = None


class PlanQuery(Query, frozen=True, kw_only=True):
    """How refusals are shown."""

    witness: WithWitness = False


class SchemaOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happens to one schema.

    Attributes:
        subject: as in the request, or the one that its alias names.
        action: `register`, `unchanged` or `refuse`.
        version: the version that holds it, or would.
        id: its id; of a new one it holds if nothing else is registered before.
        guid: its identity.
        error_code: why it is refused.
        message: the same as a sentence.
        findings: the same in detail; of a schema that is not refused, warnings about its text.
        witness: only if asked for and incompatible: a payload that breaks; `null` if none was found.
    """

    subject: str
    action: Action
    version: int | None = None
    id: int | None = None
    guid: str | None = None
    error_code: int | None = None
    message: str | None = None
    findings: Sequence[Finding] = ()
    witness: WitnessResponse | None | UnsetType = UNSET


class PlanResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to all of them.

    Attributes:
        outcome: `ok`; `refused` if any schema is; `changed` if it is not what `expect` names.
        applied: whether it was written.
        digest: names where each schema ends up: subject, version and content, not the id.
        schemas: in the order of the request.
    """

    outcome: Annotated[str, Meta(pattern="^(ok|refused|changed)$")]
    applied: bool
    digest: str
    schemas: list[SchemaOutcome]


@operations.add("POST", "/api/v1/plan", ErrorCode.BUDGET_EXCEEDED, ErrorCode.CONCURRENT_CHANGE, writes=True)
async def plan_registrations(call: Call[PlanQuery, PlanRequest]) -> PlanResponse:
    """What registering a set of schemas would do; with `apply` it is done, all of it or nothing.

    A refused schema is an answer, not an error.
    """
    body = call.body
    if len(body.schemas) > _MAX_SCHEMAS:
        raise HttpError(422, f"The plan has {len(body.schemas)} schemas; at most {_MAX_SCHEMAS} are taken at once.")
    schemas = [await _planned(call.registry, each) for each in body.schemas]
    made = await plan(call.registry, schemas, apply=body.apply, expect=body.expect, witness=call.query.witness)
    if made.applied:
        for outcome in made.outcomes:
            call.metrics.registration("created" if outcome.action is Action.REGISTER else "existing")
    return PlanResponse(
        outcome=_word_for(made, body),
        applied=made.applied,
        digest=made.digest,
        schemas=[_outcome(outcome, call.query.witness) for outcome in made.outcomes],
    )


async def _planned(registry: Registry, schema: PlannedSchema) -> Planned:
    subject = await resolve_alias(registry.store, Subject.parse(schema.subject))
    # Without the fields of this surface, since a process beside may read it.
    request = SchemaRequest(**{name: getattr(schema, name) for name in SchemaRequest.__struct_fields__})
    return Planned(subject, request, schema.normalize)


def _word_for(made: Plan, request: PlanRequest) -> str:
    if made.refused:
        return "refused"
    return "ok" if request.expect in (None, made.digest) else "changed"


def _outcome(outcome: Outcome, with_witness: bool) -> SchemaOutcome:
    subject = str(outcome.planned.subject)
    error, registered = outcome.error, outcome.registered
    if error is not None:
        searched = with_witness and error.code is ErrorCode.INCOMPATIBLE_SCHEMA
        return SchemaOutcome(
            subject=subject,
            action=outcome.action,
            error_code=error.code.number,
            message=error.message,
            findings=error.findings,
            witness=witness_answer(outcome.witness) if searched else UNSET,
        )
    return SchemaOutcome(
        subject=subject,
        action=outcome.action,
        version=None if registered is None else registered.version.version,
        id=None if registered is None else registered.content.schema_id,
        guid=None if registered is None else registered.content.guid,
        findings=() if registered is None else registered.warnings,
    )
