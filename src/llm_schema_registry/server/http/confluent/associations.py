"""Associations of resources, such as topics, with the subjects that hold their schemas."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from llm_schema_registry.contracts import DEFAULT_CONTEXT, Subject
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError
from llm_schema_registry.registry.association_changes import Associated, associate, dissociate, mutate
from llm_schema_registry.registry.associations import (
    TOPIC,
    AssociationBatch,
    AssociationFilter,
    AssociationRequest,
    Operation,
    Resource,
    ResourceRequest,
    checked_resource,
    lifecycle_named,
    of_id,
    of_name,
    refuse,
)
from llm_schema_registry.server.http.confluent.responses import SchemaResponse, version_answer
from llm_schema_registry.server.http.context_prefix import context_name
from llm_schema_registry.server.http.errors import problem_of
from llm_schema_registry.server.http.query_params import Page, Query
from llm_schema_registry.server.operations import NAME_ERRORS, Call, NoBody, Operations
from llm_schema_registry.store.records import Association, AssociationStrength

operations = Operations("Associations")
_ERRORS = (
    ErrorCode.INVALID_ASSOCIATION,
    ErrorCode.RESOURCE_ASSOCIATED,
    ErrorCode.SUBJECT_ASSOCIATED,
    ErrorCode.SUBJECT_STRONGLY_ASSOCIATED,
    ErrorCode.SUBJECT_WITHOUT_VERSION,
    ErrorCode.ASSOCIATION_FROZEN,
    ErrorCode.SUBJECT_REFERENCED,
    ErrorCode.OPERATION_NOT_PERMITTED,
    ErrorCode.INVALID_SCHEMA,
    *NAME_ERRORS,
)

ResourceType = Annotated[str, Meta(description="The type of the resource.")]
AssociationTypes = Annotated[tuple[str, ...], Meta(description="`key` or `value`; may be repeated.")]
DryRun = Annotated[bool, Meta(description="Only find out whether it could be done.")]


class AssociationsQuery(Page, frozen=True, kw_only=True):
    """Which associations are listed."""

    resource_type: ResourceType = TOPIC
    association_type: AssociationTypes = ()
    lifecycle: Annotated[str, Meta(description="`STRONG` or `WEAK`.")] = ""


class ChangeQuery(Query, frozen=True, kw_only=True):
    """How associations are changed."""

    context: Annotated[str, Meta(description="Where unqualified subjects live; the default context if left out.")] = ""
    dry_run: DryRun = False


class DeleteQuery(Query, frozen=True, kw_only=True):
    """Which associations are deleted."""

    resource_type: ResourceType = ""
    association_type: AssociationTypes = ()
    cascade_lifecycle: Annotated[bool, Meta(description="Delete the subjects of strong ones with them.")] = False
    dry_run: DryRun = False


class BatchGetQuery(Query, frozen=True, kw_only=True):
    """What is told of each association."""

    include_schemas: Annotated[bool, Meta(description="The latest version of each subject too.")] = False


class AssociationResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An association.

    Attributes:
        subject: the subject.
        guid: of the association.
        resource_name: the name of the resource.
        resource_namespace: where it has that name.
        resource_id: its own id.
        resource_type: `topic`.
        association_type: `key` or `value`.
        lifecycle: `STRONG` or `WEAK`.
        frozen: only if it is not what the lifecycle says: true if strong.
        create_ts: when it was made, in milliseconds since the epoch.
        update_ts: when it was last changed.
    """

    subject: str
    guid: str
    resource_name: str
    resource_namespace: str
    resource_id: str
    resource_type: str
    association_type: str
    lifecycle: AssociationStrength
    frozen: bool | None = None
    create_ts: int
    update_ts: int


class AssociationInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An association of a resource that the answer names.

    Attributes:
        subject: the subject.
        association_type: `key` or `value`.
        lifecycle: `STRONG` or `WEAK`.
        frozen: only if it is not what the lifecycle says.
        schema: the version that was registered with it, or the latest if asked for.
    """

    subject: str
    association_type: str
    lifecycle: AssociationStrength
    frozen: bool | None = None
    schema: SchemaResponse | None = None


class ResourceResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A resource and its associations; those that were there already are not repeated."""

    resource_name: str | None = None
    resource_namespace: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    associations: tuple[AssociationInfo, ...] = ()


class AssociationProblem(msgspec.Struct, frozen=True):
    """Why one request of a batch was refused."""

    error_code: int
    message: str


class AssociationResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one request of a batch."""

    result: ResourceResponse | None = None
    error: AssociationProblem | None = None


class AssociationResults(msgspec.Struct, frozen=True):
    """The results of a batch, in the order of the requests."""

    results: list[AssociationResult]


class AssociationBatches(msgspec.Struct, frozen=True):
    """Changes of several resources."""

    requests: list[AssociationBatch]


class WantedResource(ResourceRequest, frozen=True, kw_only=True, rename="camel"):
    """A resource, by its id or else by its name, and which of its associations.

    Attributes:
        association_types: of these types only.
        lifecycle: of this lifecycle only.
    """

    association_types: tuple[str, ...] = ()
    lifecycle: AssociationStrength | None = None


class ResourcesRequest(msgspec.Struct, frozen=True):
    """Several resources."""

    requests: list[WantedResource]


@operations.get("/associations/subjects/{subject}", ErrorCode.INVALID_ASSOCIATION)
async def list_associations_of_subject(call: Call[AssociationsQuery, NoBody]) -> list[AssociationResponse]:
    """The associations of a subject."""
    return _listed(call, await call.registry.store.associations_of_subject(await call.subject()))


@operations.get("/associations/resources/{namespace}/{name}", ErrorCode.INVALID_ASSOCIATION, ErrorCode.NAME_TOO_LONG)
async def list_associations_of_name(call: Call[AssociationsQuery, NoBody]) -> list[AssociationResponse]:
    """The associations of a resource by its name; `-` stands for every namespace, or every name."""
    return _listed(call, await of_name(call.registry.store, call.segment("namespace"), call.segment("name")))


@operations.get("/associations/resources/{resource}", ErrorCode.INVALID_ASSOCIATION, ErrorCode.NAME_TOO_LONG)
async def list_associations_of_resource(call: Call[AssociationsQuery, NoBody]) -> list[AssociationResponse]:
    """The associations of a resource by its id."""
    return _listed(call, await of_id(call.registry.store, call.segment("resource")))


@operations.add("POST", "/associations", *_ERRORS, writes=True)
async def create_associations(call: Call[ChangeQuery, AssociationRequest]) -> ResourceResponse:
    """Associates a resource with subjects, and registers the schemas that come along."""
    return await _changed(call, call.body, Operation.CREATE)


@operations.add("PUT", "/associations/resources/{resource}", *_ERRORS, writes=True)
async def upsert_associations(call: Call[ChangeQuery, AssociationRequest]) -> ResourceResponse:
    """Makes sure that a resource has weak associations; what is frozen stays as it is."""
    resource_id = call.segment("resource")
    if call.body.resource_id not in (None, resource_id):
        refuse("resourceId", "must be the one in the path")
    return await _changed(call, msgspec.structs.replace(call.body, resource_id=resource_id), Operation.UPSERT)


@operations.add(
    "DELETE",
    "/associations/resources/{resource}",
    ErrorCode.ASSOCIATION_NOT_FOUND,
    ErrorCode.ASSOCIATION_FROZEN,
    ErrorCode.OPERATION_NOT_PERMITTED,
    ErrorCode.REFERENCE_EXISTS,
    ErrorCode.NAME_TOO_LONG,
    writes=True,
    status=204,
)
async def remove_associations(call: Call[DeleteQuery, NoBody]) -> None:
    """Deletes the associations of a resource."""
    query = call.query
    wanted = AssociationFilter(query.resource_type, query.association_type)
    await dissociate(
        call.registry, call.segment("resource"), wanted, cascade=query.cascade_lifecycle, dry_run=query.dry_run
    )


@operations.add("POST", "/associations:batchGet", ErrorCode.INVALID_ASSOCIATION, status=207)
async def get_associations_of_many(call: Call[BatchGetQuery, ResourcesRequest]) -> AssociationResults:
    """The associations of several resources."""
    _refuse_too_many(call.registry, call.body.requests)
    results = []
    for request in call.body.requests:
        try:
            answer = await _found(call.registry, request, with_schemas=call.query.include_schemas)
        except RegistryError as error:
            results.append(_failed(error))
        else:
            results.append(AssociationResult(result=answer))
    return AssociationResults(results)


@operations.add("POST", "/associations:batchMutate", ErrorCode.INVALID_ASSOCIATION, writes=True, status=207)
async def change_associations_of_many(call: Call[ChangeQuery, AssociationBatches]) -> AssociationResults:
    """Changes the associations of several resources, each request for itself."""
    query = call.query
    context = _context(query)
    _refuse_too_many(call.registry, call.body.requests)
    results = []
    for batch in call.body.requests:
        try:
            made = await mutate(call.registry, batch, context=context, dry_run=query.dry_run)
            resource = checked_resource(batch, needs_id=False)
            answer = await _answer(call.registry, resource, made)
        except RegistryError as error:
            results.append(_failed(error))
        else:
            results.append(AssociationResult(result=answer))
    return AssociationResults(results)


def association_answer(association: Association) -> AssociationResponse:
    """An association as lists show it."""
    return AssociationResponse(
        subject=str(association.subject),
        guid=association.guid,
        resource_name=association.resource_name,
        resource_namespace=association.resource_namespace,
        resource_id=association.resource_id,
        resource_type=association.resource_type,
        association_type=association.association_type,
        lifecycle=association.lifecycle,
        frozen=_told_frozen(association),
        create_ts=association.created_at,
        update_ts=association.updated_at,
    )


def _refuse_too_many(registry: Registry, requests: Sequence[object]) -> None:
    """Others wait while a batch is read, so one has at most as many requests as a page has entries."""
    limit = registry.rules.schema_search_limit
    if len(requests) > limit:
        refuse("requests", f"must be at most {limit}")


def _listed(call: Call[AssociationsQuery, NoBody], associations: list[Association]) -> list[AssociationResponse]:
    query = call.query
    wanted = AssociationFilter(query.resource_type, query.association_type, lifecycle_named(query.lifecycle))
    size = query.size(call.registry.rules.schema_search_limit)
    page = wanted.among(associations)[query.start :][:size]
    return [association_answer(each) for each in page]


async def _changed(
    call: Call[ChangeQuery, AssociationRequest], request: AssociationRequest, operation: Operation
) -> ResourceResponse:
    query = call.query
    resource = checked_resource(request, needs_id=not query.dry_run)
    made = await associate(
        call.registry,
        resource,
        request.associations,
        operation,
        context=_context(query),
        dry_run=query.dry_run,
    )
    return await _answer(call.registry, resource, made)


async def _answer(registry: Registry, resource: Resource, made: list[Associated]) -> ResourceResponse:
    infos = []
    for each in made:
        registered = each.registered
        schema = None if registered is None else await version_answer(registry, registered.version, registered.content)
        infos.append(_info(each.association, schema))
    return ResourceResponse(
        resource_name=resource.name,
        resource_namespace=resource.namespace,
        resource_id=resource.id or None,
        resource_type=resource.type,
        associations=tuple(infos),
    )


async def _found(registry: Registry, request: WantedResource, *, with_schemas: bool) -> ResourceResponse:
    store = registry.store
    if request.resource_id:
        found = await of_id(store, request.resource_id)
    elif request.resource_name and request.resource_namespace:
        found = await of_name(store, request.resource_namespace, request.resource_name)
    else:
        refuse("resourceId", "must not be null or empty, unless name and namespace are given")
    found = AssociationFilter(request.resource_type or TOPIC, request.association_types, request.lifecycle).among(found)
    infos = []
    for each in found:
        latest = await store.latest(each.subject) if with_schemas else None
        content = (
            None if latest is None else await registry.schemas.content(store, each.subject.context, latest.schema_id)
        )
        schema = None if latest is None or content is None else await version_answer(registry, latest, content)
        infos.append(_info(each, schema))
    first = found[0] if found else None
    return ResourceResponse(
        resource_name=first.resource_name if first else request.resource_name,
        resource_namespace=first.resource_namespace if first else request.resource_namespace,
        resource_id=first.resource_id if first else request.resource_id,
        resource_type=request.resource_type or TOPIC,
        associations=tuple(infos),
    )


async def _latest(registry: Registry, subject: Subject) -> SchemaResponse | None:
    version = await registry.store.latest(subject)
    if version is None:
        return None
    content = await registry.schemas.content(registry.store, subject.context, version.schema_id)
    return None if content is None else await version_answer(registry, version, content)


def _info(association: Association, schema: SchemaResponse | None) -> AssociationInfo:
    return AssociationInfo(
        subject=str(association.subject),
        association_type=association.association_type,
        lifecycle=association.lifecycle,
        frozen=_told_frozen(association),
        schema=schema,
    )


def _told_frozen(association: Association) -> bool | None:
    return None if association.frozen is (association.lifecycle is AssociationStrength.STRONG) else association.frozen


def _context(query: ChangeQuery) -> str:
    return context_name(query.context) if query.context else DEFAULT_CONTEXT


def _failed(error: RegistryError) -> AssociationResult:
    problem = problem_of(error)
    return AssociationResult(error=AssociationProblem(problem.code, problem.message))
