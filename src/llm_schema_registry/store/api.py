"""The protocol of every store: reads, transactions, errors."""

import enum
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.records import (
    Association,
    Change,
    ChangeKind,
    Deleted,
    Setting,
    StoredSchema,
    Version,
    WritePreconditions,
)


class Cause(enum.StrEnum):
    """Why a store failed: the label of metrics and logs, and the basis of every decision about the failure."""

    UNREACHABLE = "unreachable"
    BUSY = "busy"
    NO_CONNECTION = "no_connection"
    DENIED = "denied"
    READ_ONLY = "read_only"
    FULL = "full"
    DISK = "disk"
    DAMAGED = "damaged"
    OTHER = "other"

    @property
    def lasts(self) -> bool:
        """Whether a retry fails in the same way until a person removes the cause."""
        return self in _LASTING

    @property
    def is_of_the_store(self) -> bool:
        """Whether the failure shows that the store does not work, rather than that this client got no turn."""
        return self is not Cause.NO_CONNECTION


_LASTING = frozenset({Cause.DENIED, Cause.READ_ONLY, Cause.FULL, Cause.DISK, Cause.DAMAGED})


class StoreUnavailableError(Exception):
    """The store cannot be reached or refused the work; nothing that was not acknowledged was stored.

    Attributes:
        cause: see `Cause`.
        reason: the cause as the end of a sentence; empty if there is nothing to say beyond the message.
        code: the code of the database (an SQLSTATE, `SQLITE_FULL`), for logs; empty if there is none.
        detail: the database's own text, for logs only: it may name tables and users, never values.
    """

    def __init__(
        self, message: str = "", *, cause: Cause = Cause.UNREACHABLE, reason: str = "", code: str = "", detail: str = ""
    ) -> None:
        super().__init__(message or f"The store is not available: {reason}.")
        self.cause = cause
        self.reason = reason
        self.code = code
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, vars(self)


CONTRADICTION = "The write contradicts what is stored: a constraint of the store refuses it"


class ValueRefusedError(ValueError):
    """A value of the request cannot be stored; the store itself works.

    Attributes:
        code: the code of the database, for logs; empty if the value was refused before it was sent.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.code)


class OutcomeUnknownError(StoreUnavailableError):
    """The connection broke during a commit, and it could not be found out whether it took place: read, then retry."""


class Reads(Protocol):
    """Reads of current facts, on the store itself or inside a transaction (which sees its own writes)."""

    async def revision(self) -> int:
        """The revision of the last committed write; 0 on an empty store."""
        ...

    async def schema(self, context: str, schema_id: int) -> StoredSchema | None:
        """The content of an id."""
        ...

    async def schemas_by_guid(self, guid: str) -> list[StoredSchema]:
        """All contents with this GUID, the default context first, then by context, then by id."""
        ...

    async def schemas_in_blobs(
        self, after: tuple[str, str, int] = ("", "", 0), limit: int | None = None
    ) -> list[StoredSchema]:
        """Contents whose texts are objects outside the store, as they are in its tables: without the texts.

        Args:
            after: the object, the context and the id of the last one already known; the order is theirs.
            limit: how many at most; `None` for all.
        """
        ...

    async def large_schemas(
        self, characters: int, after: tuple[str, int] = ("", 0), limit: int | None = None
    ) -> list[tuple[str, int]]:
        """The context and the id of contents with a text in the store's tables of more than so many characters.

        Args:
            characters: how many are not too many.
            after: the context and the id of the last one already known; the order is theirs.
            limit: how many at most; `None` for all.
        """
        ...

    async def max_schema_id(self, context: str) -> int:
        """The highest id ever given in the context (also to schemas removed since); 0 if none."""
        ...

    async def count_versions(self) -> tuple[int, int]:
        """A revision, and how many versions are not soft-deleted at it; looks at all of them."""
        ...

    async def version(self, subject: Subject, version: int) -> Version | None:
        """One version, soft-deleted or not."""
        ...

    async def versions(self, subject: Subject) -> list[Version]:
        """All versions in ascending order, soft-deleted ones and every state included."""
        ...

    async def latest(self, subject: Subject) -> Version | None:
        """The highest ACTIVE version that is not soft-deleted; if there is none, the highest DEPRECATED."""
        ...

    async def versions_of_schema(self, context: str, schema_id: int) -> list[Version]:
        """All versions that have this content, soft-deleted ones included, by subject and version."""
        ...

    async def referrers(self, subject: Subject, version: int | None = None) -> list[Version]:
        """All versions (soft-deleted ones included) whose content refers to `subject` at `version`, or at any
        version for `None`; in every context, by context, subject and version.
        """
        ...

    async def subjects(
        self,
        *,
        context: str | None = None,
        prefix: str = "",
        deleted: Deleted = Deleted.EXCLUDED,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Subject]:
        """Subjects in order of context and name.

        `EXCLUDED` lists subjects with a version that is not soft-deleted, `INCLUDED` all, `ONLY` those whose
        versions are all soft-deleted. DRAFT versions alone do not make a subject visible.

        Args:
            context: only this one; `None` for all.
            prefix: what the name within the context starts with (literally: `%` and `_` mean themselves).
            deleted: see above.
            offset: how many to skip.
            limit: how many at most; `None` for all.
        """
        ...

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
        """Versions of all subjects that match, in order of context, subject and version; DRAFTs left out.

        With `latest_only` one per subject: the highest one that the filter shows.
        """
        ...

    async def contexts(self, *, prefix: str = "", offset: int = 0, limit: int | None = None) -> list[str]:
        """Known contexts in order, the default one (which always exists) first."""
        ...

    async def setting(self, scope: Subject, kind: Setting) -> str | None:
        """A setting's JSON text at exactly this scope."""
        ...

    async def scopes_with_setting(self, context: str, kind: Setting) -> list[Subject]:
        """The scopes of a context that carry the setting, the context itself (empty name) first."""
        ...

    async def associations_of_subject(self, subject: Subject) -> list[Association]:
        """The associations of a subject, by namespace and name of the resource, then by type."""
        ...

    async def associations_of_resource(self, resource_id: str) -> list[Association]:
        """The associations of the resource of an id, by type."""
        ...

    async def associations_of_name(self, name: str) -> list[Association]:
        """The associations of the resources of a name, by namespace, then by type."""
        ...

    async def associations(self) -> list[Association]:
        """All associations, by namespace and name of the resource, then by type."""
        ...

    async def last_changed(self, scopes: Sequence[Subject]) -> int:
        """The highest revision whose changes concern one of these scopes exactly; 0 if none ever did.

        Schemas that come into a context or leave it do not touch its scope: registrations would else all meet there.
        """
        ...

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """The change log after a revision, in order and in whole revisions.

        Revisions are added until there are `limit` records; fewer mean that the log ends there.
        """
        ...


class Transaction(Reads, Protocol):
    """One atomic write. Holds the head row: no other write commits between its reads and its own commit.

    Every change made through it appends its record to the change log under the transaction's revision.
    """

    @property
    def next_revision(self) -> int:
        """The revision this transaction gets when it commits with at least one change."""
        ...

    @property
    def changed(self) -> bool:
        """Whether there is a change to commit so far."""
        ...

    async def check_preconditions(self, scopes: Sequence[Subject], content: StoredSchema) -> WritePreconditions:
        """What has become of the state on which a decision was made: all that writing it depends on, in one answer.

        Args:
            scopes: what the decision read, as for `touched`.
            content: what it would add. The same content is one in the same context with the same GUID and type and,
                where `schema_id` is not 0, with that id.
        """
        ...

    async def add_schema(self, schema: StoredSchema) -> StoredSchema:
        """Stores content, and returns it with its id: the given one, or for `schema_id=0` the context's next.

        A given id moves the context's counter past it, so that the next one is always the highest plus one.
        The context comes into being with its first schema.

        Raises:
            ValueError: the given id is taken in the context, or the counter is past 2^31-1.
        """
        ...

    async def place_text(self, schema: StoredSchema) -> None:
        """Changes where the text of stored content is: `text` and `blob` become those given.

        The log says that the content was added: it is the same as before, and nobody has to know more.
        """
        ...

    async def remove_schema(self, context: str, schema_id: int) -> None:
        """Removes content for good; the id is never given again."""
        ...

    async def put_version(self, version: Version, kind: ChangeKind, *, new: bool = False) -> None:
        """Makes `version` the current fact of its subject and number; an earlier fact is superseded, not lost.

        Args:
            version: the fact.
            kind: what happened.
            new: the number has no current fact, not even a soft-deleted one: so none is looked for.
        """
        ...

    async def remove_version(self, subject: Subject, version: int) -> None:
        """Ends the current fact of a version for good (permanent delete)."""
        ...

    async def put_setting(self, scope: Subject, kind: Setting, value: str | None) -> None:
        """Sets the JSON text of a setting at a scope; `None` removes it. Unchanged values record nothing."""
        ...

    async def put_association(self, association: Association) -> None:
        """Makes an association the current fact of its resource and type; an earlier one is superseded, not lost."""
        ...

    async def remove_association(self, association: Association) -> None:
        """Ends the current fact of a resource and type. Nothing happens if there is none."""
        ...

    async def remove_context(self, context: str) -> None:
        """Takes a context off the list. Its id counter stays."""
        ...


class Store(Reads, Protocol):
    """A store of one registry. All methods may be called concurrently from one event loop."""

    def transaction(self, actor: str = "") -> AbstractAsyncContextManager[Transaction]:
        """Begins an atomic write: commits when the block ends, durably, and rolls back when it raises.

        A block that changed nothing takes no revision. Once the block has ended without an exception, the write
        is seen by every later read of every process on the store.

        Args:
            actor: who writes, for the change log.

        Raises:
            StoreUnavailableError: the head row could not be taken in time, or the commit failed; nothing is stored.
            OutcomeUnknownError: the connection broke during the commit, and the store stays out of reach.
        """
        ...

    async def stage(self, schema: StoredSchema) -> None:
        """Does ahead of a transaction what takes long about adding a content, so that nobody waits for it.

        Adding it does the same if this was not called; staged and never added, it leaves no trace that can be read.

        Raises:
            StoreUnavailableError: it cannot be done at the moment.
        """
        ...

    @property
    def is_shared(self) -> bool:
        """Whether other processes can open the same store by its URL."""
        ...

    async def check_writable(self) -> None:
        """Makes a durable write that changes no fact and takes no revision.

        Raises:
            StoreUnavailableError: a write would fail, for the same cause.
        """
        ...

    async def wait_for_change(self, after: int, timeout: float) -> int:  # noqa: ASYNC109
        """Waits until the store is past a revision, whoever wrote.

        This is what a cache follows: what it holds is good until this answers more than the revision it was read at;
        what changed stands in the change log. Asked again with its own answer, it misses nothing, whatever happens to
        the connection meanwhile.

        Args:
            after: the revision already known.
            timeout: how many seconds to wait at most.

        Returns:
            the current revision: above `after`, unless nothing was written in time.

        Raises:
            StoreUnavailableError: the store cannot be reached, so whether anything changed is not known.
        """
        ...

    async def close(self) -> None:
        """Waits for the write in progress and lets go of files and connections. Idempotent."""
        ...


class SqlStore(Store, Protocol):
    """A store as it is in its tables, with nothing around it."""

    async def identity(self) -> bytes:
        """The secret of 256 bits that the store was made with: it tells the store, and its copies, from every other.

        Raises:
            StoreUnavailableError: it cannot be read.
        """
        ...
