"""Dependencies: the facts that a response was made from, and the facts that a change touches.

A cache that remembers an answer needs to know when it stops being true. Nothing declares that by hand: the reads
that made the answer note their facts as they happen, and every record of the change log names the facts it touches.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

import msgspec

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.records import Change, ChangeKind

Fact = tuple[object, ...]

ALL_VERSIONS: Final[Fact] = ("versions",)
ALL_CONTEXTS: Final[Fact] = ("contexts",)
ALL_SETTINGS: Final[Fact] = ("settings",)
ALL_SCHEMAS: Final[Fact] = ("schemas",)
ALL_ASSOCIATIONS: Final[Fact] = ("associations",)

_noted: ContextVar["Dependencies | None"] = ContextVar("facts", default=None)

_OF_SCHEMAS = frozenset({ChangeKind.SCHEMA_ADDED, ChangeKind.SCHEMA_REMOVED})
_OF_SETTINGS = frozenset(
    {ChangeKind.CONFIG_SET, ChangeKind.CONFIG_REMOVED, ChangeKind.MODE_SET, ChangeKind.MODE_REMOVED}
)
_OF_CONTEXTS = frozenset({ChangeKind.CONTEXT_ADDED, ChangeKind.CONTEXT_REMOVED})
_OF_ASSOCIATIONS = frozenset({ChangeKind.ASSOCIATION_SET, ChangeKind.ASSOCIATION_REMOVED})


class Dependencies:
    """The facts noted so far.

    Attributes:
        noted: each of them.
        complete: whether they are all there is; not so once something was written, or read in a way that
            leaves no trace here.
        revision: of the last commit that was made on the way; 0 if there was none.
    """

    __slots__ = ("complete", "noted", "revision")

    def __init__(self) -> None:
        self.noted: set[Fact] = set()
        self.complete = True
        self.revision = 0


@contextmanager
def track() -> Iterator[Dependencies]:
    """Notes the facts that are read within the block, by this task and those it starts."""
    facts = Dependencies()
    token = _noted.set(facts)
    try:
        yield facts
    finally:
        _noted.reset(token)


def note(fact: Fact) -> None:
    """Notes one fact, if anybody wants to know."""
    facts = _noted.get()
    if facts is not None:
        facts.noted.add(fact)


def mark_uncacheable() -> None:
    """Notes that an answer is made from more than what can be noted."""
    facts = _noted.get()
    if facts is not None:
        facts.complete = False


def note_commit(revision: int) -> None:
    """Notes that something was written, and as which revision."""
    facts = _noted.get()
    if facts is not None:
        facts.complete = False
        facts.revision = revision


def of_subject(subject: Subject) -> Fact:
    """The versions of a subject."""
    return ("subject", *subject)


def of_schema(context: str, schema_id: int) -> Fact:
    """The content of an id, and which versions hold it."""
    return ("schema", context, schema_id)


def of_guid(guid: str) -> Fact:
    """The contents with a GUID, in every context."""
    return ("guid", guid)


def of_setting(scope: Subject) -> Fact:
    """The settings of exactly this scope."""
    return ("setting", *scope)


def _whatever(fact: Fact) -> Callable[..., Fact]:
    return lambda *_arguments, **_options: fact


READ_FROM: Final[Mapping[str, Callable[..., Fact]]] = MappingProxyType(
    {
        "schema": of_schema,
        "schemas_by_guid": of_guid,
        "schemas_in_blobs": _whatever(ALL_SCHEMAS),
        "large_schemas": _whatever(ALL_SCHEMAS),
        "max_schema_id": _whatever(ALL_SCHEMAS),
        "count_versions": _whatever(ALL_VERSIONS),
        "version": lambda subject, version: of_subject(subject),
        "versions": of_subject,
        "latest": of_subject,
        "versions_of_schema": of_schema,
        "referrers": _whatever(ALL_VERSIONS),
        "subjects": _whatever(ALL_VERSIONS),
        "list_versions": _whatever(ALL_VERSIONS),
        "contexts": _whatever(ALL_CONTEXTS),
        "setting": lambda scope, kind: of_setting(scope),
        "scopes_with_setting": _whatever(ALL_SETTINGS),
        "associations_of_subject": _whatever(ALL_ASSOCIATIONS),
        "associations_of_resource": _whatever(ALL_ASSOCIATIONS),
        "associations_of_name": _whatever(ALL_ASSOCIATIONS),
        "associations": _whatever(ALL_ASSOCIATIONS),
    }
)
"""By the name of a read of `Reads`, the fact that its answer is made from, as a function of its arguments.

Not there: `revision`, which is a time and no fact, `changes` and `touched`, which every write changes.
"""


def touched_by(change: Change) -> tuple[Fact, ...]:
    """The facts that a change makes different."""
    context = change.subject.context
    if change.kind in _OF_SETTINGS:
        return of_setting(change.subject), ALL_SETTINGS
    if change.kind in _OF_CONTEXTS:
        return (ALL_CONTEXTS,)
    if change.kind in _OF_ASSOCIATIONS:
        return (ALL_ASSOCIATIONS,)
    if change.kind in _OF_SCHEMAS:
        guid = msgspec.json.decode(change.detail or '""', type=str)
        return of_schema(context, change.schema_id or 0), of_guid(guid), ALL_SCHEMAS
    return of_subject(change.subject), of_schema(context, change.schema_id or 0), ALL_VERSIONS
