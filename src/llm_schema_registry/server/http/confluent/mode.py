"""Modes of the registry, of contexts and of subjects."""

from typing import Annotated

import msgspec
from msgspec import Meta

from llm_schema_registry.contracts import DEFAULT_SCOPE, Subject
from llm_schema_registry.registry import ErrorCode
from llm_schema_registry.registry.modes import Mode, delete_mode, get_mode, put_mode
from llm_schema_registry.server.http.confluent.config import ScopeQuery
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.operations import Call, NoBody, Operations

operations = Operations("Mode")
_PUT_ERRORS = (
    ErrorCode.INVALID_MODE,
    ErrorCode.FORWARD_MODE_NOT_GLOBAL,
    ErrorCode.OPERATION_NOT_PERMITTED,
    ErrorCode.REFERENCE_EXISTS,
)


class UpdateQuery(Query, frozen=True, kw_only=True):
    """How a mode is set."""

    force: Annotated[bool, Meta(description="Set IMPORT although there are subjects in the scope.")] = False


class DeleteQuery(Query, frozen=True, kw_only=True):
    """How a mode is removed."""

    recursive: Annotated[bool, Meta(description="From every subject of the context too.")] = False


class ModeUpdate(msgspec.Struct, frozen=True):
    """The mode to set; null clears it."""

    mode: str | None


class ModeResponse(msgspec.Struct, frozen=True):
    """A mode."""

    mode: Mode | None


class RemovedMode(msgspec.Struct, frozen=True, omit_defaults=True):
    """The mode that was set, if one was."""

    mode: Mode | None = None


@operations.get("/mode")
async def read_global_mode(call: Call[ScopeQuery, NoBody]) -> ModeResponse:
    """The mode of the registry."""
    return await _read(call, DEFAULT_SCOPE)


@operations.get("/mode/{subject}", ErrorCode.SUBJECT_MODE_NOT_SET)
async def read_mode(call: Call[ScopeQuery, NoBody]) -> ModeResponse:
    """The mode of a subject, or with `:.ctx:` of a context."""
    return await _read(call, call.scope())


@operations.add("PUT", "/mode", *_PUT_ERRORS, writes=True)
async def update_global_mode(call: Call[UpdateQuery, ModeUpdate]) -> ModeResponse:
    """Sets the mode of the registry."""
    return await _update(call, DEFAULT_SCOPE)


@operations.add("PUT", "/mode/{subject}", *_PUT_ERRORS, writes=True)
async def update_mode(call: Call[UpdateQuery, ModeUpdate]) -> ModeResponse:
    """Sets the mode of a subject or a context."""
    return await _update(call, call.scope())


@operations.add("DELETE", "/mode", ErrorCode.OPERATION_NOT_PERMITTED, writes=True)
async def remove_global_mode(call: Call[DeleteQuery, NoBody]) -> RemovedMode:
    """Takes the registry back to READWRITE; answers what the mode was."""
    return RemovedMode(await delete_mode(call.registry, DEFAULT_SCOPE, recursive=call.query.recursive))


@operations.add(
    "DELETE",
    "/mode/{subject}",
    ErrorCode.SUBJECT_NOT_FOUND,
    ErrorCode.OPERATION_NOT_PERMITTED,
    writes=True,
)
async def remove_mode(call: Call[DeleteQuery, NoBody]) -> RemovedMode:
    """Removes the mode of a subject or a context; answers what it was."""
    return RemovedMode(await delete_mode(call.registry, call.scope(), recursive=call.query.recursive))


async def _read(call: Call[ScopeQuery, NoBody], scope: Subject) -> ModeResponse:
    return ModeResponse(await get_mode(call.registry, scope, default_to_global=call.query.default_to_global))


async def _update(call: Call[UpdateQuery, ModeUpdate], scope: Subject) -> ModeResponse:
    return ModeResponse(await put_mode(call.registry, scope, call.body.mode, force=call.query.force))
