"""The settings of every scope at once: what an export or a review of a registry reads."""

import msgspec

from llm_schema_registry.registry.config import Config
from llm_schema_registry.registry.modes import Mode
from llm_schema_registry.registry.scopes import settings_of_all_scopes
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.operations import Call, NoBody, Operations, Surface

operations = Operations("Settings of scopes", Surface.NATIVE)


class ScopeResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is set at exactly one scope.

    Attributes:
        scope: a subject as it is written in paths; `:.ctx:` is a context, empty the default one, `:.__GLOBAL:` the
            level above all.
        config: its config, if it has one of its own.
        mode: its mode, if it has one of its own.
    """

    scope: str
    config: Config | None = None
    mode: Mode | None = None


class ScopesResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Every scope that has a setting of its own."""

    scopes: list[ScopeResponse]


@operations.get("/api/v1/scopes")
async def list_scopes(call: Call[Query, NoBody]) -> ScopesResponse:
    """Every subject, context and level that has a config or a mode of its own; nothing inherited, no defaults."""
    found = await settings_of_all_scopes(call.registry)
    return ScopesResponse(
        scopes=[ScopeResponse(scope=str(each.scope), config=each.config, mode=each.mode) for each in found]
    )
