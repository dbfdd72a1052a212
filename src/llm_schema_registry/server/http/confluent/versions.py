"""Versions of a subject: registering, reading, deleting."""

from typing import Annotated

import msgspec
from msgspec import Meta

from llm_schema_registry.contracts import Metadata, Reference, RuleSet
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.registry import ErrorCode, RegistryError
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.commit import RegistrationResult
from llm_schema_registry.registry.deletion import delete_version
from llm_schema_registry.registry.reads import get_version, list_subject_versions, referenced_by, render
from llm_schema_registry.registry.registration import register
from llm_schema_registry.registry.witnesses import witness_of_refusal
from llm_schema_registry.server.http.confluent.responses import (
    DeletedOnly,
    FindTags,
    Normalize,
    SchemaForm,
    SchemaResponse,
    WithDeleted,
    metadata_of,
    rule_set_of,
    sent_descriptor,
    version_answer,
    with_schema_tags,
)
from llm_schema_registry.server.http.confluent.subjects import DeleteQuery, shown
from llm_schema_registry.server.http.query_params import Page, Query
from llm_schema_registry.server.http.witnesses import WithWitness, refusal_with_witness
from llm_schema_registry.server.operations import Call, NoBody, Operations, RawText, Reply
from llm_schema_registry.store.records import Deleted

operations = Operations("Versions")
VERSION_ERRORS = (ErrorCode.SUBJECT_NOT_FOUND, ErrorCode.VERSION_NOT_FOUND, ErrorCode.INVALID_VERSION)


class ListQuery(Page, frozen=True, kw_only=True):
    """Which versions are listed."""

    deleted: WithDeleted = False
    deleted_only: DeletedOnly = False
    deleted_as_negative: Annotated[
        bool, Meta(description="Soft-deleted ones as negative numbers; wins over the other two.")
    ] = False


class RegisterQuery(Query, frozen=True, kw_only=True):
    """How a schema is registered."""

    normalize: Normalize = None
    force: Annotated[bool, Meta(description="Skip the compatibility check.")] = False
    witness: WithWitness = False


class VersionQuery(SchemaForm, frozen=True, kw_only=True):
    """How a version is read."""

    deleted: WithDeleted = False
    find_tags: FindTags = ()


class ReferrersQuery(Page, frozen=True, kw_only=True):
    """Which referrers are listed."""

    deleted: WithDeleted = False


class RegisterResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The version that holds the schema, registered now or before.

    Attributes:
        details: only if there are any: warnings about the text that was sent.
    """

    id: int
    version: int
    guid: str
    schema_type: str
    schema: str
    references: tuple[Reference, ...] = ()
    metadata: Metadata | None = None
    rule_set: RuleSet | None = None
    ts: int | None = None
    details: tuple[Finding, ...] = ()


@operations.get("/subjects/{subject}/versions", ErrorCode.SUBJECT_NOT_FOUND)
async def list_versions(call: Call[ListQuery, NoBody]) -> list[int]:
    """The numbers of the versions, in ascending order."""
    query, subject = call.query, await call.subject()
    wanted = shown(query.deleted, query.deleted_only)
    versions = await list_subject_versions(call.registry, subject, wanted)
    if query.deleted_as_negative:
        everything = await list_subject_versions(call.registry, subject, Deleted.INCLUDED)
        numbers = [-each.version if each.deleted else each.version for each in everything]
    else:
        numbers = [each.version for each in versions]
    return list(query.cut(numbers))


@operations.add(
    "POST",
    "/subjects/{subject}/versions",
    ErrorCode.INCOMPATIBLE_SCHEMA,
    ErrorCode.INVALID_SCHEMA,
    ErrorCode.INVALID_RULE_SET,
    ErrorCode.OPERATION_NOT_PERMITTED,
    ErrorCode.SCHEMA_TOO_LARGE,
    ErrorCode.BUDGET_EXCEEDED,
    writes=True,
    cacheable=True,
)
async def register_schema(call: Call[RegisterQuery, SchemaRequest]) -> RegisterResponse | Reply:
    """Registers a schema as the next version, or answers the version that already holds it."""
    query, subject = call.query, await call.subject()
    try:
        registered = await register(call.registry, subject, call.body, normalize=query.normalize, force=query.force)
    except RegistryError as error:
        call.metrics.registration(error.code.name.lower())
        if not query.witness or error.code is not ErrorCode.INCOMPATIBLE_SCHEMA:
            raise
        witness = await witness_of_refusal(call.registry, subject, call.body, error, normalize=query.normalize)
        return refusal_with_witness(error, witness, call.settings.confluent_error_codes)
    call.metrics.registration("created" if registered.created else "existing")
    text = sent_descriptor(call.body) or await render(call.registry, registered.content)
    return registered_answer(registered, text)


def registered_answer(registered: RegistrationResult, text: str) -> RegisterResponse:
    """The answer to a registration, with the schema as `text`."""
    version, content = registered.version, registered.content
    return RegisterResponse(
        id=content.schema_id,
        version=version.version,
        guid=content.guid,
        schema_type=content.schema_type,
        schema=text,
        references=content.references,
        metadata=metadata_of(content),
        rule_set=rule_set_of(content),
        ts=version.registered_at,
        details=registered.warnings,
    )


@operations.get("/subjects/{subject}/versions/{version}", *VERSION_ERRORS)
async def read_version(call: Call[VersionQuery, NoBody]) -> SchemaResponse:
    """A version of a subject; `latest` for the latest."""
    number = call.version()
    found = await get_version(call.registry, await call.subject(), number, deleted=call.query.deleted)
    answer = await version_answer(call.registry, found.version, found.content, call.query)
    return await with_schema_tags(call.registry, answer, found.content, call.query.find_tags)


@operations.get("/subjects/{subject}/versions/{version}/schema", *VERSION_ERRORS)
async def read_version_text(call: Call[VersionQuery, NoBody]) -> RawText:
    """The text of a version's schema alone."""
    number = call.version()
    found = await get_version(call.registry, await call.subject(), number, deleted=call.query.deleted)
    return RawText(await render(call.registry, found.content, call.query.format))


@operations.get("/subjects/{subject}/versions/{version}/referencedby", *VERSION_ERRORS)
async def list_referrers(call: Call[ReferrersQuery, NoBody]) -> list[int]:
    """The ids of the schemas that refer to a version."""
    number = call.version()
    ids = await referenced_by(call.registry, await call.subject(), number, deleted=call.query.deleted)
    return list(call.query.cut(ids))


@operations.add(
    "DELETE",
    "/subjects/{subject}/versions/{version}",
    *VERSION_ERRORS,
    ErrorCode.VERSION_SOFT_DELETED,
    ErrorCode.VERSION_NOT_SOFT_DELETED,
    ErrorCode.OPERATION_NOT_PERMITTED,
    ErrorCode.REFERENCE_EXISTS,
    ErrorCode.SUBJECT_STRONGLY_ASSOCIATED,
    ErrorCode.SUBJECT_WITHOUT_VERSION,
    writes=True,
)
async def remove_version(call: Call[DeleteQuery, NoBody]) -> int:
    """Deletes a version and answers its number."""
    number = call.version()
    return await delete_version(call.registry, await call.subject(), number, permanent=call.query.permanent)
