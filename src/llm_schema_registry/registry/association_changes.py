"""Changes of associations: create, upsert and delete, each request as a whole (as the Confluent registry does).

Deciding about a schema that comes along is done before the lock is taken, as for any registration.
"""

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry.associations import (
    AssociationBatch,
    AssociationEntry,
    AssociationFilter,
    Operation,
    Resource,
    checked_resource,
    checked_types,
    of_id,
    refuse,
)
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.commit import PendingRegistration, RegistrationResult, write
from llm_schema_registry.registry.config import scopes_above
from llm_schema_registry.registry.deletion import end_subject
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import check_subject
from llm_schema_registry.registry.modes import effective_mode, refuse_if_read_only
from llm_schema_registry.registry.registration import decide_on_store, plan_registration, validate_request
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.api import Reads, Transaction
from llm_schema_registry.store.records import Association, AssociationStrength


@dataclass(frozen=True, slots=True)
class Associated:
    """An association that was made, with the schema that came along, if one did."""

    association: Association
    registered: RegistrationResult | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a request, with its type and subject settled."""

    resource: Resource
    type: str
    subject: Subject
    asked: AssociationEntry

    @property
    def is_of_own_subject(self) -> bool:
        return self.subject == self.resource.own_subject(self.type)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What was decided about a schema before the lock was taken, at which revision."""

    decision: RegistrationResult | PendingRegistration
    seen: int


async def associate(
    registry: Registry,
    resource: Resource,
    entries: Sequence[AssociationEntry],
    operation: Operation,
    *,
    context: str,
    dry_run: bool = False,
    actor: str = "",
) -> list[Associated]:
    """Creates or upserts associations of a resource: all of them, or none.

    Args:
        registry: the registry.
        resource: the resource.
        entries: what to associate, one of each type.
        operation: CREATE or UPSERT.
        context: where unqualified subjects live.
        dry_run: only find out whether it could be done.
        actor: who does it.

    Returns:
        what was made; associations that are there already are left out, and in a dry run all.

    Raises:
        RegistryError: INVALID_ASSOCIATION, RESOURCE_ASSOCIATED, SUBJECT_ASSOCIATED, SUBJECT_STRONGLY_ASSOCIATED,
            SUBJECT_WITHOUT_VERSION, ASSOCIATION_FROZEN, SUBJECT_REFERENCED, and whatever `register` raises.
    """
    settled = _settled(resource, entries, context)
    ahead = {
        entry.type: await _decided_ahead(registry, entry.subject, schema, entry.asked.normalize)
        for entry in settled
        if (schema := entry.asked.schema) is not None
    }
    made: list[Associated] = []
    async with registry.store.transaction(actor) as transaction:
        existing = AssociationFilter(resource.type).among(await transaction.associations_of_resource(resource.id))
        if any(
            (each.resource_name, each.resource_namespace) != (resource.name, resource.namespace) for each in existing
        ):
            refuse("resourceId", "belongs to a resource of another name or namespace")
        new: list[tuple[_Entry, AssociationStrength]] = []
        for entry in settled:
            current = next((each for each in existing if each.association_type == entry.type), None)
            if current is None:
                new.append((entry, await _lifecycle(transaction, entry, operation)))
            else:
                _refuse_to_change(entry, current, ahead.get(entry.type), operation)
        if len({*(lifecycle for _, lifecycle in new), *(each.lifecycle for each in existing)}) > 1:
            refuse("lifecycle", "must be the same for all associations of a resource")
        for entry, lifecycle in new:
            await _refuse_by_subject(transaction, entry, lifecycle)
            registered = await _registered(registry, transaction, entry, ahead.get(entry.type), dry_run)
            if not dry_run:
                association = _association(entry, lifecycle, registry.clock())
                await transaction.put_association(association)
                made.append(Associated(association, registered))
    return made


async def dissociate(
    registry: Registry,
    resource_id: str,
    wanted: AssociationFilter,
    *,
    cascade: bool = False,
    dry_run: bool = False,
    actor: str = "",
) -> None:
    """Deletes associations of a resource.

    Args:
        registry: the registry.
        resource_id: the resource.
        wanted: which of its associations.
        cascade: delete the subjects of strong ones with them, for good where the registry allows that.
        dry_run: only find out whether it could be done.
        actor: who does it.

    Raises:
        RegistryError: ASSOCIATION_NOT_FOUND, ASSOCIATION_FROZEN, OPERATION_NOT_PERMITTED in a read-only scope,
            REFERENCE_EXISTS.
    """
    async with registry.store.transaction(actor) as transaction:
        going = wanted.among(await of_id(transaction, resource_id))
        if not going:
            raise RegistryError(ErrorCode.ASSOCIATION_NOT_FOUND, resource=resource_id)
        for association in going:
            await refuse_if_read_only(transaction, association.subject)
            if association.frozen and not cascade:
                raise _frozen(association)
        for association in () if dry_run else going:
            await transaction.remove_association(association)
            if association.lifecycle is AssociationStrength.STRONG and cascade:
                await end_subject(registry, transaction, association.subject)


async def mutate(
    registry: Registry, batch: AssociationBatch, *, context: str, dry_run: bool = False, actor: str = ""
) -> list[Associated]:
    """Does what a batch says about one resource, in order; what is adjacent and alike as one.

    Raises:
        RegistryError: as `associate` and `dissociate`; what was done before stays.
    """
    resource = checked_resource(batch, needs_id=not dry_run)
    if not batch.associations:
        refuse("associations", "must not be empty")
    made: list[Associated] = []
    for (operation, cascade), group in itertools.groupby(
        batch.associations, lambda each: (each.op_type, each.cascade_lifecycle)
    ):
        entries = list(group)
        if operation is Operation.DELETE:
            wanted = AssociationFilter(resource.type, checked_types(entries))
            await dissociate(registry, resource.id, wanted, cascade=cascade, dry_run=dry_run, actor=actor)
        else:
            made += await associate(
                registry, resource, entries, operation, context=context, dry_run=dry_run, actor=actor
            )
    return made


def _settled(resource: Resource, entries: Sequence[AssociationEntry], context: str) -> list[_Entry]:
    settled = []
    for entry, association_type in zip(entries, checked_types(entries), strict=True):
        own = resource.own_subject(association_type)
        subject = check_subject(Subject.parse(entry.subject, context)) if entry.subject else own
        settled.append(_Entry(resource, association_type, subject, entry))
    return settled


async def _decided_ahead(
    registry: Registry, subject: Subject, request: SchemaRequest, normalize: bool | None
) -> _Ahead:
    seen = await registry.observed_revision()
    decision = await registry.run_within_budget(decide_on_store, subject, validate_request(request), normalize, False)
    return _Ahead(decision, seen)


async def _lifecycle(reads: Reads, entry: _Entry, operation: Operation) -> AssociationStrength:
    """The lifecycle of an association to be; refuses what does not go together."""
    asked = entry.asked
    importing = (await effective_mode(reads, entry.subject)).importing
    strong = asked.lifecycle is AssociationStrength.STRONG or (asked.lifecycle is None and asked.frozen is True)
    if operation is Operation.UPSERT:
        if asked.schema is not None:
            refuse("schema", "must be absent: a schema is registered when an association is created")
        if strong and not importing:
            refuse("lifecycle", "must not be STRONG: a strong association has to be created")
    elif asked.schema is not None:
        if asked.lifecycle is AssociationStrength.WEAK:
            refuse("lifecycle", "must not be WEAK together with a schema")
        strong = True
    elif strong and not importing:
        refuse("schema", "schema must be provided when creating a frozen association")
    if asked.frozen not in (None, strong):
        refuse("frozen", f"must be {str(strong).lower()} for a {'strong' if strong else 'weak'} association")
    if strong and not entry.is_of_own_subject:
        refuse("subject", f"must be {entry.resource.own_subject(entry.type)} for a strong association")
    if not strong and entry.is_of_own_subject:
        refuse("subject", f"must be given, and not {entry.subject}, for a weak association")
    return AssociationStrength.STRONG if strong else AssociationStrength.WEAK


def _refuse_to_change(entry: _Entry, current: Association, ahead: _Ahead | None, operation: Operation) -> None:
    """Raises unless an association that is there is what an entry asks for."""
    asked = entry.asked
    elsewhere = asked.subject is not None and entry.subject != current.subject
    promoted = asked.lifecycle not in (None, current.lifecycle) or asked.frozen not in (None, current.frozen)
    weak_with_schema = asked.schema is not None and current.lifecycle is AssociationStrength.WEAK
    another_schema = ahead is not None and isinstance(ahead.decision, PendingRegistration)
    if not (elsewhere or promoted or weak_with_schema or another_schema):
        return
    if operation is Operation.CREATE:
        raise RegistryError(ErrorCode.RESOURCE_ASSOCIATED, type=entry.type, resource=entry.resource.name)
    if current.frozen:
        raise _frozen(current)
    if elsewhere:
        refuse("subject", f"must stay {current.subject}")
    if promoted:
        refuse("frozen", "a weak association does not become a strong one")
    refuse("schema", "must be absent for a weak association")


async def _refuse_by_subject(reads: Reads, entry: _Entry, lifecycle: AssociationStrength) -> None:
    """Raises when the state of a subject does not allow an association."""
    subject = entry.subject
    await refuse_if_read_only(reads, subject)
    others = await reads.associations_of_subject(subject)
    if lifecycle is AssociationStrength.STRONG:
        if others:
            raise RegistryError(ErrorCode.SUBJECT_ASSOCIATED, subject=subject)
        if any(not each.deleted for each in await reads.referrers(subject)):
            raise RegistryError(ErrorCode.SUBJECT_REFERENCED, subject=subject)
    elif any(each.lifecycle is AssociationStrength.STRONG for each in others):
        raise RegistryError(ErrorCode.SUBJECT_STRONGLY_ASSOCIATED, subject=subject)
    if entry.asked.schema is None and all(each.deleted for each in await reads.versions(subject)):
        raise RegistryError(ErrorCode.SUBJECT_WITHOUT_VERSION, subject=subject)


async def _registered(
    registry: Registry, transaction: Transaction, entry: _Entry, ahead: _Ahead | None, dry_run: bool
) -> RegistrationResult | None:
    """Registers the schema that comes with an entry, which has to be the first and only one of the subject."""
    schema = entry.asked.schema
    if ahead is None or schema is None:
        return None
    decision = ahead.decision
    scopes = decision.scopes if isinstance(decision, PendingRegistration) else scopes_above(entry.subject)
    if await transaction.last_changed(scopes) > ahead.seen:
        decision = await plan_registration(
            registry, transaction, entry.subject, validate_request(schema), entry.asked.normalize, force=False
        )
    others = [each for each in await transaction.versions(entry.subject) if each.version != decision.version.version]
    if others or decision.version.version != 1:
        refuse("subject", f"{entry.subject} has other versions than this schema")
    if isinstance(decision, RegistrationResult):
        return decision
    return None if dry_run else await write(transaction, decision)


def _association(entry: _Entry, lifecycle: AssociationStrength, now: int) -> Association:
    return Association(
        resource_id=entry.resource.id,
        resource_type=entry.resource.type,
        association_type=entry.type,
        resource_name=entry.resource.name,
        resource_namespace=entry.resource.namespace,
        subject=entry.subject,
        guid=str(uuid.uuid4()),
        lifecycle=lifecycle,
        frozen=lifecycle is AssociationStrength.STRONG,
        created_at=now,
        updated_at=now,
    )


def _frozen(association: Association) -> RegistryError:
    return RegistryError(ErrorCode.ASSOCIATION_FROZEN, type=association.association_type, subject=association.subject)
