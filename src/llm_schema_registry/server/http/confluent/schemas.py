"""Schemas by id and GUID, and lists over all subjects."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from llm_schema_registry.contracts import Subject
from llm_schema_registry.formats import SchemaType
from llm_schema_registry.registry import ErrorCode
from llm_schema_registry.registry.associations import AssociationFilter, lifecycle_named
from llm_schema_registry.registry.config import resolve_alias
from llm_schema_registry.registry.identifiers import check_length
from llm_schema_registry.registry.reads import (
    SchemaLookup,
    VersionWithSchema,
    aliases_in,
    get_schema,
    get_schema_by_guid,
    listed_schemas,
    render,
    versions_of_schema,
)
from llm_schema_registry.server.http.confluent.associations import AssociationResponse, association_answer
from llm_schema_registry.server.http.confluent.responses import (
    FindTags,
    InContext,
    SchemaForm,
    SchemaResponse,
    WithDeleted,
    metadata_of,
    references_of,
    rule_set_of,
    version_answer,
    with_schema_tags,
)
from llm_schema_registry.server.http.confluent.subjects import context_and_prefix, shown
from llm_schema_registry.server.http.query_params import Page, Query
from llm_schema_registry.server.operations import Call, Items, NoBody, Operations, RawText
from llm_schema_registry.store.records import Association

operations = Operations("Schemas")
_WITHOUT = "NONE"


class ListQuery(Page, frozen=True, kw_only=True):
    """Which schemas are listed."""

    subject_prefix: Annotated[
        str,
        Meta(description="What the subject starts with, `:*:` for every context; nothing: all of the default context."),
    ] = ""
    deleted: WithDeleted = False
    latest_only: Annotated[bool, Meta(description="Only the latest version of each subject.")] = False
    aliases: Annotated[bool, Meta(description="Tell the aliases of each subject too.")] = False
    rule_type: Annotated[str, Meta(description="Only schemas with a rule of this type, e.g. `CEL`.")] = ""
    resource_type: Annotated[str, Meta(description="Only of subjects associated with such a resource.")] = ""
    association_type: Annotated[tuple[str, ...], Meta(description="Only of subjects associated so.")] = ()
    lifecycle: Annotated[
        tuple[str, ...], Meta(description="Only of subjects with such an association; `NONE`: with none.")
    ] = ()

    @property
    def by_association(self) -> bool:
        """Whether associations decide which schemas are listed, and are told."""
        return bool(self.resource_type or self.association_type or self.lifecycle)


class IdQuery(SchemaForm, frozen=True, kw_only=True):
    """How a schema is found by its id."""

    subject: InContext = None
    find_tags: FindTags = ()
    fetch_max_id: Annotated[bool, Meta(description="Tell the highest id of the context too.")] = False


class UsesQuery(Page, frozen=True, kw_only=True):
    """Which uses of a schema are listed."""

    subject: InContext = None
    deleted: WithDeleted = False


class SubjectVersion(msgspec.Struct, frozen=True):
    """A version of a subject."""

    subject: str
    version: int


class ContextId(msgspec.Struct, frozen=True):
    """The id that a schema has in a context."""

    context: str
    id: int


class ListedSchema(SchemaResponse, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A version of a subject, with what else is known of the subject, if asked for."""

    aliases: tuple[str, ...] = ()
    associations: tuple[AssociationResponse, ...] = ()


@operations.get("/schemas", ErrorCode.INVALID_ASSOCIATION)
async def list_all_schemas(call: Call[ListQuery, NoBody]) -> list[ListedSchema] | Items:
    """The versions of all subjects with their schemas, in order of context, subject and version."""
    return Items(lambda: _listed(call))


async def _listed(call: Call[ListQuery, NoBody]) -> AsyncIterator[SchemaResponse]:
    query, store = call.query, call.registry.store
    context, prefix = context_and_prefix(query.subject_prefix)
    associations = await _associations_by_subject(call) if query.by_association else {}
    aliases: dict[Subject, list[str]] = {}
    if query.aliases:
        aliases = await aliases_in(store, await store.contexts() if context is None else [context])
    async for each in listed_schemas(
        call.registry,
        context=context,
        prefix=prefix,
        deleted=shown(query.deleted, False),
        latest_only=query.latest_only,
        only=_choice(query, associations),
        offset=query.start,
        limit=query.size(call.registry.rules.schema_search_limit),
    ):
        answer = await version_answer(call.registry, each.version, each.content)
        subject = each.version.subject
        if subject not in aliases and subject not in associations:
            yield answer
            continue
        yield ListedSchema(
            **{name: getattr(answer, name) for name in answer.__struct_fields__},
            aliases=tuple(aliases.get(subject, ())),
            associations=tuple(map(association_answer, associations.get(subject, ()))),
        )


async def _associations_by_subject(call: Call[ListQuery, NoBody]) -> dict[Subject, list[Association]]:
    """The associations of the resources and types that a list asks for."""
    query = call.query
    found: dict[Subject, list[Association]] = {}
    for each in AssociationFilter(query.resource_type, query.association_type).among(
        await call.registry.store.associations()
    ):
        found.setdefault(each.subject, []).append(each)
    return found


def _choice(
    query: ListQuery, associations: dict[Subject, list[Association]]
) -> Callable[[VersionWithSchema], bool] | None:
    """Which versions a list shows, beyond those that the store leaves out by itself."""
    if not query.rule_type and not query.by_association:
        return None
    names = [name.upper() for name in query.lifecycle]
    lifecycles = {lifecycle_named(name) for name in names if name != _WITHOUT}

    def chosen(found: VersionWithSchema) -> bool:
        rules = found.content.rule_set
        if query.rule_type and (rules is None or not rules.has_type(query.rule_type)):
            return False
        if not query.by_association:
            return True
        own = associations.get(found.version.subject, ())
        if not own:
            return _WITHOUT in names
        return not names or any(each.lifecycle in lifecycles for each in own)

    return chosen


@operations.get("/schemas/types")
async def list_types(call: Call[Query, NoBody]) -> list[str]:
    """The formats a schema may have."""
    return [SchemaType.JSON, SchemaType.PROTOBUF, SchemaType.AVRO]


@operations.get("/schemas/ids/{id}", ErrorCode.SCHEMA_ID_NOT_FOUND, ErrorCode.NAME_TOO_LONG)
async def read_schema(call: Call[IdQuery, NoBody]) -> SchemaResponse:
    """The schema of an id, also when every version that holds it is soft-deleted."""
    query = call.query
    found = await get_schema(call.registry, call.integer("id"), await _subject(call, query.subject))
    answer = await _content_answer(call, found, query)
    answer = await with_schema_tags(call.registry, answer, found.content, query.find_tags)
    if query.fetch_max_id:
        answer = msgspec.structs.replace(answer, max_id=await call.registry.store.max_schema_id(found.content.context))
    return answer


@operations.get("/schemas/ids/{id}/schema", ErrorCode.SCHEMA_ID_NOT_FOUND, ErrorCode.NAME_TOO_LONG)
async def read_schema_text(call: Call[IdQuery, NoBody]) -> RawText:
    """The text of an id's schema alone."""
    query = call.query
    found = await get_schema(call.registry, call.integer("id"), await _subject(call, query.subject))
    return RawText(await render(call.registry, found.content, query.format))


@operations.get("/schemas/ids/{id}/subjects", ErrorCode.SCHEMA_NOT_FOUND, ErrorCode.NAME_TOO_LONG)
async def list_subjects_of_schema(call: Call[UsesQuery, NoBody]) -> list[str]:
    """The subjects that use the schema of an id."""
    query = call.query
    versions = await versions_of_schema(
        call.registry, call.integer("id"), await _subject(call, query.subject), deleted=query.deleted
    )
    return list(query.cut(list(dict.fromkeys(str(version.subject) for version in versions))))


@operations.get("/schemas/ids/{id}/versions", ErrorCode.SCHEMA_NOT_FOUND, ErrorCode.NAME_TOO_LONG)
async def list_versions_of_schema(call: Call[UsesQuery, NoBody]) -> list[SubjectVersion]:
    """The versions that hold the schema of an id."""
    query = call.query
    versions = await versions_of_schema(
        call.registry, call.integer("id"), await _subject(call, query.subject), deleted=query.deleted
    )
    return [SubjectVersion(str(version.subject), version.version) for version in query.cut(versions)]


@operations.get("/schemas/guids/{guid}", ErrorCode.SCHEMA_ID_NOT_FOUND)
async def read_schema_by_guid(call: Call[SchemaForm, NoBody]) -> SchemaResponse:
    """The schema of a GUID, which is the same in every context and registry."""
    return await _content_answer(call, await get_schema_by_guid(call.registry, call.segment("guid")), call.query)


@operations.get("/schemas/guids/{guid}/ids")
async def list_ids_of_guid(call: Call[Query, NoBody]) -> list[ContextId]:
    """The ids that the schema of a GUID has, by context."""
    contents = await call.registry.store.schemas_by_guid(call.segment("guid").lower())
    return [ContextId(content.context, content.schema_id) for content in contents]


async def _subject(call: Call[IdQuery, NoBody] | Call[UsesQuery, NoBody], text: str | None) -> Subject | None:
    """The subject that a query names; with an empty name its context alone."""
    if text is None:
        return None
    return await resolve_alias(call.registry.store, Subject.parse(check_length(text, "subject")))


async def _content_answer(
    call: Call[IdQuery, NoBody] | Call[SchemaForm, NoBody], found: SchemaLookup, form: SchemaForm
) -> SchemaResponse:
    content, version = found.content, found.version
    return SchemaResponse(
        subject=None if version is None else str(version.subject),
        version=None if version is None else version.version,
        # Confluent's Python client remembers this answer as the version it will write with, which needs an id.
        id=None if version is None else content.schema_id,
        guid=content.guid,
        schema_type=content.schema_type,
        schema=await render(call.registry, content, form.format),
        references=references_of(content, form),
        metadata=metadata_of(content),
        rule_set=rule_set_of(content),
        ts=content.created_at,
        deleted=found.deleted,
    )
