"""Heavy work leaves the event loop: what exceeds a small budget is done in a process beside it.

A thread would not do: it shares the interpreter lock, and one long parse would move the latency of every read.
The process reads the same store by itself and answers with values, so nothing large crosses between the two but
the request and the decision.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar, cast

from llm_schema_registry.budget import DEFAULT_STEPS
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.registry import Registry, Rules
from llm_schema_registry.store.blobs import BlobPlace
from llm_schema_registry.store.opening import open_store
from llm_schema_registry.store.store import StoreUnavailableError

_Result = TypeVar("_Result")
_NO_PLACE = BlobPlace()
_NICENESS = 10
_SPAWN = multiprocessing.get_context("spawn")


class HeavyWork:
    """One process for use cases that only read. It starts when it is first needed, and does one at a time.

    Args:
        store: the URL of the store, which the process opens by itself; a store in memory cannot be shared.
        rules: of the registry.
        keys: for the values of sensitive metadata.
        blobs: where large definitions are kept.
        seconds: after how long a piece of work is given up, and the process with it.
    """

    def __init__(
        self,
        store: str,
        rules: Rules,
        *,
        keys: Sequence[bytes] = (),
        blobs: BlobPlace = _NO_PLACE,
        seconds: float = 20.0,
    ) -> None:
        self._place = (store, tuple(keys), blobs)
        self._rules = rules
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heavy-work")
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    async def run(
        self, use_case: Callable[..., Coroutine[Any, Any, _Result]], *arguments: object, **options: object
    ) -> _Result:
        """Runs `use_case(registry, *arguments, **options)` in the process.

        Raises:
            RegistryError: what the use case raises; BUDGET_EXCEEDED when the work was given up.
            StoreUnavailableError: the process cannot open the store.
        """
        async with self._turn:
            if self._process is not None and not self._process.is_alive():
                # Whatever ended it, it was not the work that is asked for now.
                self._stop()
            is_new = self._connection is None
            connection = self._connection or self._start()
            asking = asyncio.get_running_loop().run_in_executor(
                self._thread, _ask, connection, is_new, (use_case, arguments, options)
            )
            try:
                outcome = await asyncio.wait_for(asking, self._seconds)
            except TimeoutError:
                self._stop()
                raise _given_up(f"it took more than {self._seconds:g} seconds") from None
            except (EOFError, OSError):
                self._stop()
                raise _given_up("it needs more than one process can hold") from None
            except BaseException:
                # The answer to what nobody waits for any more would be taken for the next one's.
                self._stop()
                raise
        if isinstance(outcome, Exception):
            raise outcome
        return cast(_Result, outcome)

    def close(self) -> None:
        """Ends the process, and with it work in progress. Idempotent."""
        self._stop()
        self._thread.shutdown(wait=False)

    def _start(self) -> Connection:
        ours, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, self._place, self._rules), daemon=True)
        self._process.start()
        theirs.close()
        self._connection = ours
        return ours

    def _stop(self) -> None:
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if process is not None:
            process.kill()
            process.join()
        if connection is not None:
            connection.close()


def _ask(connection: Connection, is_new: bool, question: object) -> object:
    if is_new:
        _wait_for_start(connection)
    connection.send(question)
    return connection.recv()


def _wait_for_start(connection: Connection) -> None:
    try:
        failure: StoreUnavailableError | None = connection.recv()
    except EOFError:
        raise StoreUnavailableError("The store is not available to the process for heavy work: it ended.") from None
    if failure is not None:
        raise failure


def _given_up(why: str) -> RegistryError:
    message = f"The work on this schema was given up: {why}. Split the schema, or simplify it."
    return RegistryError(ErrorCode.BUDGET_EXCEEDED, message=message)


def _serve(connection: Connection, place: tuple[str, Sequence[bytes], BlobPlace], rules: Rules) -> None:
    """The life of the process."""
    # On a busy machine, what is answered at once goes before what takes long anyway.
    os.nice(_NICENESS)
    # Who interrupts a terminal means the server, which still answers what it has begun.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError):
        asyncio.run(_answer(connection, place, rules))


async def _answer(connection: Connection, place: tuple[str, Sequence[bytes], BlobPlace], rules: Rules) -> None:
    """Opens the store, and answers until the other side is gone.

    The event loop goes on while nothing is asked: the store may be waiting for what it needs to answer again.
    """
    try:
        store = await open_store(*place)
    except StoreUnavailableError as error:
        connection.send(error)
        return
    connection.send(None)
    registry = Registry(store, rules, steps=DEFAULT_STEPS)
    while True:
        use_case, arguments, options = await asyncio.to_thread(connection.recv)
        try:
            outcome = await registry.bounded(use_case, *arguments, **options)
        except Exception as error:
            outcome = error
        connection.send(outcome)
