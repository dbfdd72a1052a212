"""Reads: subjects, versions, schemas by id and GUID, lookup of a schema's version."""

import math
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from llm_schema_registry.contracts import DEFAULT_CONTEXT, Subject
from llm_schema_registry.formats import SchemaType
from llm_schema_registry.registry.candidates import SchemaRequest, prepare
from llm_schema_registry.registry.config import effective_config, resolve_alias
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import LATEST, check_subject
from llm_schema_registry.registry.lookup import find_existing, marked_version
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import Deleted, Setting, State, StoredSchema, Version

CANONICAL = "canonical"
"""The form of a text that the GUID is made from, and that is stored."""

_REPEATS_TYPES = frozenset({SchemaType.AVRO})
_NOT_PARSED = frozenset({ErrorCode.STORED_SCHEMA_UNREADABLE, ErrorCode.BUDGET_EXCEEDED})
_SEARCH_PAGE = 1000
_LISTED = frozenset({State.ACTIVE, State.DEPRECATED})


@dataclass(frozen=True, slots=True)
class VersionWithSchema:
    """A version with its content."""

    version: Version
    content: StoredSchema


@dataclass(frozen=True, slots=True)
class SchemaLookup:
    """Content found by id or GUID.

    Attributes:
        content: the content.
        version: the newest version of the subject asked for that holds it, if a subject was asked for.
        deleted: whether every version that holds it is soft-deleted.
        versions: every version that holds it.
    """

    content: StoredSchema
    version: Version | None
    deleted: bool
    versions: Sequence[Version] = field(default=())


async def render(registry: Registry, content: StoredSchema, form: str = "") -> str:
    """The text of stored content in the form that `?format=` names; the text that clients read for none.

    The stored text is the one that the GUID is made from (`canonical`). In Avro it defines types again that are
    nested in references (Confluent's rule), which most clients refuse to read.

    Raises:
        RegistryError: STORED_SCHEMA_UNREADABLE or BUDGET_EXCEEDED, for a form that is not the stored text.
    """
    if form == CANONICAL:
        return content.text
    if form:
        return await registry.read_then_run_within_budget(_render, content, form)
    repeats = content.schema_type in _REPEATS_TYPES and content.references
    if not repeats or registry.rules.repeated_types:
        return content.text
    try:
        return await registry.read_then_run_within_budget(_readable, content)
    except RegistryError as error:
        if error.code not in _NOT_PARSED:
            raise
        # A schema that was imported as it is, say: its text is served as it is, too.
        return content.text


async def _render(registry: Registry, content: StoredSchema, form: str) -> str:
    return (await registry.schemas.parsed(registry.store, content)).rendered(form)


async def _readable(registry: Registry, content: StoredSchema) -> str:
    parsed = await registry.schemas.parsed(registry.store, content)
    text = parsed.rendered("")
    return content.text if text == parsed.canonical else text


async def get_version(registry: Registry, subject: Subject, number: int, *, deleted: bool = False) -> VersionWithSchema:
    """A version of a subject, or its latest.

    Args:
        registry: the registry.
        subject: the subject.
        number: the version, or `LATEST`.
        deleted: whether a soft-deleted version may be answered too.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND, VERSION_NOT_FOUND.
    """
    for where in await _where_to_look(registry, subject):
        version = await (registry.store.latest(where) if number == LATEST else registry.store.version(where, number))
        if version is None and number == LATEST and deleted:
            version = max(await registry.store.versions(where), key=lambda each: each.version, default=None)
        if version is not None and (deleted or not version.deleted):
            return VersionWithSchema(version, await _content_of(registry, version))
    if number == LATEST or not await _exists(registry, subject, deleted=deleted):
        raise RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject=subject)
    raise RegistryError(ErrorCode.VERSION_NOT_FOUND, version=number)


async def list_subject_versions(
    registry: Registry, subject: Subject, deleted: Deleted = Deleted.EXCLUDED
) -> list[Version]:
    """The versions of a subject in ascending order; DRAFT and ARCHIVED ones are not listed.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND when there is none of the kind asked for.
    """
    everything = [each for each in await registry.store.versions(subject) if each.state in _LISTED]
    visible = everything if deleted is not Deleted.EXCLUDED else [each for each in everything if not each.deleted]
    if not visible:
        raise RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject=subject)
    return [each for each in visible if each.deleted] if deleted is Deleted.ONLY else visible


async def lookup(
    registry: Registry,
    subject: Subject,
    request: SchemaRequest,
    *,
    normalize: bool | None = None,
    deleted: bool = False,
) -> VersionWithSchema:
    """The version of a subject that holds this schema.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND, SCHEMA_NOT_FOUND, INVALID_SCHEMA, BUDGET_EXCEEDED.
    """
    check_subject(subject)
    return await registry.run_within_budget(_lookup, subject, request, normalize, deleted)


async def _lookup(
    registry: Registry, subject: Subject, request: SchemaRequest, normalize: bool | None, deleted: bool
) -> VersionWithSchema:
    known = False
    for where in await _where_to_look(registry, subject):
        versions = [each for each in await registry.store.versions(where) if deleted or not each.deleted]
        if not versions:
            continue
        known = True
        if not request.schema:
            # As the reference has it: nothing is registered that has no text.
            raise RegistryError(ErrorCode.SCHEMA_NOT_FOUND)
        config = await effective_config(registry, registry.store, where)
        candidate = await prepare(registry, registry.store, where, request, config, normalize=normalize, new=False)
        rule_set = None if request.rule_set is None else request.rule_set.materialised()
        version = await find_existing(
            registry,
            registry.store,
            candidate,
            versions,
            metadata=request.metadata,
            rule_set=rule_set,
            pinned=marked_version(request.metadata) or request.version or None,
        )
        if version is not None:
            return VersionWithSchema(version, await _content_of(registry, version))
    if not known:
        raise RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject=subject)
    raise RegistryError(ErrorCode.SCHEMA_NOT_FOUND)


async def get_schema(registry: Registry, schema_id: int, subject: Subject | None = None) -> SchemaLookup:
    """The content of an id; soft-deleted ones too, since data with this id still exists.

    Args:
        registry: the registry.
        schema_id: the id.
        subject: picks the context the id belongs to (an empty name: the context alone) and the version that
            is told; the schema is found even if the subject does not use it.

    Raises:
        RegistryError: SCHEMA_ID_NOT_FOUND.
    """
    contexts = [subject.context] if subject else [DEFAULT_CONTEXT]
    if registry.rules.context_fallback and contexts == [DEFAULT_CONTEXT]:
        contexts = await registry.store.contexts()
    for context in contexts:
        content = await registry.schemas.content(registry.store, context, schema_id)
        if content is not None:
            return await _described(registry, content, subject if subject and subject.name else None)
    raise RegistryError(ErrorCode.SCHEMA_ID_NOT_FOUND, schema=schema_id)


async def get_schema_by_guid(registry: Registry, guid: str) -> SchemaLookup:
    """The content of a GUID, from the first context that has it.

    Raises:
        RegistryError: SCHEMA_ID_NOT_FOUND.
    """
    contents = await registry.store.schemas_by_guid(guid.lower())
    if not contents:
        raise RegistryError(ErrorCode.SCHEMA_ID_NOT_FOUND, schema=guid)
    return await _described(registry, contents[0], None)


async def versions_of_schema(
    registry: Registry, schema_id: int, subject: Subject | None, *, deleted: bool = False
) -> list[Version]:
    """Every version that holds the schema of an id, by subject and version.

    Args:
        registry: the registry.
        schema_id: the id.
        subject: picks the context; with a name, only versions of that subject are told.
        deleted: whether soft-deleted versions are told too.

    Raises:
        RegistryError: SCHEMA_NOT_FOUND.
    """
    context = subject.context if subject else DEFAULT_CONTEXT
    if await registry.schemas.content(registry.store, context, schema_id) is None:
        raise RegistryError(ErrorCode.SCHEMA_NOT_FOUND)
    return [
        version
        for version in await registry.store.versions_of_schema(context, schema_id)
        if (deleted or not version.deleted) and (not subject or not subject.name or version.subject == subject)
    ]


async def referenced_by(registry: Registry, subject: Subject, number: int, *, deleted: bool = False) -> list[int]:
    """The ids of all schemas that refer to a version, which may itself be soft-deleted.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND, VERSION_NOT_FOUND.
    """
    found = await get_version(registry, subject, number, deleted=True)
    referrers = await registry.store.referrers(subject, found.version.version)
    return sorted({each.schema_id for each in referrers if deleted or not each.deleted})


async def get_with_metadata(
    registry: Registry, subject: Subject, properties: dict[str, str], *, deleted: bool = False
) -> VersionWithSchema:
    """The highest version whose metadata has all these properties.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND, SCHEMA_NOT_FOUND.
    """
    versions = await list_subject_versions(registry, subject, Deleted.INCLUDED if deleted else Deleted.EXCLUDED)
    for version in reversed(versions):
        content = await _content_of(registry, version)
        has = (content.metadata and content.metadata.properties) or {}
        if properties.items() <= has.items():
            return VersionWithSchema(version, content)
    raise RegistryError(ErrorCode.SCHEMA_NOT_FOUND)


async def listed_schemas(
    registry: Registry,
    *,
    context: str | None = None,
    prefix: str = "",
    deleted: Deleted = Deleted.EXCLUDED,
    latest_only: bool = False,
    only: Callable[[VersionWithSchema], bool] | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> AsyncIterator[VersionWithSchema]:
    """Versions of all subjects with their contents, in order of context, subject and version.

    A content is read when its turn comes: together they may be too large for memory.

    Args:
        registry: the registry.
        context: only this one; `None` for all.
        prefix: what the subject's name starts with.
        deleted: whether soft-deleted versions are listed.
        latest_only: only the highest version of each subject.
        only: which of them; all for `None`.
        offset: how many to skip.
        limit: how many at most; `None` for all.

    Raises:
        RegistryError: SCHEMA_ID_NOT_FOUND, a content was removed since the versions were read.
    """
    if only is None:
        versions = await registry.store.list_versions(
            context=context, prefix=prefix, deleted=deleted, latest_only=latest_only, offset=offset, limit=limit
        )
        for version in versions:
            yield VersionWithSchema(version, await _content_of(registry, version))
        return
    number = 0
    wanted = math.inf if limit is None else offset + limit
    start = 0
    while number < wanted:
        versions = await registry.store.list_versions(
            context=context, prefix=prefix, deleted=deleted, latest_only=latest_only, offset=start, limit=_SEARCH_PAGE
        )
        for version in versions:
            found = VersionWithSchema(version, await _content_of(registry, version))
            if number < wanted and only(found):
                number += 1
                if number > offset:
                    yield found
        start += len(versions)
        if len(versions) < _SEARCH_PAGE:
            break


async def aliases_in(reads: Reads, contexts: Iterable[str]) -> dict[Subject, list[str]]:
    """The subjects that aliases of these contexts mean, each with its aliases in order."""
    found: dict[Subject, list[str]] = {}
    for context in contexts:
        for scope in await reads.scopes_with_setting(context, Setting.CONFIG):
            subject = await resolve_alias(reads, scope)
            if subject != scope:
                found.setdefault(subject, []).append(str(scope))
    return found


async def _described(registry: Registry, content: StoredSchema, subject: Subject | None) -> SchemaLookup:
    versions = await registry.store.versions_of_schema(content.context, content.schema_id)
    of_subject = [version for version in versions if version.subject == subject]
    return SchemaLookup(
        content=content,
        version=of_subject[-1] if of_subject else None,
        deleted=all(version.deleted for version in versions),
        versions=versions,
    )


async def _content_of(registry: Registry, version: Version) -> StoredSchema:
    content = await registry.schemas.content_of(registry.store, version)
    if content is None:
        raise RegistryError(ErrorCode.SCHEMA_ID_NOT_FOUND, schema=version.schema_id)
    return content


async def _exists(registry: Registry, subject: Subject, *, deleted: bool) -> bool:
    return any(deleted or not version.deleted for version in await registry.store.versions(subject))


async def _where_to_look(registry: Registry, subject: Subject) -> list[Subject]:
    """The subject itself, and with `context_fallback` its namesakes in every other context."""
    if not registry.rules.context_fallback or subject.context != DEFAULT_CONTEXT:
        return [subject]
    return [Subject(context, subject.name) for context in await registry.store.contexts()]
