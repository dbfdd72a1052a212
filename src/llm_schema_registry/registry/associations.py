"""Associations of resources with subjects: requests, validation and queries."""

import enum
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import msgspec

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import check_length, check_subject
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import Association, AssociationStrength

TOPIC = "topic"
ANY = "-"
_TYPES = ("key", "value")
_DEFAULT_TYPE = "value"
# As in the Confluent registry, and the dots that names of topics have.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")


class AssociationEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One association in a request.

    Attributes:
        subject: which subject; absent: `:.{namespace}:{name}-{type}`, the resource's own.
        association_type: `key` or `value`; absent: `value`.
        lifecycle: absent: strong with a schema, else weak.
        frozen: as the lifecycle has it: true if strong.
        schema: to be registered under the subject; makes a strong association.
        normalize: whether the schema is registered in normal form.
    """

    subject: str | None = None
    association_type: str | None = None
    lifecycle: AssociationStrength | None = None
    frozen: bool | None = None
    schema: SchemaRequest | None = None
    normalize: bool | None = None


class Operation(enum.StrEnum):
    """What a batch does with an association."""

    CREATE = "CREATE"
    UPSERT = "UPSERT"
    DELETE = "DELETE"


class AssociationOperation(AssociationEntry, frozen=True, kw_only=True, rename="camel"):
    """One association in a batch.

    Attributes:
        op_type: what to do.
        cascade_lifecycle: delete a strong one together with its subject.
    """

    op_type: Operation
    cascade_lifecycle: bool = False


class ResourceRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A resource in a request.

    Attributes:
        resource_name: its name.
        resource_namespace: where it has that name, e.g. the id of a cluster.
        resource_id: its own id, which outlives its name.
        resource_type: `topic`.
    """

    resource_name: str | None = None
    resource_namespace: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None


class AssociationRequest(ResourceRequest, frozen=True, kw_only=True, rename="camel"):
    """A resource and the associations it shall have."""

    associations: list[AssociationEntry] = []


class AssociationBatch(ResourceRequest, frozen=True, kw_only=True, rename="camel"):
    """A resource and what is to be done with its associations, in order."""

    associations: list[AssociationOperation] = []


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource whose names have been checked."""

    id: str
    type: str
    name: str
    namespace: str

    def own_subject(self, association_type: str) -> Subject:
        """The subject that belongs to it alone; raises INVALID_SUBJECT when its names make none."""
        return check_subject(Subject(f".{self.namespace}", f"{self.name}-{association_type}"))


@dataclass(frozen=True, slots=True)
class AssociationFilter:
    """Which associations are asked for.

    Attributes:
        resource_type: of the resource; empty: any.
        types: of the association; none: any.
        lifecycle: of the association; `None`: any.
    """

    resource_type: str = ""
    types: Sequence[str] = ()
    lifecycle: AssociationStrength | None = None

    def among(self, associations: Iterable[Association]) -> list[Association]:
        """Those that are asked for."""
        return [
            each
            for each in associations
            if self.resource_type in ("", each.resource_type)
            and (not self.types or each.association_type in self.types)
            and self.lifecycle in (None, each.lifecycle)
        ]


async def of_name(reads: Reads, namespace: str, name: str) -> list[Association]:
    """The associations of resources by their name; `ANY` stands for every namespace, or every name.

    Raises:
        RegistryError: NAME_TOO_LONG.
    """
    check_length(namespace, "namespace of a resource")
    check_length(name, "resource")
    found = await (reads.associations() if name == ANY else reads.associations_of_name(name))
    return found if namespace == ANY else [each for each in found if each.resource_namespace == namespace]


async def of_id(reads: Reads, resource_id: str) -> list[Association]:
    """The associations of the resource with an id; raises NAME_TOO_LONG."""
    return await reads.associations_of_resource(check_length(resource_id, "resource"))


def checked_resource(request: ResourceRequest, *, needs_id: bool) -> Resource:
    """The resource of a request.

    Raises:
        RegistryError: INVALID_ASSOCIATION for names that are missing or cannot be names; NAME_TOO_LONG for an id.
    """
    name = _named("resourceName", request.resource_name)
    namespace = _named("resourceNamespace", request.resource_namespace)
    resource_id = _identified(request.resource_id) if needs_id or request.resource_id else ""
    resource_type = request.resource_type or TOPIC
    if resource_type != TOPIC:
        refuse("resourceType", f"must be '{TOPIC}'")
    return Resource(resource_id, resource_type, name, namespace)


def checked_types(entries: Sequence[AssociationEntry]) -> list[str]:
    """The association type of each entry; raises INVALID_ASSOCIATION for none, unknown and repeated ones."""
    if not entries:
        refuse("associations", "must not be empty")
    types = [entry.association_type or _DEFAULT_TYPE for entry in entries]
    for each in types:
        if each not in _TYPES:
            refuse("associationType", f"must be one of {', '.join(_TYPES)} for a {TOPIC}")
    if len(set(types)) < len(types):
        refuse("associationType", "must not be repeated within a request")
    return types


def lifecycle_named(text: str) -> AssociationStrength | None:
    """The lifecycle of a name in any case, `None` for an empty one; raises INVALID_ASSOCIATION for others."""
    try:
        return AssociationStrength(text.upper()) if text else None
    except ValueError:
        refuse("lifecycle", f"must be one of {', '.join(AssociationStrength)}")


def refuse(name: str, detail: str) -> NoReturn:
    """Raises INVALID_ASSOCIATION for a property."""
    raise RegistryError(ErrorCode.INVALID_ASSOCIATION, property=name, detail=detail)


def _named(name: str, text: str | None) -> str:
    if not text:
        refuse(name, "must not be null or empty")
    if not _NAME.fullmatch(text):
        refuse(name, "must have at most 256 characters: letters and digits of ASCII, '_', '-' and '.'")
    return text


def _identified(text: str | None) -> str:
    if not text:
        refuse("resourceId", "must not be null or empty")
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        refuse("resourceId", "must have no control characters")
    return check_length(text, "resource")
