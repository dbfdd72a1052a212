"""Compatibility of a candidate with the baseline versions of a subject."""

import functools
from collections.abc import Mapping, Sequence

from llm_schema_registry.compatibility import (
    CompatibilityLevel,
    Decision,
    Direction,
    LogicalTypes,
    Policy,
    Profile,
    Verdict,
    check,
    decide,
    decides_containment,
)
from llm_schema_registry.contracts import RESERVED_FIELDS, Metadata, Subject, property_of
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats import Dependency, ParsedSchema, SchemaType, format_of
from llm_schema_registry.formats.containment import Answer, Containment, DecidesContainment
from llm_schema_registry.registry.candidates import Candidate, SchemaRequest, prepare, refuse_duplicate_keys
from llm_schema_registry.registry.config import Config, effective_config
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import LATEST, check_subject
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import State, StoredSchema, Version

_COUNT_IN_TRANSITIVE_CHECKS = frozenset({State.ACTIVE, State.DEPRECATED, State.ARCHIVED})


async def check_request(
    registry: Registry,
    subject: Subject,
    request: SchemaRequest,
    *,
    version: int | None = None,
    normalize: bool | None = None,
    annotate: bool = False,
) -> Verdict:
    """What registration would say about a schema's compatibility; nothing is written.

    Args:
        registry: the registry.
        subject: the subject.
        request: the schema.
        version: compare with exactly this version (or `LATEST`); `None` with all that the level demands.
        normalize: whether the candidate is brought into normal form first.
        annotate: whether to add warnings: about what breaks profiles that do not decide, and about the text.

    Raises:
        RegistryError: VERSION_NOT_FOUND for a version that is not there, INVALID_SCHEMA, BUDGET_EXCEEDED.
    """
    check_subject(subject)
    return await registry.run_within_budget(_check_request, subject, request, version, normalize, annotate)


async def _check_request(
    registry: Registry,
    subject: Subject,
    request: SchemaRequest,
    version: int | None,
    normalize: bool | None,
    annotate: bool,
) -> Verdict:
    candidate, versions, config = await check_inputs(registry, subject, request, version, normalize)
    verdict = await check_against(
        registry,
        registry.store,
        candidate.parsed,
        request.metadata,
        versions,
        config,
        exactly_these=version is not None,
        annotate=annotate,
    )
    if not annotate or not candidate.warnings:
        return verdict
    return Verdict((*verdict.findings, *candidate.warnings), verdict.messages, verdict.against_version)


async def check_inputs(
    registry: Registry, subject: Subject, request: SchemaRequest, version: int | None, normalize: bool | None
) -> tuple[Candidate, list[Version], Config]:
    """The candidate of a check, the versions to compare it with before levels and groups choose, and the config.

    Raises:
        RegistryError: VERSION_NOT_FOUND, INVALID_SCHEMA.
        BudgetExceededError: too much work for here.
    """
    reads = registry.store
    config = await effective_config(registry, reads, subject)
    versions = [each for each in await reads.versions(subject) if not each.deleted]
    if version is not None and version != LATEST:
        versions = [each for each in versions if each.version == version]
        if not versions:
            raise RegistryError(ErrorCode.VERSION_NOT_FOUND, version=version)
    elif version == LATEST:
        versions = baseline_versions(versions, transitive=False)
    if not request.schema:
        raise RegistryError(ErrorCode.INVALID_SCHEMA, message="Empty schema")
    candidate = await prepare(registry, reads, subject, request, config, normalize=normalize, new=True)
    refuse_duplicate_keys(subject, request, candidate, config)
    return candidate, versions, config


async def check_against(
    registry: Registry,
    reads: Reads,
    candidate: ParsedSchema,
    metadata: Metadata | None,
    versions: Sequence[Version],
    config: Config,
    *,
    exactly_these: bool = False,
    annotate: bool = False,
) -> Verdict:
    """The verdict on a candidate over the versions of its subject.

    Args:
        registry: the registry.
        reads: where contents are read.
        candidate: the parsed schema.
        metadata: the candidate's, for compatibility groups and reserved fields.
        versions: all versions that are not soft-deleted, ascending.
        config: the effective config.
        exactly_these: take every one of `versions` instead of choosing by the level.
        annotate: whether to find what breaks profiles that do not decide, too.

    Raises:
        BudgetExceededError: too much work for here.
    """
    level = config.compatibility_level or registry.rules.compatibility
    newest_first = await baseline_contents(registry, reads, metadata, versions, config, exactly_these=exactly_these)
    verdict = await _verdict(registry, reads, candidate, newest_first, level, config, annotate=annotate)
    reserved = _reserved_findings(candidate, metadata, newest_first, config)
    if not reserved and verdict.compatible:
        return verdict
    fields = str(bool(config.validate_fields)).lower()
    messages = [*verdict.messages, *(finding.message for finding in reserved)]
    messages.append(f"{{validateFields: '{fields}', compatibility: '{level}'}}")
    return Verdict((*verdict.findings, *reserved), tuple(messages), verdict.against_version)


async def baseline_contents(
    registry: Registry,
    reads: Reads,
    metadata: Metadata | None,
    versions: Sequence[Version],
    config: Config,
    *,
    exactly_these: bool,
) -> list[tuple[int, StoredSchema]]:
    """The versions that a candidate with this metadata is compared with, newest first; arguments of `check_against`."""
    level = config.compatibility_level or registry.rules.compatibility
    if config.compatibility_group is None and not exactly_these:
        # Where no group can leave the latest out, nothing but what counts is read.
        versions = baseline_versions(versions, transitive=level.transitive)
    contents: list[tuple[Version, StoredSchema]] = []
    for version in versions:
        content = await registry.schemas.content_of(reads, version)
        if content is not None and _same_group(config.compatibility_group, content.metadata, metadata):
            contents.append((version, content))
    counting = [version for version, _ in contents]
    if not exactly_these:
        counting = baseline_versions(counting, transitive=level.transitive)
    by_version = {version.version: content for version, content in contents}
    return [(each.version, by_version[each.version]) for each in reversed(counting)]


def baseline_versions(versions: Sequence[Version], *, transitive: bool) -> list[Version]:
    """The baseline of a check: all versions that data may exist of, or only what `latest` answers."""
    if transitive:
        return [version for version in versions if version.state in _COUNT_IN_TRANSITIVE_CHECKS]
    for state in (State.ACTIVE, State.DEPRECATED):
        found = [version for version in versions if version.state is state]
        if found:
            return found[-1:]
    return []


async def _verdict(
    registry: Registry,
    reads: Reads,
    candidate: ParsedSchema,
    newest_first: Sequence[tuple[int, StoredSchema]],
    level: CompatibilityLevel,
    config: Config,
    *,
    annotate: bool,
) -> Verdict:
    if level is CompatibilityLevel.NONE:
        return Verdict()
    policy = config.compatibility_policy or Policy.STRICT
    profile = config.compatibility_profile or Profile.CONFLUENT
    logical_types = config.logical_types or LogicalTypes.WARN
    warnings: tuple[Finding, ...] = ()
    # As `check` has it: a version of another format is what is said, whatever else is wrong.
    for version, content in sorted(newest_first, key=lambda item: item[1].schema_type == candidate.schema_type):
        previous = await registry.schemas.parsed(reads, content)
        budget = registry.schemas.budget(reads, "The compatibility check")
        decisions: dict[Direction, Decision] = {}
        if policy is Policy.EXACT and decides_containment(candidate) and content.schema_type == candidate.schema_type:
            decisions = {each: await _decision(registry, candidate, previous, each) for each in level.directions}
        verdict = check(
            candidate,
            [(version, previous)],
            level,
            policy,
            budget,
            profile=profile,
            logical_types=logical_types,
            annotate=annotate,
            decide=functools.partial(_decided, decisions),
        )
        if not verdict.compatible:
            return verdict
        if annotate:
            warnings, annotate = verdict.findings, False
    return Verdict(warnings)


def _decided(
    decisions: Mapping[Direction, Decision], candidate: ParsedSchema, previous: ParsedSchema, direction: Direction
) -> Decision:
    return decisions[direction]


async def _decision(
    registry: Registry, candidate: ParsedSchema, previous: ParsedSchema, direction: Direction
) -> Decision:
    """The decision under EXACT, made where it can be stopped; one that comes to no end proves nothing."""
    format_ = format_of(candidate.schema_type)
    if not isinstance(format_, DecidesContainment) or format_.equivalent(candidate, previous):
        return decide(candidate, previous, direction)
    sources = format_.source(candidate), format_.source(previous)
    try:
        return await registry.apart(decide_apart, candidate.schema_type, *sources, direction)
    except BudgetExceededError as error:
        reason = error.why
    except RegistryError as error:
        if error.code is not ErrorCode.BUDGET_EXCEEDED:
            raise
        sentence = error.message.partition(". ")[0]
        reason = sentence[:1].lower() + sentence[1:]
    return Decision(direction, Containment(Answer.UNKNOWN, reason=reason))


async def decide_apart(
    registry: Registry,
    schema_type: SchemaType,
    candidate: tuple[str, tuple[Dependency, ...]],
    previous: tuple[str, tuple[Dependency, ...]],
    direction: Direction,
) -> Decision:
    """The decision on two texts with what they refer to: a use case that reads nothing, for `Registry.apart`.

    Raises:
        BudgetExceededError: too much work.
    """
    one, other = (
        registry.schemas.parse(schema_type, *source, strict=False, budget=Budget()) for source in (candidate, previous)
    )
    return decide(one, other, direction)


def _same_group(group: str | None, one: Metadata | None, other: Metadata | None) -> bool:
    return group is None or property_of(one, group) == property_of(other, group)


def _reserved_findings(
    candidate: ParsedSchema,
    metadata: Metadata | None,
    newest_first: Sequence[tuple[int, StoredSchema]],
    config: Config,
) -> list[Finding]:
    """Reserved field names may not be dropped from the list nor used as fields (Confluent's rule)."""
    if not config.validate_fields:
        return []
    reserved = _names(metadata)
    findings = []
    if newest_first:
        version, content = newest_first[0]
        findings = [
            Finding(
                code="schema.RESERVED_FIELD_REMOVED",
                path=name,
                message=f"The new schema has reserved field {name} removed from its metadata "
                "which is present in the old schema's metadata.",
                against_version=version,
                fix=f"Keep {name} in the metadata property {RESERVED_FIELDS}.",
                docs="reference/findings/schema.md#reserved_field_removed",
            )
            for name in _names(content.metadata)
            if name not in reserved
        ]
    if reserved:
        top_level = {field.path for field in format_of(candidate.schema_type).outline(candidate)}
        findings += [
            Finding(
                code="schema.RESERVED_FIELD_USED",
                path=name,
                message=f"The new schema has field that conflicts with the reserved field {name}.",
                fix=f"Give the field another name, or take {name} off the reserved list in a registry of your own.",
                docs="reference/findings/schema.md#reserved_field_used",
            )
            for name in reserved
            if name in top_level
        ]
    return findings


def _names(metadata: Metadata | None) -> list[str]:
    text = property_of(metadata, RESERVED_FIELDS) or ""
    return [name.strip() for name in text.split(",") if name.strip()]


def refusal(subject: Subject, verdict: Verdict) -> RegistryError:
    """The 409 that a verdict means for a registration."""
    return RegistryError(
        ErrorCode.INCOMPATIBLE_SCHEMA, verdict.findings, subject=subject, details=", ".join(verdict.messages)
    )
