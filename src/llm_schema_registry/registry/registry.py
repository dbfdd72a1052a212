"""The registry: a store, what is remembered of it, and the settings of the service."""

import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

import msgspec

from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.core.budget import DEFAULT_STEPS, MAX_SCHEMA_BYTES, BudgetExceededError
from llm_schema_registry.registry.errors import over_budget
from llm_schema_registry.registry.schemas import DEFAULT_COMPILED_BYTES, Schemas
from llm_schema_registry.store.api import Store
from llm_schema_registry.store.dependencies import mark_uncacheable

INLINE_STEPS = 4_000
"""Steps that may be spent on the event loop: a few milliseconds; a schema of 20 fields needs some hundred."""

DEFAULT_ID_GAP = 100_000_000

_Result = TypeVar("_Result")
UseCase = Callable[..., Coroutine[Any, Any, _Result]]


class Offload(Protocol):
    """A place beside the event loop where use cases that only read can run."""

    async def run(self, use_case: UseCase[_Result], *arguments: object, **options: object) -> _Result:
        """Runs `use_case(registry, *arguments, **options)` there."""
        ...


class RegistryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How this registry decides where a request and the stored settings leave it open.

    Attributes:
        compatibility: the level when no scope sets one.
        strict_config: a subject's config without a level means the default level instead of the inherited one,
            as the Confluent registry has it.
        context_fallback: unqualified reads that find nothing look into every other context, as the Confluent
            registry does; off, since contexts are tenants.
        repeated_types: Avro texts define types again that are nested in references, as the Confluent registry has it;
            off, since most clients refuse to read that.
        mode_mutability: whether modes may be changed.
        permanent_delete: whether permanent deletes are allowed.
        schema_search_limit: the largest and default page of schema lists.
        max_schema_bytes: the largest definition: text, references, metadata and rule set together, in bytes of
            UTF-8. A config may be as large.
        max_id_gap: how far beyond the highest id that its context ever gave the id of an imported schema may be.
        max_steps: how many steps one parse or one check may take, wherever it is done.
    """

    compatibility: CompatibilityLevel = CompatibilityLevel.BACKWARD
    strict_config: bool = False
    context_fallback: bool = False
    repeated_types: bool = False
    mode_mutability: bool = True
    permanent_delete: bool = True
    schema_search_limit: int = 1000
    max_schema_bytes: int = MAX_SCHEMA_BYTES
    max_id_gap: int = DEFAULT_ID_GAP
    max_steps: int = DEFAULT_STEPS


class Registry:
    """What every use case works on. Holds no state of its own besides what can be read again.

    Args:
        store: where everything is remembered.
        rules: how to decide what requests and settings leave open.
        clock: the time in milliseconds since the epoch.
        steps: how many steps one parse or one check may take here.
        elsewhere: where work that needs more is done; without it such work is refused.
        is_alone: whether no other process sees the store, so that `elsewhere` can do nothing that reads it.
        compiled_bytes: bound on the bytes of compiled validators together.
        seen: tells what `seen` answers, for less than the store would.
    """

    def __init__(
        self,
        store: Store,
        rules: RegistryOptions | None = None,
        *,
        clock: Callable[[], int] | None = None,
        steps: int = INLINE_STEPS,
        elsewhere: Offload | None = None,
        is_alone: bool = False,
        compiled_bytes: int = DEFAULT_COMPILED_BYTES,
        seen: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self.store = store
        self.rules = rules or RegistryOptions()
        self.clock = clock or (lambda: time.time_ns() // 1_000_000)
        self.schemas = Schemas(store, steps, self.rules.max_steps, compiled_bytes=compiled_bytes)
        self._elsewhere = elsewhere
        self._is_alone = is_alone
        self._seen = seen

    async def observed_revision(self) -> int:
        """A revision that no later read of the store is older than; raises `StoreUnavailableError`."""
        return await (self._seen or self.store.revision)()

    async def run_within_budget(self, use_case: UseCase[_Result], *arguments: object, **options: object) -> _Result:
        """Runs `use_case(self, *arguments, **options)`, which must only read, here or elsewhere.

        Raises:
            RegistryError: what the use case raises; BUDGET_EXCEEDED when there is nowhere to do the work.
        """
        return await self._run(use_case, arguments, options, on_leaving=mark_uncacheable)

    async def read_then_run_within_budget(
        self, use_case: UseCase[_Result], *arguments: object, **options: object
    ) -> _Result:
        """As `bounded`, for a use case that reads all it needs before it begins to work.

        The attempt here notes the facts of the answer, so that the answer may be cached wherever it is made.
        """
        return await self._run(use_case, arguments, options, on_leaving=lambda: None)

    async def _run(
        self,
        use_case: UseCase[_Result],
        arguments: tuple[object, ...],
        options: dict[str, object],
        *,
        on_leaving: Callable[[], None],
    ) -> _Result:
        try:
            return await use_case(self, *arguments, **options)
        except BudgetExceededError as error:
            if self._elsewhere is None or self._is_alone:
                raise over_budget(error, self.rules.max_steps) from error
        on_leaving()
        return await self._elsewhere.run(use_case, *arguments, **options)

    async def apart(self, use_case: UseCase[_Result], *arguments: object) -> _Result:
        """Runs `use_case(registry, *arguments)`, which reads nothing, elsewhere if there is such a place.

        Raises:
            RegistryError: BUDGET_EXCEEDED when it was given up, OVERLOADED when it was not begun.
        """
        if self._elsewhere is None:
            return await use_case(self, *arguments)
        return await self._elsewhere.run(use_case, *arguments)
