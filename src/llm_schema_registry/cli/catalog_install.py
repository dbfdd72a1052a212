"""Installs the starter catalogue into a registry; idempotent."""

from collections.abc import Callable
from dataclasses import dataclass

from llm_schema_registry.catalog import Catalog, CatalogRule, CatalogSubject, CatalogVersion, RuleLevel
from llm_schema_registry.cli.registry_session import SUBJECT_CONFIG_NOT_FOUND, SUBJECT_NOT_FOUND
from llm_schema_registry.client import RegistryClient, RegistryError, SchemaRequest
from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.contracts import Metadata, Reference, Rule, RuleKind, RuleMode, RuleSet

ON_FAILURE = {RuleLevel.STRICT: "ERROR", RuleLevel.WARN: "NONE", RuleLevel.MONITOR: "NONE"}


@dataclass(frozen=True, slots=True)
class Installed:
    """What installing did for one subject.

    Attributes:
        subject: its name.
        registered: the versions that are new.
        present: the versions that were there before.
        level: the compatibility level that it has now.
        level_set: whether installing set it; a level that somebody chose is left alone.
    """

    subject: str
    registered: tuple[int, ...]
    present: tuple[int, ...]
    level: CompatibilityLevel
    level_set: bool


async def install(
    client: RegistryClient, catalog: Catalog, announce: Callable[[str], None] = lambda subject: None
) -> list[Installed]:
    """Registers every subject of the catalogue, what is referred to first; calls `announce` before each.

    Raises:
        ClientError: the registry refused something or went away; what was installed until then stays, and
            installing again goes on from there.
    """
    done = []
    for subject in catalog.subjects:
        announce(subject.subject)
        done.append(await _install(client, catalog, subject))
    return done


async def _install(client: RegistryClient, catalog: Catalog, subject: CatalogSubject) -> Installed:
    level, level_set = await _settle_level(client, subject)
    before = await _versions(client, subject.subject)
    versions = []
    for version in subject.versions:
        request = request_for(subject, version, catalog.schema_text(version.file))
        versions.append((await client.register(subject.subject, request)).version)
    return Installed(
        subject.subject,
        registered=tuple(version for version in versions if version not in before),
        present=tuple(version for version in versions if version in before),
        level=level,
        level_set=level_set,
    )


def request_for(subject: CatalogSubject, version: CatalogVersion, text: str) -> SchemaRequest:
    """The request that registers a version: references, who owns it and what it is about, its rules."""
    properties = {"owner": subject.owner_team, "tags": ",".join(subject.tags)}
    if subject.criticality:
        properties["criticality"] = subject.criticality
    return SchemaRequest(
        text,
        version.type,
        [Reference(one.name, one.subject, one.version) for one in version.references],
        Metadata(properties=properties),
        RuleSet(domain_rules=[_rule(rule) for rule in subject.rules]) if subject.rules else None,
    )


def _rule(rule: CatalogRule) -> Rule:
    return Rule(
        name=rule.name,
        kind=RuleKind(rule.kind),
        mode=RuleMode(rule.mode),
        type="CEL",
        expr=rule.expr,
        params={"level": rule.level},
        on_failure=ON_FAILURE[rule.level],
    )


async def _settle_level(client: RegistryClient, subject: CatalogSubject) -> tuple[CompatibilityLevel, bool]:
    try:
        chosen = (await client.config(subject.subject)).compatibility_level
    except RegistryError as error:
        if error.error_code not in (SUBJECT_CONFIG_NOT_FOUND, SUBJECT_NOT_FOUND):
            raise
        chosen = None
    if chosen is not None:
        return chosen, False
    level = CompatibilityLevel(subject.compatibility)
    await client.set_compatibility(subject.subject, level)
    return level, True


async def _versions(client: RegistryClient, subject: str) -> frozenset[int]:
    try:
        return frozenset(await client.versions(subject))
    except RegistryError as error:
        if error.error_code == SUBJECT_NOT_FOUND:
            return frozenset()
        raise
