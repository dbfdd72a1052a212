"""The writes of a transaction in SQL; an engine adds how a statement is run, and begins and ends it."""

import abc
from collections.abc import Iterable, Sequence

import msgspec

from llm_schema_registry.contracts.subjects import DEFAULT_CONTEXT, Subject
from llm_schema_registry.store.records import (
    Association,
    ChangeKind,
    Setting,
    StoredSchema,
    Version,
    WritePreconditions,
)
from llm_schema_registry.store.sql.reads import MAX_INTEGER, SqlReads
from llm_schema_registry.store.sql.rows import Value, row_of_schema
from llm_schema_registry.store.sql.statements import load_statements
from llm_schema_registry.store.sql.text_escape import column_of, is_holdable

_SAME_CONTENT = load_statements("reads")["same_content"]
_SQL = load_statements("writes")
_MOVE_HEAD = _SQL["move_head"]
_ADD_CHANGE = _SQL["add_change"]
_MOVE_COUNTER = _SQL["move_counter"]
_ADD_CONTEXT = _SQL["add_context"]
_END_CONTEXT = _SQL["end_context"]
_ADD_SCHEMA = _SQL["add_schema"]
_ADD_REFERENCE = _SQL["add_reference"]
_PLACE_TEXT = _SQL["place_text"]
_REMOVE_SCHEMA = _SQL["remove_schema"]
_END_VERSION = _SQL["end_version"]
_ADD_VERSION = _SQL["add_version"]
_END_SETTING = _SQL["end_setting"]
_ADD_SETTING = _SQL["add_setting"]
_END_ASSOCIATION = _SQL["end_association"]
_ADD_ASSOCIATION = _SQL["add_association"]

# What the log says when a kind of setting is set, and when it is removed.
_SETTING_CHANGES: dict[Setting, tuple[ChangeKind, ChangeKind]] = {
    Setting.CONFIG: (ChangeKind.CONFIG_SET, ChangeKind.CONFIG_REMOVED),
    Setting.MODE: (ChangeKind.MODE_SET, ChangeKind.MODE_REMOVED),
}


class SqlTransaction(SqlReads):
    """Fulfils the protocol `Transaction` with the statements of `sql/writes.sql`.

    The engine makes one when it holds the head row. When the block has ended, it calls `finish` and commits if
    that answers true, and rolls back otherwise.
    """

    __slots__ = ("_actor", "_at", "_highest", "_listed", "_moved", "_ordinal", "_revision")

    def __init__(self, revision: int, actor: str, at: int) -> None:
        """Begins to write.

        Args:
            revision: the revision this transaction gets.
            actor: who writes.
            at: when, in milliseconds since the epoch.
        """
        self._revision = revision
        self._actor = actor
        self._at = at
        self._ordinal = 0
        # What no one else can change meanwhile: the highest ids of contexts, and contexts that are on the list.
        self._highest: dict[str, int] = {}
        self._listed = {DEFAULT_CONTEXT}
        self._moved: set[str] = set()

    @abc.abstractmethod
    async def _run(self, statement: str, *values: Value) -> None:
        """Runs a writing statement, at once or before the next read and before `finish` has returned.

        Raises:
            StoreUnavailableError: the database failed; nothing of this transaction can be committed any more.
            ValueError: it cannot hold a value; likewise.
        """

    @property
    def next_revision(self) -> int:
        """The revision this transaction gets when it commits with at least one change."""
        return self._revision

    @property
    def changed(self) -> bool:
        """Whether there is a change to commit so far."""
        return self._ordinal > 0

    async def finish(self) -> bool:
        """Moves the head row and the counters if anything was changed, and tells whether that is so."""
        if not self.changed:
            return False
        for context in self._moved:
            await self._run(_MOVE_COUNTER, context, self._highest[context] + 1)
        await self._run(_MOVE_HEAD, self._revision)
        return True

    async def max_schema_id(self, context: str) -> int:
        """The highest id ever given in the context (also to schemas removed since); 0 if none."""
        highest = self._highest.get(context)
        if highest is None:
            highest = self._highest[context] = await super().max_schema_id(context)
        return highest

    async def check_preconditions(self, scopes: Sequence[Subject], content: StoredSchema) -> WritePreconditions:
        """What became of the state a decision was made on; see the protocol."""
        wanted = (content.guid, content.context, content.schema_type, content.schema_id)
        same = await self._one(_SAME_CONTENT, *wanted)
        return WritePreconditions(await self.last_changed(scopes), None if same is None else same[0])

    async def add_schema(self, schema: StoredSchema) -> StoredSchema:
        """Stores content, and returns it with its id and, where it was 0, its time.

        Raises:
            ValueError: the given id is taken in the context, or the counter is past 2^31-1.
        """
        context = schema.context
        highest = await self.max_schema_id(context)
        schema_id = schema.schema_id or highest + 1
        if not 0 < schema_id <= MAX_INTEGER:
            raise ValueError(f"Schema id {schema_id} in context '{context}' is not within 1 and {MAX_INTEGER}")
        if schema_id <= highest and await self.schema(context, schema_id) is not None:
            raise ValueError(f"Schema id {schema_id} is taken in context '{context}'")
        stored = msgspec.structs.replace(schema, schema_id=schema_id, created_at=schema.created_at or self._at)
        await self._add_context(context)
        if schema_id > highest:
            self._highest[context] = schema_id
            self._moved.add(context)
        await self._run(_ADD_SCHEMA, *row_of_schema(stored))
        for row in _rows_of_references(stored):
            await self._run(_ADD_REFERENCE, *row)
        guid = f'"{stored.guid}"'
        await self._record(ChangeKind.SCHEMA_ADDED, Subject(context, ""), schema_id=schema_id, detail=guid)
        return stored

    async def place_text(self, schema: StoredSchema) -> None:
        """Changes where the text of stored content is: `text` and `blob` become those given.

        The log says that the content was added: it is the same as before, and nobody has to know more.
        """
        await self._run(_PLACE_TEXT, schema.context, schema.schema_id, column_of(schema.text), schema.blob)
        guid = f'"{schema.guid}"'
        context = Subject(schema.context, "")
        await self._record(ChangeKind.SCHEMA_ADDED, context, schema_id=schema.schema_id, detail=guid)

    async def remove_schema(self, context: str, schema_id: int) -> None:
        """Removes content for good; the id is never given again. Nothing happens if there is none."""
        stored = await self.schema(context, schema_id)
        if stored is not None:
            await self._run(_REMOVE_SCHEMA, context, schema_id)
            guid = f'"{stored.guid}"'
            await self._record(ChangeKind.SCHEMA_REMOVED, Subject(context, ""), schema_id=schema_id, detail=guid)

    async def put_version(self, version: Version, kind: ChangeKind, *, new: bool = False) -> None:
        """Makes `version` the current fact of its subject and number; an earlier fact is superseded, not lost.

        A version registered at 0 is given the time of this transaction.
        """
        context, name = version.subject
        if not new:
            await self._run(_END_VERSION, context, name, version.version, self._revision)
        await self._run(
            _ADD_VERSION,
            context,
            name,
            version.version,
            version.schema_id,
            version.state.value,
            int(version.deleted),
            version.registered_at or self._at,
            self._revision,
        )
        detail = f'"{version.state.value}"' if kind is ChangeKind.VERSION_STATE_CHANGED else None
        await self._record(kind, version.subject, version.version, version.schema_id, detail)

    async def remove_version(self, subject: Subject, version: int) -> None:
        """Ends the current fact of a version for good (permanent delete). Nothing happens if there is none."""
        current = await self.version(subject, version)
        if current is not None:
            await self._run(_END_VERSION, subject.context, subject.name, version, self._revision)
            await self._record(ChangeKind.VERSION_REMOVED, subject, version, current.schema_id)

    async def put_setting(self, scope: Subject, kind: Setting, value: str | None) -> None:
        """Sets the JSON text of a setting at a scope; `None` removes it. Unchanged values record nothing."""
        current = await self.setting(scope, kind)
        if current == value:
            return
        if current is not None:
            await self._run(_END_SETTING, scope.context, scope.name, kind.value, self._revision)
        if value is not None:
            await self._run(_ADD_SETTING, scope.context, scope.name, kind.value, column_of(value), self._revision)
        was_set, was_removed = _SETTING_CHANGES[kind]
        await self._record(was_removed if value is None else was_set, scope, detail=value)

    async def put_association(self, association: Association) -> None:
        """Makes an association the current fact of its resource and type; an earlier one is superseded, not lost.

        One created or updated at 0 is given the time of this transaction.
        """
        await self._run(_END_ASSOCIATION, *_key_of(association), self._revision)
        await self._run(
            _ADD_ASSOCIATION,
            *_key_of(association),
            association.resource_name,
            association.resource_namespace,
            association.subject.context,
            association.subject.name,
            association.guid,
            association.lifecycle.value,
            int(association.frozen),
            association.created_at or self._at,
            association.updated_at or self._at,
            self._revision,
        )
        await self._record(ChangeKind.ASSOCIATION_SET, association.subject, detail=_detail_of(association))

    async def remove_association(self, association: Association) -> None:
        """Ends the current fact of a resource and type. Nothing happens if there is none."""
        key = _key_of(association)
        if any(_key_of(each) == key for each in await self.associations_of_resource(association.resource_id)):
            await self._run(_END_ASSOCIATION, *key, self._revision)
            await self._record(ChangeKind.ASSOCIATION_REMOVED, association.subject, detail=_detail_of(association))

    async def remove_context(self, context: str) -> None:
        """Takes a context off the list. Its id counter stays.

        Nothing happens to a context that is not on the list, nor to the default one, which always exists.
        """
        if context != DEFAULT_CONTEXT and await self._has_context(context):
            self._listed.discard(context)
            await self._run(_END_CONTEXT, context, self._revision)
            await self._record(ChangeKind.CONTEXT_REMOVED, Subject(context, ""))

    async def _add_context(self, context: str) -> None:
        if context in self._listed:
            return
        if not await self._has_context(context):
            await self._run(_ADD_CONTEXT, context, self._revision)
            await self._record(ChangeKind.CONTEXT_ADDED, Subject(context, ""))
        self._listed.add(context)

    async def _record(
        self,
        kind: ChangeKind,
        subject: Subject,
        version: int | None = None,
        schema_id: int | None = None,
        detail: str | None = None,
    ) -> None:
        await self._run(
            _ADD_CHANGE,
            self._revision,
            self._ordinal,
            self._at,
            kind.value,
            subject.context,
            subject.name,
            version,
            schema_id,
            column_of(self._actor),
            None if detail is None else column_of(detail),
        )
        self._ordinal += 1


def _key_of(association: Association) -> tuple[str, str, str]:
    return association.resource_id, association.resource_type, association.association_type


def _detail_of(association: Association) -> str:
    return msgspec.json.encode(association).decode()


def _rows_of_references(schema: StoredSchema) -> Iterable[tuple[Value, ...]]:
    for reference in schema.references:
        subject = Subject.parse(reference.subject, schema.context)
        # An imported schema may refer to anything; a name that no store can hold has no version to refer to.
        if is_holdable(reference.subject):
            yield subject.context, subject.name, reference.version, schema.context, schema.schema_id
