"""The registry: a store, what is remembered of it, and the settings of the service."""

import time
from collections.abc import Callable

import msgspec

from llm_schema_registry.evolution import CompatibilityLevel
from llm_schema_registry.registry.schemas import Schemas
from llm_schema_registry.store.store import Store


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How this registry decides where a request and the stored settings leave it open.

    Attributes:
        compatibility: the level when no scope sets one.
        strict_config: a subject's config without a level means the default level instead of the inherited one,
            as the Confluent registry has it.
        context_fallback: unqualified reads that find nothing look into every other context, as the Confluent
            registry does; off, since contexts are tenants.
        mode_mutability: whether modes may be changed.
        permanent_delete: whether permanent deletes are allowed.
        schema_search_limit: the largest and default page of schema lists.
    """

    compatibility: CompatibilityLevel = CompatibilityLevel.BACKWARD
    strict_config: bool = False
    context_fallback: bool = False
    mode_mutability: bool = True
    permanent_delete: bool = True
    schema_search_limit: int = 1000


class Registry:
    """What every use case works on. Holds no state of its own besides what can be read again.

    Args:
        store: where everything is remembered.
        rules: how to decide what requests and settings leave open.
        clock: the time in milliseconds since the epoch.
    """

    def __init__(self, store: Store, rules: Rules | None = None, clock: Callable[[], int] | None = None) -> None:
        self.store = store
        self.rules = rules or Rules()
        self.clock = clock or (lambda: time.time_ns() // 1_000_000)
        self.schemas = Schemas(store)
