"""Lookup: the version of a subject that holds the same schema."""

from collections.abc import Sequence

from llm_schema_registry.contracts import (
    CONFLUENT_VERSION,
    Metadata,
    RuleSet,
    guid_of,
    property_of,
    same_but_for_version,
)
from llm_schema_registry.formats import format_of
from llm_schema_registry.registry.candidates import Candidate
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import StoredSchema, Version

_FEW = 8


def marked_version(metadata: Metadata | None) -> int | None:
    """The version that `confluent:version` in metadata names; `None` if it is absent or no number."""
    text = property_of(metadata, CONFLUENT_VERSION)
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


async def find_existing(
    registry: Registry,
    reads: Reads,
    candidate: Candidate,
    versions: Sequence[Version],
    *,
    metadata: Metadata | None,
    rule_set: RuleSet | None,
    pinned: int | None = None,
) -> Version | None:
    """The version among `versions` that holds the candidate (Confluent's rule).

    An exact match of identity wins, the lowest version first; else the newest version that is equivalent:
    the same text, references, metadata and rules, apart from `confluent:version`.

    Args:
        registry: the registry.
        reads: where contents are read.
        candidate: the schema.
        versions: of one subject, ascending.
        metadata: to be equal to.
        rule_set: to be equal to.
        pinned: only this version number will do.
    """
    if pinned is not None:
        versions = [version for version in versions if version.version == pinned]
    if not versions:
        return None
    context = versions[0].subject.context
    guid = guid_of(candidate.text, candidate.references, metadata, rule_set)
    # Few contents are remembered, or will be read anyway.
    contents: Sequence[StoredSchema | None] = (
        [await registry.schemas.content_of(reads, version) for version in versions]
        if len(versions) <= _FEW
        else await reads.schemas_by_guid(guid)
    )
    exact = {
        content.schema_id
        for content in contents
        if content is not None
        and content.guid == guid
        and content.context == context
        and content.schema_type == candidate.parsed.schema_type
    }
    if exact:
        for version in versions:
            if version.schema_id in exact:
                return version
    for version in reversed(versions):
        content = await registry.schemas.content_of(reads, version)
        if (
            content is not None
            and content.schema_type == candidate.parsed.schema_type
            and content.rule_set == rule_set
            and same_but_for_version(content.metadata, metadata)
            and await _same_text(registry, reads, candidate, content)
        ):
            return version
    return None


async def _same_text(registry: Registry, reads: Reads, candidate: Candidate, content: StoredSchema) -> bool:
    if candidate.references == content.references:
        if candidate.text == content.text:
            return True
        readable = candidate.parsed.rendered("")
        defines_again = readable != candidate.parsed.canonical
        if not candidate.normalized and not defines_again:
            return False
        stored = await registry.schemas.parsed(reads, content)
        if candidate.normalized and stored.normalized() == candidate.text:
            return True
        # What the references define is defined there, however the two texts write it again.
        return defines_again and stored.rendered("") == readable
    if candidate.references:
        return False
    # The references of the stored schema may have been written out in the candidate.
    stored = await registry.schemas.parsed(reads, content)
    return format_of(stored.schema_type).equivalent(candidate.parsed, stored)
