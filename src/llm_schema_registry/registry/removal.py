"""Permanent removal: versions, unused contents, and the settings of an empty subject."""

from collections.abc import Sequence

from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.store.api import Reads, Transaction
from llm_schema_registry.store.records import Setting, Version


async def refuse_if_referenced(
    reads: Reads, version: Version, *, by_deleted: bool, but: Sequence[Version] = ()
) -> None:
    """Raises REFERENCE_EXISTS when another version refers to this one.

    Args:
        reads: where to look.
        version: the version that is about to go.
        by_deleted: whether a soft-deleted referrer counts.
        but: versions that go with it, whose references do not count.
    """
    going = {(gone.subject, gone.version) for gone in but}
    for referrer in await reads.referrers(version.subject, version.version):
        if (referrer.subject, referrer.version) not in going and (by_deleted or not referrer.deleted):
            raise RegistryError(ErrorCode.REFERENCE_EXISTS, subject=version.subject, version=version.version)


async def remove_versions(transaction: Transaction, versions: Sequence[Version]) -> None:
    """Removes versions of one subject for good, with contents that no version has any more.

    Raises:
        RegistryError: REFERENCE_EXISTS when a version that stays, soft-deleted or not, refers to one of them.
    """
    for version in versions:
        await refuse_if_referenced(transaction, version, by_deleted=True, but=versions)
    for version in versions:
        await transaction.remove_version(version.subject, version.version)
    for context, schema_id in {(version.subject.context, version.schema_id): None for version in versions}:
        if not await transaction.versions_of_schema(context, schema_id):
            await transaction.remove_schema(context, schema_id)


async def remove_settings_of_empty(transaction: Transaction, version: Version) -> None:
    """Drops config and mode of a subject that has no version left (Confluent's rule)."""
    if not await transaction.versions(version.subject):
        for kind in Setting:
            await transaction.put_setting(version.subject, kind, None)
