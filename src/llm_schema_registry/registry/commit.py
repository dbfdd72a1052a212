"""The write of a registration, inside the write lock."""

from dataclasses import dataclass

import msgspec

from llm_schema_registry.contracts import Subject
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import MAX_ID
from llm_schema_registry.store.api import Transaction
from llm_schema_registry.store.records import ChangeKind, StoredSchema, Version


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """The outcome of a registration.

    Attributes:
        version: the version that holds the schema.
        content: its content.
        created: whether it is new, or was there already.
        revision: the revision of the write; `None` if nothing was written.
        warnings: about the text that was sent.
    """

    version: Version
    content: StoredSchema
    created: bool
    revision: int | None = None
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingRegistration:
    """What is to be written, provided that none of `scopes` has been touched since the decision was made.

    Attributes:
        version: the version to be, its schema id still open (0) unless it was brought along.
        content: the content to be, likewise.
        scopes: every scope whose facts were read for the decision.
        new: whether the subject has no version of this number, not even a soft-deleted one.
        warnings: about the text that was sent.
    """

    version: Version
    content: StoredSchema
    scopes: tuple[Subject, ...]
    new: bool = True
    warnings: tuple[Finding, ...] = ()


async def write(transaction: Transaction, decision: PendingRegistration) -> RegistrationResult:
    """Writes a decision that still holds; known content keeps its id, new content gets the context's next."""
    standing = await transaction.check_preconditions((), decision.content)
    return await _write(transaction, decision, standing.schema_id)


async def write_unless_touched(
    transaction: Transaction, decision: PendingRegistration, seen: int
) -> RegistrationResult | None:
    """As `write`; `None` if a scope of the decision, which was made at revision `seen`, was touched since."""
    # Most often nothing at all was committed meanwhile.
    scopes = () if transaction.next_revision == seen + 1 else decision.scopes
    standing = await transaction.check_preconditions(scopes, decision.content)
    if standing.touched > seen:
        return None
    return await _write(transaction, decision, standing.schema_id)


async def _write(transaction: Transaction, decision: PendingRegistration, known: int | None) -> RegistrationResult:
    subject = decision.version.subject
    content = None if known is None else await transaction.schema(subject.context, known)
    superseded: list[Version] = []
    if content is None:
        content = await _add(transaction, decision.content)
    else:
        superseded = await _superseded(transaction, decision.version, content.schema_id)
    version = msgspec.structs.replace(decision.version, schema_id=content.schema_id)
    await transaction.put_version(version, ChangeKind.VERSION_REGISTERED, new=decision.new)
    for each in superseded:
        await transaction.remove_version(subject, each.version)
    return RegistrationResult(
        version, content, created=True, revision=transaction.next_revision, warnings=decision.warnings
    )


async def _add(transaction: Transaction, content: StoredSchema) -> StoredSchema:
    if not content.schema_id and await transaction.max_schema_id(content.context) >= MAX_ID:
        message = f"Context {content.context} has given out its highest id, {MAX_ID}: it can take no new schema."
        raise RegistryError(ErrorCode.OPERATION_NOT_PERMITTED, message=message)
    return await transaction.add_schema(content)


async def _superseded(transaction: Transaction, registered: Version, schema_id: int) -> list[Version]:
    """Soft-deleted versions of a content in its subject, which end once it lives again there, unless referred to."""
    subject = registered.subject
    return [
        version
        for version in await transaction.versions_of_schema(subject.context, schema_id)
        if version.subject == subject
        and version.version != registered.version
        and version.deleted
        and not await transaction.referrers(subject, version.version)
    ]
