"""Associations of resources with subjects: this registry has none, and clients fall back to topic names."""

from typing import Annotated, Any

from msgspec import Meta

from llm_schema_registry.server.rest.operations import Call, NoBody, Operations
from llm_schema_registry.server.rest.queries import Page

operations = Operations("Associations")


class AssociationsQuery(Page, frozen=True, kw_only=True):
    """Which associations are listed."""

    resource_type: Annotated[str, Meta(description="The type of the resource.")] = "topic"
    association_type: Annotated[tuple[str, ...], Meta(description="`key` or `value`.")] = ()
    lifecycle: Annotated[str, Meta(description="`STRONG` or `WEAK`.")] = ""


@operations.get("/associations/subjects/{subject}")
async def list_associations_of_subject(call: Call[AssociationsQuery, NoBody]) -> list[dict[str, Any]]:
    """The associations of a subject; none."""
    return []


@operations.get("/associations/resources/{namespace}/{name}")
async def list_associations_of_name(call: Call[AssociationsQuery, NoBody]) -> list[dict[str, Any]]:
    """The associations of a resource by its name; none."""
    return []


@operations.get("/associations/resources/{resource}")
async def list_associations_of_resource(call: Call[AssociationsQuery, NoBody]) -> list[dict[str, Any]]:
    """The associations of a resource by its id; none."""
    return []
