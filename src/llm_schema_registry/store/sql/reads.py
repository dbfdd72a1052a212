"""The reads of the store in SQL; an engine adds how a statement is run."""

import abc
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.records import Association, Change, Deleted, Setting, StoredSchema, Version
from llm_schema_registry.store.sql.rows import Row, Value, association_of, change_of, schema_of, subject_of, version_of
from llm_schema_registry.store.sql.statements import load_statements
from llm_schema_registry.store.sql.text_escape import text_of

_T = TypeVar("_T")

MAX_INTEGER = 2**31 - 1
"""The highest schema id, version and ordinal."""

_MAX_BIGINT = 2**63 - 1
_SQL = load_statements("reads")
REVISION = _SQL["revision"]
_IDENTITY = _SQL["identity"]
_SCHEMA = _SQL["schema"]
_SCHEMAS_BY_GUID = _SQL["schemas_by_guid"]
_SCHEMAS_IN_BLOBS = _SQL["schemas_in_blobs"]
_LARGE_SCHEMAS = _SQL["large_schemas"]
_COUNTER = _SQL["counter"]
_VERSION = _SQL["version"]
_VERSIONS = _SQL["versions"]
_LATEST = _SQL["latest"]
_VERSIONS_OF_SCHEMA = _SQL["versions_of_schema"]
_REFERRERS = _SQL["referrers"]
_SUBJECTS = _SQL["subjects"]
_LIST_VERSIONS = _SQL["list_versions"]
_COUNT_VERSIONS = _SQL["count_versions"]
_CONTEXTS = _SQL["contexts"]
_CONTEXT = _SQL["context"]
_SETTING = _SQL["setting"]
_SCOPES_WITH_SETTING = _SQL["scopes_with_setting"]
_ASSOCIATIONS_OF_SUBJECT = _SQL["associations_of_subject"]
_ASSOCIATIONS_OF_RESOURCE = _SQL["associations_of_resource"]
_ASSOCIATIONS_OF_NAME = _SQL["associations_of_name"]
_ASSOCIATIONS = _SQL["associations_listed"]
_TOUCHED = _SQL["touched"]
CHANGES = _SQL["changes"]

# The least and the greatest value of a version's `deleted` column that a filter shows.
_SHOWN: dict[Deleted, tuple[int, int]] = {
    Deleted.EXCLUDED: (0, 0),
    Deleted.INCLUDED: (0, 1),
    Deleted.ONLY: (1, 1),
}


class SqlReads(abc.ABC):
    """Fulfils the protocol `Reads` with the statements of `sql/reads.sql`."""

    __slots__ = ()

    @abc.abstractmethod
    async def _one(self, statement: str, *values: Value) -> Row | None:
        """The first row of an answer.

        Raises:
            StoreUnavailableError: the database failed.
        """

    @abc.abstractmethod
    async def _all(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        """All rows of an answer that an index gives in order, as values from one snapshot.

        Raises:
            StoreUnavailableError: the database failed.
        """

    @abc.abstractmethod
    async def _scan(self, decode: Callable[[Row], _T], statement: str, *values: Value) -> list[_T]:
        """As `_all`, for statements that may look at much of the store before they answer.

        Raises:
            StoreUnavailableError: the database failed.
        """

    async def revision(self) -> int:
        """The revision of the last committed write; 0 on an empty store."""
        row = await self._one(REVISION)
        return 0 if row is None else int(row[0])

    async def identity(self) -> bytes:
        """The secret of 256 bits that this store was made with: it tells the store, and its copies, from every other.

        Raises:
            StoreUnavailableError: the database failed, or has lost it.
        """
        row = await self._one(_IDENTITY)
        if row is None:
            raise StoreUnavailableError("The store has lost its identity; restore it from a backup.")
        return bytes.fromhex(row[0])

    async def schema(self, context: str, schema_id: int) -> StoredSchema | None:
        """The content of an id."""
        row = await self._one(_SCHEMA, context, schema_id)
        return None if row is None else schema_of(row)

    async def schemas_by_guid(self, guid: str) -> list[StoredSchema]:
        """All contents with this GUID, the default context first, then by context, then by id."""
        return await self._all(schema_of, _SCHEMAS_BY_GUID, guid)

    async def schemas_in_blobs(
        self, after: tuple[str, str, int] = ("", "", 0), limit: int | None = None
    ) -> list[StoredSchema]:
        """Contents whose texts are objects, without them, by object, context and id, from after one of them."""
        return await self._scan(schema_of, _SCHEMAS_IN_BLOBS, *after, _limit(limit))

    async def large_schemas(
        self, characters: int, after: tuple[str, int] = ("", 0), limit: int | None = None
    ) -> list[tuple[str, int]]:
        """The context and the id of contents with a text of more characters in the tables, from after one of them."""
        return await self._scan(_place_of, _LARGE_SCHEMAS, characters, *after, _limit(limit))

    async def max_schema_id(self, context: str) -> int:
        """The highest id ever given in the context (also to schemas removed since); 0 if none."""
        row = await self._one(_COUNTER, context)
        return 0 if row is None else int(row[0]) - 1

    async def count_versions(self) -> tuple[int, int]:
        """A revision, and how many versions are not soft-deleted at it; looks at all of them."""
        ((revision, count),) = await self._scan(_integers_of, _COUNT_VERSIONS)
        return revision, count

    async def version(self, subject: Subject, version: int) -> Version | None:
        """One version, soft-deleted or not."""
        row = await self._one(_VERSION, subject.context, subject.name, version)
        return None if row is None else version_of(row)

    async def versions(self, subject: Subject) -> list[Version]:
        """All versions in ascending order, soft-deleted ones and every state included."""
        return await self._all(version_of, _VERSIONS, subject.context, subject.name)

    async def latest(self, subject: Subject) -> Version | None:
        """The highest ACTIVE version that is not soft-deleted; if there is none, the highest DEPRECATED."""
        row = await self._one(_LATEST, subject.context, subject.name)
        return None if row is None else version_of(row)

    async def versions_of_schema(self, context: str, schema_id: int) -> list[Version]:
        """All versions that have this content, soft-deleted ones included, by subject and version."""
        return await self._all(version_of, _VERSIONS_OF_SCHEMA, context, schema_id)

    async def referrers(self, subject: Subject, version: int | None = None) -> list[Version]:
        """All versions whose content refers to `subject` at `version`, or at any version for `None`."""
        least, greatest = (0, MAX_INTEGER) if version is None else (version, version)
        return await self._scan(version_of, _REFERRERS, subject.context, subject.name, least, greatest)

    async def subjects(
        self,
        *,
        context: str | None = None,
        prefix: str = "",
        deleted: Deleted = Deleted.EXCLUDED,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Subject]:
        """Subjects in order of context and name; see the protocol for what the filters show."""
        return await self._scan(
            subject_of, _SUBJECTS, *_range(context, prefix), *_SHOWN[deleted], _limit(limit), _clipped(offset)
        )

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
        """Versions of all subjects that match, in order of context, subject and version; DRAFTs left out."""
        return await self._scan(
            version_of,
            _LIST_VERSIONS,
            *_range(context, prefix),
            *_SHOWN[deleted],
            int(latest_only),
            _limit(limit),
            _clipped(offset),
        )

    async def contexts(self, *, prefix: str = "", offset: int = 0, limit: int | None = None) -> list[str]:
        """Known contexts that start with `prefix`, in order; the default one comes first."""
        end = _successor(prefix) or _AFTER_CONTEXTS
        return await self._all(_first_column, _CONTEXTS, prefix, end, _limit(limit), _clipped(offset))

    async def _has_context(self, context: str) -> bool:
        return await self._one(_CONTEXT, context) is not None

    async def setting(self, scope: Subject, kind: Setting) -> str | None:
        """A setting's JSON text at exactly this scope."""
        row = await self._one(_SETTING, scope.context, scope.name, kind.value)
        return None if row is None else text_of(row[0])

    async def scopes_with_setting(self, context: str, kind: Setting) -> list[Subject]:
        """The scopes of a context that carry the setting, the context itself (empty name) first."""
        return await self._all(subject_of, _SCOPES_WITH_SETTING, context, kind.value)

    async def associations_of_subject(self, subject: Subject) -> list[Association]:
        """The associations of a subject, by namespace and name of the resource, then by type."""
        return await self._all(association_of, _ASSOCIATIONS_OF_SUBJECT, subject.context, subject.name)

    async def associations_of_resource(self, resource_id: str) -> list[Association]:
        """The associations of the resource of an id, by type."""
        return await self._all(association_of, _ASSOCIATIONS_OF_RESOURCE, resource_id)

    async def associations_of_name(self, name: str) -> list[Association]:
        """The associations of the resources of a name, by namespace, then by type."""
        return await self._all(association_of, _ASSOCIATIONS_OF_NAME, name)

    async def associations(self) -> list[Association]:
        """All associations, by namespace and name of the resource, then by type."""
        return await self._scan(association_of, _ASSOCIATIONS, "")

    async def last_changed(self, scopes: Sequence[Subject]) -> int:
        """The highest revision whose changes concern one of these scopes exactly; 0 if none ever did."""
        highest = 0
        for scope in scopes:
            row = await self._one(_TOUCHED, scope.context, scope.name)
            if row is not None and row[0] > highest:
                highest = row[0]
        return highest

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """The change log after a revision, in order and in whole revisions: fewer than `limit` records end the log."""
        if limit < 1:
            return []
        found = await self._all(change_of, CHANGES, _clipped(after), _MAX_BIGINT, _clipped(limit))
        if len(found) < limit:
            return found
        last = found[-1].revision
        before = [change for change in found if change.revision != last]
        return before + await self._all(change_of, CHANGES, last - 1, last, _MAX_BIGINT)


# Every context begins with a dot, so this sorts after all of them.
_AFTER_CONTEXTS = chr(ord(".") + 1)


def _range(context: str | None, prefix: str) -> tuple[str, str, str, str]:
    """The first (context, name) of subjects that match, and one after the last of them."""
    if context is None:
        return "", prefix, _AFTER_CONTEXTS, ""
    end = _successor(prefix)
    if end is None:
        # No context has a control character in its name.
        return context, prefix, context + "\x01", ""
    return context, prefix, context, end


def _successor(prefix: str) -> str | None:
    """The least text above all that start with `prefix`; `None` if there is none."""
    for place in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[place]) + 1
        if code <= sys.maxunicode:
            # Surrogates are no characters of a stored text.
            return prefix[:place] + chr(0xE000 if 0xD800 <= code <= 0xDFFF else code)
    return None


def _limit(limit: int | None) -> int:
    return _MAX_BIGINT if limit is None else _clipped(limit)


def _clipped(number: int) -> int:
    return max(0, min(number, _MAX_BIGINT))


def _integers_of(row: Row) -> tuple[int, int]:
    return int(row[0]), int(row[1])


def _place_of(row: Row) -> tuple[str, int]:
    return row[0], row[1]


def _first_column(row: Row) -> str:
    return str(row[0])
