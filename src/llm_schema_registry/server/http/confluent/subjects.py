"""Subjects: listing, looking a schema up, finding by metadata, deleting."""

from typing import Annotated
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from llm_schema_registry.contracts import CONTEXT_WILDCARD, DEFAULT_CONTEXT, Subject
from llm_schema_registry.registry import ErrorCode, RegistryError
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.deletion import delete_subject
from llm_schema_registry.registry.reads import get_with_metadata, lookup
from llm_schema_registry.server.http.confluent.responses import (
    DeletedOnly,
    Format,
    Normalize,
    Permanent,
    SchemaForm,
    SchemaResponse,
    WithDeleted,
    sent_descriptor,
    version_answer,
)
from llm_schema_registry.server.http.query_params import Page, Query
from llm_schema_registry.server.operations import Call, NoBody, Operations
from llm_schema_registry.store.records import Deleted

operations = Operations("Subjects")


class ListQuery(Page, frozen=True, kw_only=True):
    """Which subjects are listed."""

    subject_prefix: Annotated[
        str,
        Meta(
            description="What the name starts with. `:*:` stands for every context, `:.ctx:` for one, neither for the "
            "default one.",
            extra={"aliases": ("subject",)},
        ),
    ] = CONTEXT_WILDCARD
    deleted: WithDeleted = False
    deleted_only: DeletedOnly = False


class LookupQuery(Query, frozen=True, kw_only=True):
    """How a schema is looked up."""

    normalize: Normalize = None
    format: Format = ""
    deleted: WithDeleted = False


class MetadataQuery(SchemaForm, frozen=True, kw_only=True):
    """Which properties the metadata must have."""

    key: Annotated[tuple[str, ...], Meta(description="Names of properties; may be repeated.")] = ()
    value: Annotated[tuple[str, ...], Meta(description="Their values, in the same order.")] = ()
    deleted: WithDeleted = False


class DeleteQuery(Query, frozen=True, kw_only=True):
    """How to delete."""

    permanent: Permanent = False


def shown(deleted: bool, deleted_only: bool) -> Deleted:
    """Which entries a list shows."""
    if deleted_only:
        return Deleted.ONLY
    return Deleted.INCLUDED if deleted else Deleted.EXCLUDED


def context_and_prefix(text: str) -> tuple[str | None, str]:
    """The context (`None`: every one) and the beginning of the name that a `subjectPrefix` asks for."""
    if text.startswith(CONTEXT_WILDCARD):
        return None, text.removeprefix(CONTEXT_WILDCARD)
    return Subject.parse(text, DEFAULT_CONTEXT)


@operations.get("/subjects")
async def list_subjects(call: Call[ListQuery, NoBody]) -> list[str]:
    """The names of the subjects, in order; those of other contexts as `:.ctx:name`."""
    query = call.query
    context, prefix = context_and_prefix(query.subject_prefix)
    subjects = await call.registry.store.subjects(
        context=context,
        prefix=prefix,
        deleted=shown(query.deleted, query.deleted_only),
        offset=query.start,
        limit=query.size(),
    )
    return [str(subject) for subject in subjects]


@operations.add(
    "POST",
    "/subjects/{subject}",
    ErrorCode.SUBJECT_NOT_FOUND,
    ErrorCode.SCHEMA_NOT_FOUND,
    ErrorCode.INVALID_SCHEMA,
    ErrorCode.SCHEMA_TOO_LARGE,
    cacheable=True,
)
async def look_up_schema(call: Call[LookupQuery, SchemaRequest]) -> SchemaResponse:
    """The version of the subject that holds this schema."""
    query = call.query
    found = await lookup(
        call.registry, await call.subject(), call.body, normalize=query.normalize, deleted=query.deleted
    )
    answer = await version_answer(call.registry, found.version, found.content, SchemaForm(format=query.format))
    descriptor = None if query.format else sent_descriptor(call.body)
    return answer if descriptor is None else msgspec.structs.replace(answer, schema=descriptor)


@operations.get("/subjects/{subject}/metadata", ErrorCode.SUBJECT_NOT_FOUND, ErrorCode.SCHEMA_NOT_FOUND)
async def latest_with_metadata(call: Call[MetadataQuery, NoBody]) -> SchemaResponse:
    """The highest version whose metadata has all these properties."""
    query = call.query
    subject = await call.subject()
    properties = dict(zip(query.key, query.value, strict=False))
    # Confluent's Python client encodes names and values twice.
    decoded = {unquote(key): unquote(value) for key, value in properties.items()}
    try:
        found = await get_with_metadata(call.registry, subject, properties, deleted=query.deleted)
    except RegistryError as error:
        if error.code is not ErrorCode.SCHEMA_NOT_FOUND or decoded == properties:
            raise
        found = await get_with_metadata(call.registry, subject, decoded, deleted=query.deleted)
    return await version_answer(call.registry, found.version, found.content, query)


@operations.add(
    "DELETE",
    "/subjects/{subject}",
    ErrorCode.SUBJECT_NOT_FOUND,
    ErrorCode.SUBJECT_SOFT_DELETED,
    ErrorCode.SUBJECT_NOT_SOFT_DELETED,
    ErrorCode.OPERATION_NOT_PERMITTED,
    ErrorCode.REFERENCE_EXISTS,
    ErrorCode.SUBJECT_ASSOCIATED,
    writes=True,
)
async def remove_subject(call: Call[DeleteQuery, NoBody]) -> list[int]:
    """Deletes all versions of a subject and answers their numbers."""
    return await delete_subject(call.registry, await call.subject(), permanent=call.query.permanent)
