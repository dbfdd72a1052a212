"""Config of the registry, of contexts and of subjects."""

from typing import Annotated

import msgspec
from msgspec import Meta

from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.contracts import DEFAULT_SCOPE, Subject
from llm_schema_registry.registry import ErrorCode
from llm_schema_registry.registry.config import Config, ConfigUpdate, delete_config, get_config, put_config
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.operations import NAME_ERRORS, Call, NoBody, Operations

operations = Operations("Config")
_PUT_ERRORS = (
    ErrorCode.INVALID_LEVEL,
    ErrorCode.INVALID_RULE_SET,
    ErrorCode.OPERATION_NOT_PERMITTED,
    ErrorCode.INVALID_ALIAS,
    ErrorCode.CONFIG_TOO_LARGE,
)


class ScopeQuery(Query, frozen=True, kw_only=True):
    """Whose setting is told."""

    default_to_global: Annotated[bool, Meta(description="Where the scope has none: the one that applies to it.")] = (
        False
    )


class UpdatedConfig(Config, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A config as the answer to a change shows it: its level is called `compatibility`."""

    compatibility_level: CompatibilityLevel | None = msgspec.field(default=None, name="compatibility")


@operations.get("/config")
async def read_global_config(call: Call[ScopeQuery, NoBody]) -> Config:
    """The config of the registry."""
    return await _read(call, DEFAULT_SCOPE)


@operations.get("/config/{subject}", ErrorCode.SUBJECT_LEVEL_NOT_SET)
async def read_config(call: Call[ScopeQuery, NoBody]) -> Config:
    """The config of a subject, or with `:.ctx:` of a context."""
    return await _read(call, call.scope())


@operations.add("PUT", "/config", *_PUT_ERRORS, *NAME_ERRORS, writes=True)
async def update_global_config(call: Call[Query, ConfigUpdate]) -> UpdatedConfig:
    """Changes the config of the registry: absent keys are kept, null clears."""
    return await _update(call, DEFAULT_SCOPE)


@operations.add("PUT", "/config/{subject}", *_PUT_ERRORS, writes=True)
async def update_config(call: Call[Query, ConfigUpdate]) -> UpdatedConfig:
    """Changes the config of a subject or a context: absent keys are kept, null clears."""
    return await _update(call, call.scope())


@operations.add("DELETE", "/config", ErrorCode.OPERATION_NOT_PERMITTED, writes=True)
async def remove_global_config(call: Call[Query, NoBody]) -> Config:
    """Takes the config of the registry back to the server's defaults; answers what it was."""
    return await delete_config(call.registry, DEFAULT_SCOPE)


@operations.add(
    "DELETE",
    "/config/{subject}",
    ErrorCode.SUBJECT_NOT_FOUND,
    ErrorCode.OPERATION_NOT_PERMITTED,
    writes=True,
)
async def remove_config(call: Call[Query, NoBody]) -> Config:
    """Removes the config of a subject or a context; answers what it was."""
    return await delete_config(call.registry, call.scope())


async def _read(call: Call[ScopeQuery, NoBody], scope: Subject) -> Config:
    return await get_config(call.registry, scope, default_to_global=call.query.default_to_global)


async def _update(call: Call[Query, ConfigUpdate], scope: Subject) -> UpdatedConfig:
    config = await put_config(call.registry, scope, call.body)
    return UpdatedConfig(**{name: getattr(config, name) for name in config.__struct_fields__})
