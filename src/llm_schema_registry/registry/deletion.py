"""Deletes: soft first, permanent after, never what is still referred to (Confluent's rule)."""

from llm_schema_registry.contracts import DEFAULT_CONTEXT, Subject
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import LATEST
from llm_schema_registry.registry.modes import refuse_if_read_only
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.registry.removal import (
    refuse_if_referenced,
    remove_settings_of_empty,
    remove_versions,
)
from llm_schema_registry.store.api import Reads, Transaction
from llm_schema_registry.store.records import AssociationStrength, ChangeKind, Deleted, Version


async def delete_version(
    registry: Registry, subject: Subject, number: int, *, permanent: bool = False, actor: str = ""
) -> int:
    """Deletes one version and returns its number.

    Args:
        registry: the registry.
        subject: the subject.
        number: the version, or `LATEST` for the highest that is not soft-deleted.
        permanent: remove it for good, which needs a soft delete first.
        actor: who does it.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, VERSION_SOFT_DELETED, VERSION_NOT_SOFT_DELETED,
            REFERENCE_EXISTS, SUBJECT_STRONGLY_ASSOCIATED, SUBJECT_WITHOUT_VERSION, OPERATION_NOT_PERMITTED.
    """
    _refuse_if_permanence_is_off(registry, permanent)
    async with registry.store.transaction(actor) as transaction:
        await refuse_if_read_only(transaction, subject)
        version = await _version(transaction, subject, number, permanent)
        if permanent:
            if not version.deleted:
                raise RegistryError(ErrorCode.VERSION_NOT_SOFT_DELETED, subject=subject, version=version.version)
            await remove_versions(transaction, [version])
            await remove_settings_of_empty(transaction, version)
        else:
            if version.deleted:
                raise RegistryError(ErrorCode.VERSION_SOFT_DELETED, subject=subject, version=version.version)
            await refuse_if_referenced(transaction, version, by_deleted=False)
            await _refuse_if_associated(transaction, version)
            await _soft_delete(transaction, version)
    return version.version


async def delete_subject(
    registry: Registry, subject: Subject, *, permanent: bool = False, actor: str = ""
) -> list[int]:
    """Deletes all versions of a subject and returns their numbers.

    A permanent delete takes config and mode of the subject along, a soft one keeps them.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND, SUBJECT_SOFT_DELETED, SUBJECT_NOT_SOFT_DELETED, REFERENCE_EXISTS,
            SUBJECT_ASSOCIATED, OPERATION_NOT_PERMITTED.
    """
    _refuse_if_permanence_is_off(registry, permanent)
    async with registry.store.transaction(actor) as transaction:
        await refuse_if_read_only(transaction, subject)
        versions = await transaction.versions(subject)
        alive = [version for version in versions if not version.deleted]
        if not versions:
            raise RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject=subject)
        if permanent:
            if alive:
                raise RegistryError(ErrorCode.SUBJECT_NOT_SOFT_DELETED, subject=subject)
            await remove_versions(transaction, versions)
            await remove_settings_of_empty(transaction, versions[0])
            return [version.version for version in versions]
        if not alive:
            raise RegistryError(ErrorCode.SUBJECT_SOFT_DELETED, subject=subject)
        if await transaction.associations_of_subject(subject):
            raise RegistryError(ErrorCode.SUBJECT_ASSOCIATED, subject=subject)
        for version in alive:
            await refuse_if_referenced(transaction, version, by_deleted=False, but=versions)
        for version in alive:
            await _soft_delete(transaction, version)
    return [version.version for version in alive]


async def end_subject(registry: Registry, transaction: Transaction, subject: Subject) -> None:
    """Deletes what a resource leaves behind: for good, or softly where permanent deletes are not allowed.

    Raises:
        RegistryError: REFERENCE_EXISTS.
    """
    versions = await transaction.versions(subject)
    if not versions:
        return
    alive = [version for version in versions if not version.deleted]
    for version in alive:
        await refuse_if_referenced(transaction, version, by_deleted=False, but=versions)
    for version in alive:
        await _soft_delete(transaction, version)
    if registry.rules.permanent_delete:
        await remove_versions(transaction, versions)
        await remove_settings_of_empty(transaction, versions[0])


async def delete_context(registry: Registry, context: str, *, actor: str = "") -> None:
    """Takes an empty context off the list.

    Raises:
        RegistryError: CONTEXT_NOT_EMPTY while any version, soft-deleted or not, lives in it, and for the
            default context.
    """
    async with registry.store.transaction(actor) as transaction:
        if context == DEFAULT_CONTEXT or await transaction.subjects(context=context, deleted=Deleted.INCLUDED, limit=1):
            raise RegistryError(ErrorCode.CONTEXT_NOT_EMPTY, context=context)
        await transaction.remove_context(context)


async def _version(reads: Reads, subject: Subject, number: int, permanent: bool) -> Version:
    versions = await reads.versions(subject)
    alive = [version for version in versions if not version.deleted]
    if number == LATEST:
        if not alive:
            raise RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject=subject)
        return alive[-1]
    for version in versions:
        if version.version == number:
            return version
    if not versions or not (alive or permanent):
        raise RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject=subject)
    raise RegistryError(ErrorCode.VERSION_NOT_FOUND, version=number)


async def _refuse_if_associated(reads: Reads, version: Version) -> None:
    """A strong association keeps all versions of its subject, a weak one the last that is left."""
    subject = version.subject
    associations = await reads.associations_of_subject(subject)
    if any(each.lifecycle is AssociationStrength.STRONG for each in associations):
        raise RegistryError(ErrorCode.SUBJECT_STRONGLY_ASSOCIATED, subject=subject)
    if associations and all(each.deleted or each == version for each in await reads.versions(subject)):
        raise RegistryError(ErrorCode.SUBJECT_WITHOUT_VERSION, subject=subject)


async def _soft_delete(transaction: Transaction, version: Version) -> None:
    deleted = Version(
        subject=version.subject,
        version=version.version,
        schema_id=version.schema_id,
        state=version.state,
        deleted=True,
        registered_at=version.registered_at,
    )
    await transaction.put_version(deleted, ChangeKind.VERSION_SOFT_DELETED)


def _refuse_if_permanence_is_off(registry: Registry, permanent: bool) -> None:
    if permanent and not registry.rules.permanent_delete:
        raise RegistryError(
            ErrorCode.OPERATION_NOT_PERMITTED, message="Permanent deletes are not allowed on this registry"
        )
