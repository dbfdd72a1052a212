"""Inline tags of schemas: written into the text of a new version, and found in the text of any."""

from collections.abc import Sequence

import msgspec

from llm_schema_registry.contracts import (
    CONFLUENT_VERSION,
    Metadata,
    RuleSet,
    SchemaTags,
    Subject,
    by_entity,
    listed_tags,
    merge_rule_sets,
    tags_in_all,
)
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats import Entity, InvalidSchemaError, ParsedSchema, format_of
from llm_schema_registry.registry.candidates import SchemaRequest, prepare
from llm_schema_registry.registry.config import Config
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import LATEST
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import StoredSchema

_WORK = "Finding what can carry tags"


class TagRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a version shall be tagged (`TagSchemaRequest` of the Confluent registry).

    Attributes:
        new_version: the number of the version to be; absent or 0: the next.
        tags_to_add: inline tags to put in.
        tags_to_remove: inline tags to take out, after that.
        metadata: instead of the version's.
        rule_set: instead of the version's.
        rules_to_merge: laid over the version's.
        rules_to_remove: names of rules to take out, after that.
    """

    new_version: int | None = None
    tags_to_add: list[SchemaTags] | None = None
    tags_to_remove: list[SchemaTags] | None = None
    metadata: Metadata | None = None
    rule_set: RuleSet | None = None
    rules_to_merge: RuleSet | None = None
    rules_to_remove: list[str] | None = None


def tagged_version(content: StoredSchema, request: TagRequest) -> SchemaRequest:
    """The registration that tagging a version means: its content again, as a version of its own (Confluent's rule).

    Args:
        content: the content of the version.
        request: what is asked for.

    Raises:
        RegistryError: INVALID_RULE_SET when a rule set is given and changed at once.
    """
    number = request.new_version or 0
    metadata = request.metadata or content.metadata or Metadata()
    return SchemaRequest(
        schema=content.text,
        schema_type=content.schema_type,
        references=list(content.references),
        metadata=metadata.with_property(CONFLUENT_VERSION, str(number)),
        rule_set=_rule_set(content, request),
        version=number or None,
        schema_tags_to_add=request.tags_to_add,
        schema_tags_to_remove=request.tags_to_remove,
    )


async def with_tags_written(
    registry: Registry,
    reads: Reads,
    subject: Subject,
    request: SchemaRequest,
    config: Config,
    latest: StoredSchema | None,
) -> tuple[SchemaRequest, tuple[Finding, ...]]:
    """A request with the tags it asks for written into its text, and the warnings about the text that it had.

    One that names tags, and no version, asks for the version that is the same as the latest or comes next
    (Confluent's rule).

    Raises:
        RegistryError: INVALID_SCHEMA when the text is none, or has no such record or field.
        BudgetExceededError: too much work for here.
    """
    add, remove = by_entity(request.schema_tags_to_add), by_entity(request.schema_tags_to_remove)
    propagated = latest if request.propagate_schema_tags else None
    if not add and not remove and propagated is None:
        return request, ()
    candidate = await prepare(registry, reads, subject, request, config, normalize=False, new=True)
    parsed = candidate.parsed
    inherited: dict[Entity, tuple[str, ...]] = {}
    if propagated is not None and propagated.schema_type == parsed.schema_type:
        inherited = await _inherited(registry, reads, parsed, propagated)
    for entity, tags in add.items():
        inherited[entity] = (*inherited.get(entity, ()), *tags)
    try:
        budget = registry.schemas.budget(reads, _WORK)
        text = format_of(parsed.schema_type).with_tags(parsed, inherited, remove, budget=budget)
    except InvalidSchemaError as error:
        message = f"Invalid schema of type {parsed.schema_type}, details: {error.message}"
        raise RegistryError(ErrorCode.INVALID_SCHEMA, error.findings, message=message) from error
    version = LATEST if request.version is None and (add or remove) else request.version
    return msgspec.structs.replace(request, schema=text, version=version), candidate.warnings


async def find_tags(registry: Registry, content: StoredSchema, wanted: Sequence[str]) -> list[SchemaTags]:
    """The records and fields of stored content that have one of the wanted tags, inline or by its metadata.

    Raises:
        RegistryError: STORED_SCHEMA_UNREADABLE, BUDGET_EXCEEDED.
    """
    return await registry.run_within_budget(_find_tags, content, tuple(wanted))


async def _find_tags(registry: Registry, content: StoredSchema, wanted: Sequence[str]) -> list[SchemaTags]:
    parsed = await registry.schemas.parsed(registry.store, content)
    budget = registry.schemas.budget(registry.store, _WORK)
    inline = format_of(parsed.schema_type).tags(parsed, budget=budget)
    return listed_tags(tags_in_all(inline, content.metadata, budget), wanted)


async def _inherited(
    registry: Registry, reads: Reads, parsed: ParsedSchema, latest: StoredSchema
) -> dict[Entity, tuple[str, ...]]:
    """The inline tags of the latest version that still have their place in a schema."""
    found = format_of(parsed.schema_type)
    budget = registry.schemas.budget(reads, _WORK)
    there = found.tags(parsed, budget=budget)
    before = found.tags(await registry.schemas.parsed(reads, latest), budget=budget)
    return {entity: tags for entity, tags in before.items() if tags and entity in there}


def _rule_set(content: StoredSchema, request: TagRequest) -> RuleSet | None:
    changed = request.rules_to_merge is not None or request.rules_to_remove is not None
    if request.rule_set is not None:
        if changed:
            raise RegistryError(
                ErrorCode.INVALID_RULE_SET,
                message="ruleSet should be omitted if specifying rulesToMerge or rulesToRemove",
            )
        return request.rule_set
    merged = merge_rule_sets(content.rule_set, request.rules_to_merge)
    return merged if merged is None else merged.without(request.rules_to_remove or ())
