"""A store that notes the facts that are read from it, and tells when a write of its own was committed."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store import facts
from llm_schema_registry.store.model import Association, Change, Deleted, Setting, StoredSchema, Version
from llm_schema_registry.store.store import Store, Transaction


class WatchedStore:
    """Fulfils `Store` around another one.

    Args:
        store: what is read and written.
        committed: called after each transaction that may have changed something, before anybody learns of it.
    """

    def __init__(self, store: Store, committed: Callable[[], None]) -> None:
        self._store = store
        self._committed = committed

    async def revision(self) -> int:
        """See `Reads`. A revision is a time, no fact: what is answered depends on what else was read."""
        return await self._store.revision()

    async def schema(self, context: str, schema_id: int) -> StoredSchema | None:
        """See `Reads`."""
        facts.note(facts.of_schema(context, schema_id))
        return await self._store.schema(context, schema_id)

    async def schemas_by_guid(self, guid: str) -> list[StoredSchema]:
        """See `Reads`."""
        facts.note(facts.of_guid(guid))
        return await self._store.schemas_by_guid(guid)

    async def schemas_in_blobs(
        self, after: tuple[str, str, int] = ("", "", 0), limit: int | None = None
    ) -> list[StoredSchema]:
        """See `Reads`."""
        facts.note(facts.ALL_SCHEMAS)
        return await self._store.schemas_in_blobs(after, limit)

    async def large_schemas(
        self, characters: int, after: tuple[str, int] = ("", 0), limit: int | None = None
    ) -> list[tuple[str, int]]:
        """See `Reads`."""
        facts.note(facts.ALL_SCHEMAS)
        return await self._store.large_schemas(characters, after, limit)

    async def max_schema_id(self, context: str) -> int:
        """See `Reads`."""
        facts.note(facts.ALL_SCHEMAS)
        return await self._store.max_schema_id(context)

    async def version(self, subject: Subject, version: int) -> Version | None:
        """See `Reads`."""
        facts.note(facts.of_subject(subject))
        return await self._store.version(subject, version)

    async def versions(self, subject: Subject) -> list[Version]:
        """See `Reads`."""
        facts.note(facts.of_subject(subject))
        return await self._store.versions(subject)

    async def latest(self, subject: Subject) -> Version | None:
        """See `Reads`."""
        facts.note(facts.of_subject(subject))
        return await self._store.latest(subject)

    async def versions_of_schema(self, context: str, schema_id: int) -> list[Version]:
        """See `Reads`."""
        facts.note(facts.of_schema(context, schema_id))
        return await self._store.versions_of_schema(context, schema_id)

    async def referrers(self, subject: Subject, version: int | None = None) -> list[Version]:
        """See `Reads`."""
        facts.note(facts.ALL_VERSIONS)
        return await self._store.referrers(subject, version)

    async def subjects(
        self,
        *,
        context: str | None = None,
        prefix: str = "",
        deleted: Deleted = Deleted.EXCLUDED,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Subject]:
        """See `Reads`."""
        facts.note(facts.ALL_VERSIONS)
        return await self._store.subjects(context=context, prefix=prefix, deleted=deleted, offset=offset, limit=limit)

    async def list_versions(
        self,
        *,
        context: str | None = None,
        prefix: str = "",
        deleted: Deleted = Deleted.EXCLUDED,
        latest_only: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Version]:
        """See `Reads`."""
        facts.note(facts.ALL_VERSIONS)
        return await self._store.list_versions(
            context=context, prefix=prefix, deleted=deleted, latest_only=latest_only, offset=offset, limit=limit
        )

    async def contexts(self, *, prefix: str = "", offset: int = 0, limit: int | None = None) -> list[str]:
        """See `Reads`."""
        facts.note(facts.ALL_CONTEXTS)
        return await self._store.contexts(prefix=prefix, offset=offset, limit=limit)

    async def setting(self, scope: Subject, kind: Setting) -> str | None:
        """See `Reads`."""
        facts.note(facts.of_setting(scope))
        return await self._store.setting(scope, kind)

    async def scopes_with_setting(self, context: str, kind: Setting) -> list[Subject]:
        """See `Reads`."""
        facts.note(facts.ALL_SETTINGS)
        return await self._store.scopes_with_setting(context, kind)

    async def associations_of_subject(self, subject: Subject) -> list[Association]:
        """See `Reads`."""
        facts.note(facts.ALL_ASSOCIATIONS)
        return await self._store.associations_of_subject(subject)

    async def associations_of_resource(self, resource_id: str) -> list[Association]:
        """See `Reads`."""
        facts.note(facts.ALL_ASSOCIATIONS)
        return await self._store.associations_of_resource(resource_id)

    async def associations_of_name(self, name: str) -> list[Association]:
        """See `Reads`."""
        facts.note(facts.ALL_ASSOCIATIONS)
        return await self._store.associations_of_name(name)

    async def associations(self) -> list[Association]:
        """See `Reads`."""
        facts.note(facts.ALL_ASSOCIATIONS)
        return await self._store.associations()

    async def touched(self, scopes: Sequence[Subject]) -> int:
        """See `Reads`; no answer that depends on it can be remembered."""
        facts.note_untraceable()
        return await self._store.touched(scopes)

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """See `Reads`; no answer that depends on it can be remembered."""
        facts.note_untraceable()
        return await self._store.changes(after, limit)

    async def stage(self, schema: StoredSchema) -> None:
        """See `Store`."""
        await self._store.stage(schema)

    @asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[Transaction]:
        """See `Store`; no answer of a write can be remembered."""
        facts.note_untraceable()
        try:
            async with self._store.transaction(actor) as transaction:
                yield transaction
        finally:
            # Also after a failure: a commit whose outcome is unknown may have been one.
            self._committed()

    @property
    def is_shared(self) -> bool:
        """See `Store`."""
        return self._store.is_shared

    async def wait_for_change(self, after: int, timeout: float) -> int:  # noqa: ASYNC109
        """See `Store`."""
        return await self._store.wait_for_change(after, timeout)

    async def close(self) -> None:
        """See `Store`."""
        await self._store.close()
