"""Tagging: a new version of a schema that differs in its inline tags, metadata or rules."""

from llm_schema_registry.registry import ErrorCode
from llm_schema_registry.registry.reads import get_version, render
from llm_schema_registry.registry.registration import register
from llm_schema_registry.registry.tags import TagRequest, tagged_version
from llm_schema_registry.server.http.confluent.versions import VERSION_ERRORS, RegisterResponse, registered_answer
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.operations import Call, Operations

operations = Operations("Versions")


@operations.add(
    "POST",
    "/subjects/{subject}/versions/{version}/tags",
    *VERSION_ERRORS,
    ErrorCode.INCOMPATIBLE_SCHEMA,
    ErrorCode.INVALID_SCHEMA,
    ErrorCode.INVALID_RULE_SET,
    ErrorCode.SCHEMA_TOO_LARGE,
    ErrorCode.OPERATION_NOT_PERMITTED,
    writes=True,
)
async def tag_version(call: Call[Query, TagRequest]) -> RegisterResponse:
    """Registers a version's schema again with other inline tags, metadata or rules."""
    number = call.version()
    found = await get_version(call.registry, await call.subject(), number)
    request = tagged_version(found.content, call.body)
    registered = await register(call.registry, found.version.subject, request)
    call.metrics.registration("created" if registered.created else "existing")
    return registered_answer(registered, await render(call.registry, registered.content))
