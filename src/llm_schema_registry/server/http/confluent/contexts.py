"""Contexts: namespaces of subjects, ids and settings."""

from typing import Annotated

from msgspec import Meta

from llm_schema_registry.registry import ErrorCode
from llm_schema_registry.registry.deletion import delete_context
from llm_schema_registry.registry.identifiers import check_length
from llm_schema_registry.server.http.context_prefix import context_name
from llm_schema_registry.server.http.query_params import Page, Query
from llm_schema_registry.server.operations import Call, NoBody, Operations

operations = Operations("Contexts")


class ListQuery(Page, frozen=True, kw_only=True):
    """Which contexts are listed."""

    context_prefix: Annotated[str, Meta(description="What the name starts with.")] = ""


@operations.get("/contexts")
async def list_contexts(call: Call[ListQuery, NoBody]) -> list[str]:
    """The contexts in order, the default one (`.`) first."""
    query = call.query
    prefix = query.context_prefix.strip(":")
    return await call.registry.store.contexts(prefix=prefix, offset=query.start, limit=query.size())


@operations.add(
    "DELETE", "/contexts/{context}", ErrorCode.CONTEXT_NOT_EMPTY, ErrorCode.NAME_TOO_LONG, writes=True, status=204
)
async def remove_context(call: Call[Query, NoBody]) -> None:
    """Takes an empty context off the list."""
    context = check_length(context_name(call.segment("context")), "context")
    await delete_context(call.registry, context)
