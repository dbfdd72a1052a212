"""The settings of every scope, for exports."""

import asyncio
from dataclasses import dataclass

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry.config import Config, own_config
from llm_schema_registry.registry.modes import Mode, own_mode
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.records import Setting


@dataclass(frozen=True, slots=True)
class ScopeSettings:
    """What is set at exactly one scope.

    Attributes:
        scope: a subject, a context, or the level above all contexts.
        config: its own config.
        mode: its own mode.
    """

    scope: Subject
    config: Config | None
    mode: Mode | None


async def settings_of_all_scopes(registry: Registry) -> list[ScopeSettings]:
    """Every scope that has a config or a mode of its own, in order of context and name.

    A subject need not have versions, nor a context schemas, so that no list of those would do.
    """
    store = registry.store
    contexts: dict[str, None] = dict.fromkeys(await store.contexts())
    after = 0
    while changes := await store.changes(after):
        contexts |= dict.fromkeys(change.subject.context for change in changes)
        after = changes[-1].revision
        # The log may be long, and reads of SQLite do not wait: others get their turn between two pages.
        await asyncio.sleep(0)
    scopes = {
        scope for context in contexts for kind in Setting for scope in await store.scopes_with_setting(context, kind)
    }
    return [
        ScopeSettings(scope, await own_config(store, scope), await own_mode(store, scope)) for scope in sorted(scopes)
    ]
