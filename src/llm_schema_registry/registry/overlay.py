"""In-memory overlay over a store: applies pending registrations for a dry run without writing or locking."""

from collections.abc import Iterable, Sequence
from typing import cast

import msgspec

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry.commit import PendingRegistration, RegistrationResult, write
from llm_schema_registry.registry.compatibility import baseline_versions
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.api import Reads, Store, Transaction
from llm_schema_registry.store.records import (
    Association,
    ChangeKind,
    Setting,
    StoredSchema,
    Version,
    WritePreconditions,
)


class OverlayStore:
    """What decisions read and what writing one does, over a store that stays as it is.

    It fulfils the part of `Transaction` that registration uses. Ids are those that the store would give now.

    Args:
        store: what is there already.
        revision: of the store when this began.
    """

    def __init__(self, store: Reads, revision: int) -> None:
        self._store = store
        self._versions: dict[Subject, dict[int, Version]] = {}
        self._contents: dict[tuple[str, int], StoredSchema] = {}
        self._removed: set[tuple[Subject, int]] = set()
        self.next_revision = revision + 1

    async def setting(self, scope: Subject, kind: Setting) -> str | None:
        """A setting's JSON text at exactly this scope."""
        return await self._store.setting(scope, kind)

    async def schema(self, context: str, schema_id: int) -> StoredSchema | None:
        """The content of an id."""
        return self._contents.get((context, schema_id)) or await self._store.schema(context, schema_id)

    async def schemas_by_guid(self, guid: str) -> list[StoredSchema]:
        """All contents with this GUID, stored ones first."""
        return [
            *await self._store.schemas_by_guid(guid),
            *(content for content in self._contents.values() if content.guid == guid),
        ]

    async def max_schema_id(self, context: str) -> int:
        """The highest id given in the context."""
        given = [schema_id for where, schema_id in self._contents if where == context]
        return (
            max(await self._store.max_schema_id(context), *given) if given else await self._store.max_schema_id(context)
        )

    async def version(self, subject: Subject, version: int) -> Version | None:
        """One version."""
        found = self._versions.get(subject, {}).get(version)
        if found is not None or (subject, version) in self._removed:
            return found
        return await self._store.version(subject, version)

    async def versions(self, subject: Subject) -> list[Version]:
        """All versions in ascending order."""
        return sorted(
            self._merged(await self._store.versions(subject), self._versions.get(subject, {}).values()),
            key=lambda version: version.version,
        )

    async def latest(self, subject: Subject) -> Version | None:
        """The version that `latest` answers."""
        alive = [version for version in await self.versions(subject) if not version.deleted]
        return next(iter(baseline_versions(alive, transitive=False)), None)

    async def versions_of_schema(self, context: str, schema_id: int) -> list[Version]:
        """All versions that have this content."""
        return self._merged(
            await self._store.versions_of_schema(context, schema_id),
            [each for each in self._new() if (each.subject.context, each.schema_id) == (context, schema_id)],
        )

    async def referrers(self, subject: Subject, version: int | None = None) -> list[Version]:
        """All versions whose content refers to this one."""
        return self._merged(
            await self._store.referrers(subject, version),
            [each for each in self._new() if self._refers(each, subject, version)],
        )

    async def associations_of_subject(self, subject: Subject) -> list[Association]:
        """The associations of a subject; registering makes none."""
        return await self._store.associations_of_subject(subject)

    async def check_preconditions(self, scopes: Sequence[Subject], content: StoredSchema) -> WritePreconditions:
        """The id that content has already. Nothing touches a scope here that was not decided upon in order."""
        same = (
            each.schema_id
            for each in await self.schemas_by_guid(content.guid)
            if each.context == content.context
            and each.schema_type == content.schema_type
            and content.schema_id in (0, each.schema_id)
        )
        return WritePreconditions(0, next(same, None))

    async def add_schema(self, schema: StoredSchema) -> StoredSchema:
        """Gives new content the id that it would get."""
        schema_id = schema.schema_id or await self.max_schema_id(schema.context) + 1
        content = msgspec.structs.replace(schema, schema_id=schema_id)
        self._contents[schema.context, schema_id] = content
        return content

    async def put_version(self, version: Version, kind: ChangeKind, *, new: bool = False) -> None:
        """Makes `version` the current fact of its subject and number."""
        self._removed.discard((version.subject, version.version))
        self._versions.setdefault(version.subject, {})[version.version] = version

    async def remove_version(self, subject: Subject, version: int) -> None:
        """Ends a version."""
        self._versions.get(subject, {}).pop(version, None)
        self._removed.add((subject, version))

    async def write(self, decision: PendingRegistration) -> RegistrationResult:
        """What writing the decision would give; later reads here see it."""
        return await write(cast(Transaction, self), decision)

    def registry_of(self, registry: Registry) -> Registry:
        """A registry that decides as `registry` does, over this; what it remembers is its own."""
        return Registry(cast(Store, self), registry.rules, clock=registry.clock, steps=registry.schemas.steps)

    def _new(self) -> list[Version]:
        return [version for versions in self._versions.values() for version in versions.values()]

    def _refers(self, version: Version, subject: Subject, number: int | None) -> bool:
        content = self._contents.get((version.subject.context, version.schema_id))
        return content is not None and any(
            Subject.parse(reference.subject, content.context) == subject and number in (None, reference.version)
            for reference in content.references
        )

    def _merged(self, stored: Iterable[Version], new: Iterable[Version]) -> list[Version]:
        merged = {(version.subject, version.version): version for version in (*stored, *new)}
        return [version for place, version in merged.items() if place not in self._removed]
