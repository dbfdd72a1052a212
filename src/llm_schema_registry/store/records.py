"""The records of the store, as values."""

import enum
from typing import NamedTuple

import msgspec

from llm_schema_registry.contracts.identity import Reference
from llm_schema_registry.contracts.metadata import Metadata
from llm_schema_registry.contracts.rules import RuleSet
from llm_schema_registry.contracts.subjects import Subject


class State(enum.StrEnum):
    """The lifecycle state of a version; a soft delete is a flag beside it."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    DEPRECATED = "DEPRECATED"
    ARCHIVED = "ARCHIVED"


class Setting(enum.StrEnum):
    """The kinds of settings a scope can carry."""

    CONFIG = "config"
    MODE = "mode"


class ChangeKind(enum.StrEnum):
    """The verbs of the change log."""

    SCHEMA_ADDED = "schema.added"
    SCHEMA_REMOVED = "schema.removed"
    VERSION_REGISTERED = "version.registered"
    VERSION_SOFT_DELETED = "version.soft_deleted"
    VERSION_UNDELETED = "version.undeleted"
    VERSION_STATE_CHANGED = "version.state_changed"
    VERSION_REMOVED = "version.removed"
    CONFIG_SET = "config.set"
    CONFIG_REMOVED = "config.removed"
    MODE_SET = "mode.set"
    MODE_REMOVED = "mode.removed"
    CONTEXT_ADDED = "context.added"
    CONTEXT_REMOVED = "context.removed"
    ASSOCIATION_SET = "association.set"
    ASSOCIATION_REMOVED = "association.removed"


class StoredSchema(msgspec.Struct, frozen=True, kw_only=True):
    """A schema's content: immutable once stored, known by its id within its context.

    Attributes:
        context: the context whose id it has.
        schema_id: 1..2^31-1, unique in the context.
        guid: the identity over text, references, metadata and rules; the same everywhere.
        schema_type: `AVRO`, `JSON` or `PROTOBUF`.
        text: the canonical text.
        references: direct references, versions concrete.
        metadata: as stored.
        rule_set: as stored.
        created_at: milliseconds since the epoch.
        blob: the object that holds the text, which is then empty here. Only the tables know of objects: whoever
            reads through `BlobStore` finds the text.
    """

    context: str
    schema_id: int
    guid: str
    schema_type: str
    text: str
    references: tuple[Reference, ...] = ()
    metadata: Metadata | None = None
    rule_set: RuleSet | None = None
    created_at: int = 0
    blob: str | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a subject: the current fact.

    Attributes:
        subject: whose version it is.
        version: 1..2^31-1.
        schema_id: its content, in the subject's context.
        state: lifecycle state.
        deleted: whether it is soft-deleted.
        registered_at: milliseconds since the epoch.
    """

    subject: Subject
    version: int
    schema_id: int
    state: State = State.ACTIVE
    deleted: bool = False
    registered_at: int = 0


class AssociationStrength(enum.StrEnum):
    """How an association ends: a strong one owns its subject, a weak one uses a subject that is there anyway."""

    STRONG = "STRONG"
    WEAK = "WEAK"


class Association(msgspec.Struct, frozen=True, kw_only=True):
    """Which subject holds the schemas of a resource outside the registry: the current fact.

    There is one for each resource and type. The texts must be such that every store can hold them as they are.

    Attributes:
        resource_id: the resource's own id.
        resource_type: what it is, `topic`.
        association_type: which of its schemas, `key` or `value`.
        resource_name: its name.
        resource_namespace: where it has that name.
        subject: the subject.
        guid: of the association.
        lifecycle: see `AssociationStrength`.
        frozen: whether it can only be deleted together with its subject.
        created_at: milliseconds since the epoch; 0 stands for the time of the write.
        updated_at: likewise.
    """

    resource_id: str
    resource_type: str
    association_type: str
    resource_name: str
    resource_namespace: str
    subject: Subject
    guid: str
    lifecycle: AssociationStrength
    frozen: bool
    created_at: int = 0
    updated_at: int = 0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the change log.

    Attributes:
        revision: the transaction it belongs to: no gaps, total order.
        ordinal: its place within the transaction, from 0.
        at: milliseconds since the epoch.
        kind: what happened.
        subject: the subject, context (empty name) or global scope it happened to.
        version: the version, where one is concerned.
        schema_id: the schema, where one is concerned.
        actor: who did it; empty when nobody is known.
        detail: the new value as JSON text, where the kind has one (a config, a mode, a state,
            a schema's GUID, an association).
    """

    revision: int
    ordinal: int
    at: int
    kind: ChangeKind
    subject: Subject
    version: int | None = None
    schema_id: int | None = None
    actor: str = ""
    detail: str | None = None


class WritePreconditions(NamedTuple):
    """How things stand for a decision that was made before the head row was taken.

    Attributes:
        touched: the highest revision whose changes concern one of its scopes; 0 if none ever did.
        schema_id: the id that its content has in its context already; `None` if it has none.
    """

    touched: int
    schema_id: int | None


class Deleted(enum.Enum):
    """Which versions or subjects a list shows with regard to soft deletion."""

    EXCLUDED = "excluded"
    INCLUDED = "included"
    ONLY = "only"
