"""Outline of a schema, and the differences between two schemas of any subjects."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_schema_registry.compatibility import CompatibilityLevel, Verdict, check
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats import OutlineField, format_of
from llm_schema_registry.registry.reads import VersionWithSchema
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.records import StoredSchema


@dataclass(frozen=True, slots=True)
class Comparison:
    """What would follow from taking one schema for the next version of another.

    Attributes:
        backward: whether the new one reads what was written with the old one.
        forward: whether the old one reads what is written with the new one.
        findings: what breaks, BACKWARD first.
    """

    backward: bool
    forward: bool
    findings: tuple[Finding, ...]


async def outline(registry: Registry, content: StoredSchema) -> Sequence[OutlineField]:
    """The field tree of stored content.

    Raises:
        RegistryError: STORED_SCHEMA_UNREADABLE, BUDGET_EXCEEDED.
    """
    return await registry.run_within_budget(_outline, content)


async def compare(registry: Registry, old: VersionWithSchema, new: VersionWithSchema) -> Comparison:
    """Both promises between two versions, of one subject or of two.

    Raises:
        RegistryError: STORED_SCHEMA_UNREADABLE, BUDGET_EXCEEDED.
    """
    backward, forward = await registry.run_within_budget(_compare, old, new)
    # What does not depend on the direction is found in both.
    findings = dict.fromkeys((*backward.findings, *forward.findings))
    return Comparison(backward.compatible, forward.compatible, tuple(findings))


async def _outline(registry: Registry, content: StoredSchema) -> Sequence[OutlineField]:
    parsed = await registry.schemas.parsed(registry.store, content)
    return format_of(parsed.schema_type).outline(parsed)


async def _compare(registry: Registry, old: VersionWithSchema, new: VersionWithSchema) -> tuple[Verdict, Verdict]:
    older = await registry.schemas.parsed(registry.store, old.content)
    newer = await registry.schemas.parsed(registry.store, new.content)
    backward, forward = (
        check(
            newer,
            [(old.version.version, older)],
            level,
            budget=registry.schemas.budget(registry.store, "The comparison"),
        )
        for level in (CompatibilityLevel.BACKWARD, CompatibilityLevel.FORWARD)
    )
    return backward, forward
