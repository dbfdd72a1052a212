"""Outlines of schemas, and diffs between two of them."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from llm_schema_registry.contracts import Subject
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats import OutlineField
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError
from llm_schema_registry.registry.config import resolve_alias
from llm_schema_registry.registry.diff import compare, outline
from llm_schema_registry.registry.identifiers import LATEST, check_name, parse_version
from llm_schema_registry.registry.reads import VersionWithSchema, get_schema, get_version
from llm_schema_registry.server.http.errors import HttpError
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.operations import NAME_ERRORS, Call, NoBody, Operations, Surface
from llm_schema_registry.store.records import StoredSchema

operations = Operations("Description", Surface.NATIVE)
_VERSION_ERRORS = (
    *NAME_ERRORS,
    ErrorCode.SUBJECT_NOT_FOUND,
    ErrorCode.VERSION_NOT_FOUND,
    ErrorCode.INVALID_VERSION,
    ErrorCode.STORED_SCHEMA_UNREADABLE,
)


class OutlineResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The field tree of a schema, depth first."""

    id: int
    subject: str | None = None
    version: int | None = None
    schema_type: str
    fields: Sequence[OutlineField]


class DiffQuery(Query, frozen=True, kw_only=True):
    """Which versions are compared."""

    left: Annotated[str, Meta(description="The old one: `subject/version`, or a subject for its latest.")] = ""
    right: Annotated[str, Meta(description="The new one: `subject/version`, or a subject for its latest.")] = ""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two versions."""

    subject: str
    version: int
    id: int
    schema_type: str


class DiffResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What would follow from taking the right one for the next version of the left one.

    Attributes:
        left: the old one.
        right: the new one.
        compatible: by level.
        findings: what breaks.
    """

    left: Side
    right: Side
    compatible: dict[str, bool]
    findings: Sequence[Finding]


@operations.get("/api/v1/schemas/{id}/outline", ErrorCode.SCHEMA_ID_NOT_FOUND, ErrorCode.STORED_SCHEMA_UNREADABLE)
async def outline_of_schema(call: Call[Query, NoBody]) -> OutlineResponse:
    """The field tree of an id's schema."""
    found = await get_schema(call.registry, call.integer("id"))
    return await _outline(call.registry, found.content)


@operations.get("/api/v1/subjects/{subject}/versions/{version}/outline", *_VERSION_ERRORS)
async def outline_of_version(call: Call[Query, NoBody]) -> OutlineResponse:
    """The field tree of a version's schema."""
    number = call.version()
    found = await get_version(call.registry, await call.subject(), number)
    answer = await _outline(call.registry, found.content)
    return msgspec.structs.replace(answer, subject=str(found.version.subject), version=found.version.version)


@operations.get("/api/v1/diff", *_VERSION_ERRORS)
async def diff(call: Call[DiffQuery, NoBody]) -> DiffResponse:
    """What breaks between two versions, of one subject or of two."""
    if not call.query.left or not call.query.right:
        raise HttpError(422, "Two versions are compared: give left and right, each as subject/version.")
    old = await _named(call.registry, call.query.left)
    new = await _named(call.registry, call.query.right)
    compared = await compare(call.registry, old, new)
    return DiffResponse(
        left=_side(old),
        right=_side(new),
        compatible={
            "BACKWARD": compared.backward,
            "FORWARD": compared.forward,
            "FULL": compared.backward and compared.forward,
        },
        findings=compared.findings,
    )


async def _named(registry: Registry, text: str) -> VersionWithSchema:
    """The version that `subject/version` names; subjects may have slashes of their own."""
    subject, _, version = text.rpartition("/")
    try:
        number = parse_version(version)
    except RegistryError:
        subject, number = text, LATEST
    return await get_version(registry, await resolve_alias(registry.store, check_name(Subject.parse(subject))), number)


async def _outline(registry: Registry, content: StoredSchema) -> OutlineResponse:
    return OutlineResponse(
        id=content.schema_id, schema_type=content.schema_type, fields=await outline(registry, content)
    )


def _side(found: VersionWithSchema) -> Side:
    return Side(
        subject=str(found.version.subject),
        version=found.version.version,
        id=found.content.schema_id,
        schema_type=found.content.schema_type,
    )
