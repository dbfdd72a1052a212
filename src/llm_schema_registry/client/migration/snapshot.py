"""A registry's whole content as a value: what an export holds, and what an import compares."""

from collections.abc import Iterable
from functools import cached_property

import msgspec

from llm_schema_registry.client.model import ScopeSettings
from llm_schema_registry.contracts import Metadata, Reference, RuleSet, Subject, guid_of
from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.formats import Dependency, InvalidSchemaError, SchemaType, format_of

Place = tuple[Subject, int]


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A version of a subject with its content.

    Attributes:
        subject: qualified with its context outside the default one.
        version: its number.
        id: of its content, within the context.
        guid: of its content, as the registry gave it; empty if it gave none.
        schema_type: its format.
        schema: its text.
        references: with concrete versions.
        metadata: of the content.
        rule_set: of the content.
        deleted: whether it is soft-deleted.
        ts: when it was registered, in milliseconds since the epoch, if the registry told.
    """

    subject: str
    version: int
    id: int
    guid: str = ""
    schema_type: SchemaType = SchemaType.AVRO
    schema: str
    references: list[Reference] = []
    metadata: Metadata | None = None
    rule_set: RuleSet | None = None
    deleted: bool = False
    ts: int | None = None

    @property
    def parsed_subject(self) -> Subject:
        """The subject as context and name."""
        return Subject.parse(self.subject)

    @property
    def place(self) -> Place:
        """What no two versions share."""
        return self.parsed_subject, self.version

    @property
    def identity(self) -> str:
        """The GUID that the content gives, whatever the registry says."""
        return self.identity_with(self.schema)

    def identity_with(self, text: str) -> str:
        """The GUID that the content would give with this text."""
        return guid_of(text, self.references, self.metadata, self.rule_set)


class Snapshot(msgspec.Struct, frozen=True, dict=True):
    """Everything that can be read of a registry.

    Attributes:
        contexts: the contexts, also empty ones.
        scopes: the own settings of every scope.
        versions: soft-deleted ones included.
    """

    contexts: list[str]
    scopes: list[ScopeSettings]
    versions: list[VersionRecord]

    @cached_property
    def by_place(self) -> dict[Place, VersionRecord]:
        """The versions by subject and number."""
        return {version.place: version for version in self.versions}

    @cached_property
    def by_scope(self) -> dict[Subject, ScopeSettings]:
        """The settings by scope."""
        return {Subject.parse(each.scope): each for each in self.scopes}

    def referred(self, version: VersionRecord) -> list[VersionRecord]:
        """The versions that a version refers to, as far as they are here."""
        context = version.parsed_subject.context
        places = ((Subject.parse(each.subject, context), each.version) for each in version.references)
        return [self.by_place[place] for place in places if place in self.by_place]

    def canonical_identity(self, version: VersionRecord) -> str | None:
        """The GUID that the content gives in this program's canonical form; `None` if it cannot be read."""
        closure = self.in_order_of_references([version])
        texts: dict[Place, Dependency] = {}
        for each in closure:
            context = each.parsed_subject.context
            for reference in each.references:
                found = self.by_place.get((Subject.parse(reference.subject, context), reference.version))
                if found is not None:
                    texts[found.place] = Dependency(reference.name, found.schema)
        ordered = [texts[each.place] for each in closure if each.place in texts]
        try:
            parsed = format_of(version.schema_type).parse(version.schema, ordered, strict=False)
        except (InvalidSchemaError, BudgetExceededError):
            return None
        return version.identity_with(parsed.canonical)

    def in_order_of_references(self, versions: Iterable[VersionRecord]) -> list[VersionRecord]:
        """These versions and what they refer to, what is referred to first; circles end where they began."""
        ordered: dict[Place, VersionRecord] = {}
        begun: set[Place] = set()
        stack = [(version, False) for version in reversed(list(versions))]
        while stack:
            version, done = stack.pop()
            if done:
                ordered[version.place] = version
            elif version.place not in begun:
                begun.add(version.place)
                stack.append((version, True))
                stack.extend((each, False) for each in reversed(self.referred(version)))
        return list(ordered.values())
