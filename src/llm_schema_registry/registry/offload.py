"""Heavy work leaves the event loop: use cases beyond a small budget run in sandbox processes.

A thread would not do: it shares the interpreter lock, and one long parse would delay every read. The processes read
the same store by themselves and answer with values, so only the request and the decision cross between them.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

from llm_schema_registry.formats.protobuf.protoc import PROTOC
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.registry import Registry, RegistryOptions
from llm_schema_registry.sandbox import (
    DeadlineExceededError,
    Limits,
    ProcessDiedError,
    QueueFullError,
    SandboxUnavailableError,
)
from llm_schema_registry.sandbox.fair import FairSandbox
from llm_schema_registry.store.api import Store
from llm_schema_registry.store.blobs import BlobSettings
from llm_schema_registry.store.factory import open_store

_Result = TypeVar("_Result")
_Place = tuple[str, Sequence[bytes], BlobSettings]
_NO_PLACE = BlobSettings()
_NICENESS = 10


class ProcessOffload:
    """Sandbox for use cases that only read. Its processes start when they are first needed.

    Args:
        store: the URL of the store, which each process opens by itself; a store in memory cannot be shared.
        rules: of the registry.
        keys: for the values of sensitive metadata.
        blobs: where large definitions are kept.
        limits: of each piece of work.
        processes: how many pieces of work run at once.
        waiting: how many more may wait.
        noted: called with each event; see `FairSandbox`.
    """

    def __init__(
        self,
        store: str,
        rules: RegistryOptions,
        *,
        keys: Sequence[bytes] = (),
        blobs: BlobSettings = _NO_PLACE,
        limits: Limits | None = None,
        processes: int = 1,
        waiting: int = 64,
        noted: Callable[[str], None] = lambda event: None,
    ) -> None:
        self._sandbox = FairSandbox(
            prepare,
            (store, tuple(keys), blobs),
            rules,
            (limits or Limits()).seconds,
            limits=limits,
            processes=processes,
            waiting=waiting,
            noted=noted,
        )

    async def run(
        self,
        use_case: Callable[..., Coroutine[Any, Any, _Result]],
        *arguments: object,
        client: str = "",
        **options: object,
    ) -> _Result:
        """Runs `use_case(registry, *arguments, **options)` in a process.

        Args:
            use_case: a function of a module.
            arguments: picklable.
            client: on whose behalf; clients take turns.
            options: picklable.

        Raises:
            RegistryError: raised by the use case; BUDGET_EXCEEDED when the work was given up, OVERLOADED when it was
                not begun.
            StoreUnavailableError: the process cannot open the store.
        """
        try:
            return cast(_Result, await self._sandbox.run((use_case, arguments, options), client))
        except (DeadlineExceededError, ProcessDiedError) as error:
            message = (
                f"The work was given up: {error}. Simplify or split the schema, or send a smaller payload. "
                f"Or raise {_limit(error)}."
            )
            raise RegistryError(ErrorCode.BUDGET_EXCEEDED, message=message) from None
        except (QueueFullError, SandboxUnavailableError) as error:
            raise RegistryError(ErrorCode.OVERLOADED, message=str(error)) from None

    def load(self) -> tuple[int, int]:
        """How many pieces of work run, and how many wait."""
        return self._sandbox.running, self._sandbox.queued

    def close(self) -> None:
        """Ends the processes, and with them work in progress. Idempotent."""
        self._sandbox.close()


def _limit(error: DeadlineExceededError | ProcessDiedError) -> str:
    """The setting of the limit that was exceeded."""
    return "LSR_SANDBOX_SECONDS" if isinstance(error, DeadlineExceededError) else "LSR_SANDBOX_MEMORY_MB"


def prepare(place: _Place, rules: RegistryOptions, seconds: float) -> Callable[[], Callable[[Any], object]]:
    """The program of the sandbox: jobs are use cases with their arguments, each with a deadline of `seconds`."""

    def start() -> Callable[[Any], object]:
        # The deadline of the job bounds the compilation too.
        PROTOC.seconds = max(PROTOC.seconds, seconds)
        # On a busy machine, quick answers go before those that take long anyway.
        os.nice(_NICENESS)
        # The loop turns while there is no job, too: the connections of a store may need it.
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        store: Store = asyncio.run_coroutine_threadsafe(open_store(*place), loop).result()
        registry = Registry(store, rules, steps=rules.max_steps)

        def answer(job: Any) -> object:
            use_case, arguments, options = job
            working = registry.run_within_budget(use_case, *arguments, **options)
            return asyncio.run_coroutine_threadsafe(working, loop).result()

        return answer

    return start
