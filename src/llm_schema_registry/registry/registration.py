"""Registration: plan against an observed revision, then write if no scope of the plan has changed."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from llm_schema_registry.contracts import (
    CONFLUENT_VERSION,
    InvalidRuleSetError,
    Metadata,
    RuleSet,
    Subject,
    check_rule_set,
    guid_of,
    merge_metadata,
    merge_rule_sets,
    without_version_marker,
)
from llm_schema_registry.formats import InvalidSchemaError
from llm_schema_registry.registry.candidates import (
    Candidate,
    SchemaRequest,
    check_references,
    check_size,
    prepare,
    refuse_duplicate_keys,
    schema_type_of,
)
from llm_schema_registry.registry.commit import PendingRegistration, RegistrationResult, write, write_unless_touched
from llm_schema_registry.registry.compatibility import baseline_versions, check_against, refusal
from llm_schema_registry.registry.config import Config, effective_config, scopes_above
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import LATEST, MAX_ID, check_subject, context_token
from llm_schema_registry.registry.lookup import find_existing, marked_version
from llm_schema_registry.registry.modes import effective_mode, not_permitted
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.registry.tags import with_tags_written
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import AssociationStrength, StoredSchema, Version

_OPTIMISTIC_ATTEMPTS = 3
_ALWAYS_NEXT = 0


async def register(
    registry: Registry,
    subject: Subject,
    request: SchemaRequest,
    *,
    normalize: bool | None = None,
    force: bool = False,
    actor: str = "",
) -> RegistrationResult:
    """Registers a schema under a subject, or finds the version that already holds it.

    The decision (parsing, identity, compatibility) is made outside the write lock. The write happens only if no
    scope that the decision read was touched meanwhile; otherwise it is made again, at last inside the lock.

    Args:
        registry: the registry.
        subject: where to.
        request: the schema with everything around it.
        normalize: whether to store the normal form; `None` leaves it to the config.
        force: skip the compatibility check.
        actor: who does it.

    Raises:
        RegistryError: INVALID_SUBJECT, INVALID_SCHEMA, INVALID_RULE_SET, INCOMPATIBLE_SCHEMA with findings,
            OPERATION_NOT_PERMITTED, SCHEMA_TOO_LARGE, BUDGET_EXCEEDED.
    """
    check_subject(subject)
    request = validate_request(request)
    store = registry.store
    for _ in range(_OPTIMISTIC_ATTEMPTS):
        seen = await registry.observed_revision()
        try:
            decision = await registry.run_within_budget(decide_on_store, subject, request, normalize, force)
        except RegistryError:
            # The cached state may be stale: re-raise only if nothing in scope has changed since it was read.
            if await store.last_changed(_scopes_of(subject, request)) <= seen:
                raise
            continue
        if isinstance(decision, RegistrationResult):
            return decision
        await store.stage(decision.content)
        async with store.transaction(actor) as transaction:
            registered = await write_unless_touched(transaction, decision, seen)
            if registered is not None:
                return registered
    async with store.transaction(actor) as transaction:
        decision = await plan_registration(registry, transaction, subject, request, normalize, force)
        if isinstance(decision, RegistrationResult):
            return decision
        return await write(transaction, decision)


def validate_request(request: SchemaRequest) -> SchemaRequest:
    """The request with the defaults of its rules written out; raises for ids, versions and rule sets that are off."""
    if request.id is not None and not 0 <= request.id <= MAX_ID:
        raise RegistryError(
            ErrorCode.INVALID_SCHEMA, message=f"Invalid schema id {request.id}: allowed are 1 to 2^31-1"
        )
    if request.version is not None and not LATEST <= request.version <= MAX_ID:
        raise RegistryError(ErrorCode.INVALID_VERSION, version=request.version)
    if request.rule_set is None:
        return request
    try:
        check_rule_set(request.rule_set)
    except InvalidRuleSetError as error:
        raise RegistryError(ErrorCode.INVALID_RULE_SET, message=str(error)) from error
    return msgspec.structs.replace(request, rule_set=request.rule_set.materialised())


async def decide_on_store(
    registry: Registry, subject: Subject, request: SchemaRequest, normalize: bool | None, force: bool
) -> RegistrationResult | PendingRegistration:
    """As `plan_registration`, on what is committed: a use case that only reads, for `Registry.bounded`."""
    return await plan_registration(registry, registry.store, subject, request, normalize, force)


async def plan_registration(
    registry: Registry,
    reads: Reads,
    subject: Subject,
    request: SchemaRequest,
    normalize: bool | None,
    force: bool,
) -> RegistrationResult | PendingRegistration:
    """What registering means now: the version that already holds the schema, or what is to be written.

    Args and errors as for `register`; `reads` may be a transaction, whose own writes then count. Raises
    BudgetExceededError when it is too much work for here.
    """
    config = await effective_config(registry, reads, subject)
    mode = await effective_mode(reads, subject)
    everything = await reads.versions(subject)
    versions = [version for version in everything if not version.deleted]
    if mode.importing and request.id:
        return await _decide_import(registry, reads, subject, request, everything)

    latest = await _latest_content(registry, reads, versions)
    request, warnings = await with_tags_written(registry, reads, subject, _with_text(request, latest), config, latest)
    pinned = _pinned(request)
    candidate = await prepare(registry, reads, subject, request, config, normalize=normalize, new=True)
    candidate = replace(candidate, warnings=warnings or candidate.warnings)
    looked_for = None if _merges(config) else (request.metadata, request.rule_set)
    if looked_for is not None:
        same = await _find_same(registry, reads, candidate, versions, request.metadata, request.rule_set, pinned)
        if same is not None:
            return same
    if mode.read_only:
        raise not_permitted(subject, "is in read-only mode")
    if mode.importing:
        raise not_permitted(subject, "is not in read-write mode")
    if request.id:
        raise not_permitted(subject, "is not in import mode")

    metadata, rule_set = _inherited(request, latest, config)
    if (metadata, rule_set) != looked_for:
        check_size(registry, request.schema or "", candidate.references, metadata, rule_set)
        same = await _find_same(registry, reads, candidate, versions, metadata, rule_set, pinned)
        if same is not None:
            return same
    refuse_duplicate_keys(subject, request, candidate, config)
    await _refuse_owned_references(reads, candidate, subject)
    number = _next_version(everything)
    if request.version is not None and request.version > 0 and request.version != number:
        raise RegistryError(
            ErrorCode.INVALID_SCHEMA,
            message="Version is not one more than previous version",
        )
    if pinned is not None:
        metadata = (metadata or Metadata()).with_property(CONFLUENT_VERSION, str(number))
    if not force:
        verdict = await check_against(registry, reads, candidate.parsed, metadata, versions, config)
        if not verdict.compatible:
            raise refusal(subject, verdict)
    content = _content(registry, subject, candidate, metadata, rule_set)
    return PendingRegistration(
        version=Version(subject=subject, version=number, schema_id=0, registered_at=content.created_at),
        content=content,
        scopes=(*scopes_above(subject), *_referenced(content)),
        warnings=candidate.warnings,
    )


async def _refuse_owned_references(reads: Reads, candidate: Candidate, subject: Subject) -> None:
    """A subject that ends with its resource cannot be referred to (Confluent's rule)."""
    for target in dict.fromkeys(Subject.parse(each.subject, subject.context) for each in candidate.references):
        if any(each.lifecycle is AssociationStrength.STRONG for each in await reads.associations_of_subject(target)):
            message = f"Subject '{target}' has a strong association and cannot be referenced"
            raise RegistryError(ErrorCode.OPERATION_NOT_PERMITTED, message=message)


async def _decide_import(
    registry: Registry, reads: Reads, subject: Subject, request: SchemaRequest, versions: Sequence[Version]
) -> RegistrationResult | PendingRegistration:
    """In IMPORT mode a schema is taken with the id and version it brings, unchecked (Confluent's rule)."""
    number = request.version if request.version and request.version > 0 else _next_version(versions)
    content = await _imported(registry, reads, subject, request)
    stored = await reads.schema(subject.context, content.schema_id)
    if stored is not None and stored.guid != content.guid:
        message = (
            f"Overwrite new schema with id {content.schema_id} in context "
            f"{context_token(subject.context)} is not permitted."
        )
        raise RegistryError(ErrorCode.OPERATION_NOT_PERMITTED, message=message)
    if stored is None:
        await _refuse_far_id(registry, reads, subject, content.schema_id)
    for version in versions:
        if version.schema_id == content.schema_id and not version.deleted and not request.version:
            return RegistrationResult(version, stored or content, created=False)
        if version.version == number and not version.deleted:
            if version.schema_id == content.schema_id:
                return RegistrationResult(version, stored or content, created=False)
            message = f"Overwrite version {number} of subject {subject} with another schema is not permitted."
            raise RegistryError(ErrorCode.OPERATION_NOT_PERMITTED, message=message)
    return PendingRegistration(
        version=Version(subject=subject, version=number, schema_id=content.schema_id, registered_at=content.created_at),
        content=content,
        scopes=scopes_above(subject),
        new=all(version.version != number for version in versions),
    )


async def _refuse_far_id(registry: Registry, reads: Reads, subject: Subject, schema_id: int) -> None:
    """Raises OPERATION_NOT_PERMITTED for an id that would leave most of the ids below it unused."""
    highest, gap = await reads.max_schema_id(subject.context), registry.rules.max_id_gap
    if schema_id - highest > gap:
        message = (
            f"Import of schema with id {schema_id} in context {context_token(subject.context)} is not permitted: the "
            f"highest id given there is {highest}, and an imported one may be at most {gap} above it "
            "(LSR_MAX_ID_GAP). Import it with a lower id, or raise the limit."
        )
        raise RegistryError(ErrorCode.OPERATION_NOT_PERMITTED, message=message)


async def _imported(registry: Registry, reads: Reads, subject: Subject, request: SchemaRequest) -> StoredSchema:
    """The content an import brings: in canonical form if it can be read at all, else as it was sent."""
    if not request.schema:
        raise RegistryError(ErrorCode.INVALID_SCHEMA, message="Empty schema")
    schema_type = schema_type_of(request)
    references = tuple(request.references or ())
    check_size(registry, request.schema, references, request.metadata, request.rule_set)
    check_references(references, subject.context)
    for reference in references:
        if not 1 <= reference.version <= MAX_ID:
            message = f'Invalid version {reference.version} of the reference to subject "{reference.subject}"'
            raise RegistryError(ErrorCode.INVALID_SCHEMA, message=message)
    try:
        dependencies = await registry.schemas.dependencies(reads, references, subject.context, deleted=True)
        budget = registry.schemas.budget(reads, "Parsing the schema")
        parsed = registry.schemas.parse(schema_type, request.schema, dependencies, strict=False, budget=budget)
        text = parsed.canonical
    except InvalidSchemaError:
        text = request.schema
    return StoredSchema(
        context=subject.context,
        schema_id=request.id or 0,
        guid=guid_of(text, references, request.metadata, request.rule_set),
        schema_type=schema_type,
        text=text,
        references=references,
        metadata=request.metadata,
        rule_set=request.rule_set,
        created_at=registry.clock(),
    )


async def _find_same(
    registry: Registry,
    reads: Reads,
    candidate: Candidate,
    versions: Sequence[Version],
    metadata: Metadata | None,
    rule_set: RuleSet | None,
    pinned: int | None,
) -> RegistrationResult | None:
    if pinned == _ALWAYS_NEXT:
        return None
    if pinned == LATEST:
        versions, pinned = baseline_versions(versions, transitive=False), None
        metadata = without_version_marker(metadata)
    version = await find_existing(
        registry, reads, candidate, versions, metadata=metadata, rule_set=rule_set, pinned=pinned
    )
    if version is None:
        return None
    content = await registry.schemas.content_of(reads, version)
    if content is None:
        return None
    return RegistrationResult(version, content, created=False, warnings=candidate.warnings)


async def _latest_content(registry: Registry, reads: Reads, versions: Sequence[Version]) -> StoredSchema | None:
    latest = baseline_versions(versions, transitive=False)
    if not latest:
        return None
    return await registry.schemas.content_of(reads, latest[0])


def _with_text(request: SchemaRequest, latest: StoredSchema | None) -> SchemaRequest:
    """An empty text stands for the latest version's, with its type and references (Confluent's rule)."""
    if request.schema:
        return request
    schema_type_of(request)
    if latest is None:
        raise RegistryError(ErrorCode.INVALID_SCHEMA, message="Empty schema")
    return msgspec.structs.replace(
        request, schema=latest.text, schema_type=latest.schema_type, references=list(latest.references)
    )


def _pinned(request: SchemaRequest) -> int | None:
    """The version a request insists on: a number, `LATEST`, `_ALWAYS_NEXT`, or `None` for any (Confluent's rule)."""
    marked = marked_version(request.metadata)
    if marked is not None:
        return marked
    return request.version or None


def _merges(config: Config) -> bool:
    """Whether the config adds to metadata or rules, so that the request alone does not tell the identity."""
    return any((config.default_metadata, config.override_metadata, config.default_rule_set, config.override_rule_set))


def _inherited(
    request: SchemaRequest, latest: StoredSchema | None, config: Config
) -> tuple[Metadata | None, RuleSet | None]:
    """The metadata and rule set a new version gets: given or the latest's, between default and override."""
    metadata, rule_set = request.metadata, request.rule_set
    if latest is not None:
        metadata = metadata if metadata is not None else without_version_marker(latest.metadata)
        rule_set = rule_set if rule_set is not None else latest.rule_set
    metadata = merge_metadata(merge_metadata(config.default_metadata, metadata), config.override_metadata)
    rule_set = merge_rule_sets(merge_rule_sets(config.default_rule_set, rule_set), config.override_rule_set)
    return metadata, rule_set


def _next_version(versions: Sequence[Version]) -> int:
    return versions[-1].version + 1 if versions else 1


def _content(
    registry: Registry,
    subject: Subject,
    candidate: Candidate,
    metadata: Metadata | None,
    rule_set: RuleSet | None,
) -> StoredSchema:
    return StoredSchema(
        context=subject.context,
        schema_id=0,
        guid=guid_of(candidate.text, candidate.references, metadata, rule_set),
        schema_type=candidate.parsed.schema_type,
        text=candidate.text,
        references=candidate.references,
        metadata=metadata,
        rule_set=rule_set,
        created_at=registry.clock(),
    )


def _scopes_of(subject: Subject, request: SchemaRequest) -> tuple[Subject, ...]:
    """Every scope whose facts a decision about a request may have read."""
    referenced = (Subject.parse(reference.subject, subject.context) for reference in request.references or ())
    return (*scopes_above(subject), *referenced)


def _referenced(content: StoredSchema) -> tuple[Subject, ...]:
    return tuple(Subject.parse(reference.subject, content.context) for reference in content.references)
