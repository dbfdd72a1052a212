"""Circuit breakers: after repeated failures, calls to the store fail at once until a probe succeeds."""

import asyncio
import inspect
import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import structlog

from llm_schema_registry.store import Cause, OutcomeUnknownError, Store, Transaction
from llm_schema_registry.store.api import Reads, StoreUnavailableError
from llm_schema_registry.store.blobs import BlobsUnavailableError
from llm_schema_registry.store.records import Change, StoredSchema

_FAILURES = 3
_PROBE_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_log = structlog.get_logger()


class CircuitBreaker:
    """The way to one thing that a server does; closed as long as it answers.

    After three failures in a row it is open: whoever would go it is refused at once. A probe is made at once and then
    again and again, at least every two seconds; the first that succeeds closes the circuit. So a request never waits
    for what is known to fail, and requests that fail by themselves cannot shut out others.

    Args:
        name: what it leads to, for the log.
        probe: tries it; raises `StoreUnavailableError` when it fails.
        server: what kind of server it is, for the log.
    """

    def __init__(self, name: str, probe: Callable[[], Awaitable[object]], server: str = "store") -> None:
        self._name = name
        self._server = server
        self._probe = probe
        self._failures = 0
        self._failure: StoreUnavailableError | None = None
        self._probing: asyncio.Task[None] | None = None

    @property
    def failure(self) -> StoreUnavailableError | None:
        """The failure that opened the circuit, or that of the last probe; `None` while it is closed."""
        return self._failure if self.is_open else None

    @property
    def is_open(self) -> bool:
        """Whether nobody may go this way."""
        return self._probing is not None

    def check(self) -> None:
        """Raises `StoreUnavailableError` while the circuit is open."""
        if self._probing is None:
            return
        failure = self._failure
        if failure is None or not failure.reason:
            raise StoreUnavailableError(reason="it failed, and is being tried from time to time")
        raise StoreUnavailableError(cause=failure.cause, reason=failure.reason, code=failure.code)

    def succeeded(self) -> None:
        """Notes that it answered."""
        self._failures = 0

    def failed(self, failure: StoreUnavailableError | None = None, *, for_long: bool = False) -> None:
        """Counts a failure. One is enough if it was a long silence, or if its cause lasts.

        Failures for want of a connection do not count: those who have one are served.
        """
        lasts = failure is not None and failure.cause.lasts
        if failure is not None:
            if not failure.cause.is_of_the_store:
                return
            self._failure = failure
        self._failures += 1
        if self._probing is None and (for_long or lasts or self._failures >= _FAILURES):
            self._probing = asyncio.create_task(self._probe_until_it_answers(), name=f"probe-{self._name}")

    async def close(self) -> None:
        """Ends probing. Idempotent."""
        probing, self._probing = self._probing, None
        if probing is not None:
            probing.cancel()
            await asyncio.wait((probing,))

    async def _probe_until_it_answers(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        announced = False
        while not await self._answers():
            if not announced:
                _log.warning(f"{self._server} out of reach", part=self._name)
                announced = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        if announced:
            _log.info(f"{self._server} answers again", part=self._name)
        self._failures = 0
        self._failure = None
        self._probing = None

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._probe()
        except StoreUnavailableError as error:
            self._failure = error
            return False
        except TimeoutError:
            return False
        return True


_LOG_SECONDS = 2.0
_LOG_EVERY_SECONDS = 10.0
_LASTING_SECONDS = 30.0
_READ_SECONDS = 0.02
_Answer = TypeVar("_Answer")


class StoreFile:
    """The file of a store, with its write-ahead log and that log's index.

    After one of them is moved or deleted, a process that has it open would go on to write into a file that is lost,
    and a process that opens the store would read another one.

    Args:
        path: where it was when it was opened.
    """

    def __init__(self, path: Path) -> None:
        self._paths = (str(path), f"{path}-wal", f"{path}-shm")
        self._opened = self._found()
        self._checked_at = monotonic()

    def check(self, *, within: float = 0.0) -> None:
        """Raises `StoreUnavailableError` unless the path still leads to the file that was opened.

        Args:
            within: for how many seconds it is good enough that it did.
        """
        now = monotonic()
        if now - self._checked_at < within:
            return
        found = self._found()
        if found != self._opened:
            self._checked_at = -math.inf
            if all(was in (None, now) for was, now in zip(self._opened, found, strict=True)):
                # The log of a file that was opened for reads alone comes with the first write.
                self._opened = found
                return
            raise StoreUnavailableError(
                cause=Cause.OTHER,
                reason="its file, or the -wal or -shm file next to it, was moved or deleted. Put the same file back, "
                "or stop the server before putting another in its place",
            )
        self._checked_at = now

    def _found(self) -> list[tuple[int, int] | None]:
        return [_identity(path) for path in self._paths]


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class FailureLog:
    """Logs failures of a store, one line per part and cause in ten seconds, with the number of those left out."""

    def __init__(self) -> None:
        self._logged: dict[tuple[str, Cause], tuple[float, int]] = {}

    def add(self, failure: StoreUnavailableError, part: str) -> None:
        """Logs a failure, or counts it for the next line."""
        now = monotonic()
        since, left_out = self._logged.get((part, failure.cause), (-math.inf, 0))
        if now - since < _LOG_EVERY_SECONDS:
            self._logged[part, failure.cause] = (since, left_out + 1)
            return
        self._logged[part, failure.cause] = (now, 0)
        _log.warning(
            "store failure",
            part=part,
            cause=failure.cause.value,
            reason=failure.reason or str(failure),
            code=failure.code,
            detail=failure.detail,
            left_out=left_out,
        )


class CircuitBreakerStore:
    """Fulfils `Store` around another one, with a circuit before each way into it.

    What is not written out here are the reads of `Reads`, all alike.

    Args:
        store: what is read and written.
        file: where it is, if it is a file.
        lost: called whenever the log could not be read, before anybody learns of it.
        failed: called with the cause of each failure.

    Attributes:
        log: the way to the revision and the change log.
        reads: the way to everything else that is read.
        writes: the way to transactions.
        damage: set by the first sign of damaged data; there are no writes from then on, until the process restarts.
    """

    def __init__(
        self,
        store: Store,
        file: StoreFile | None = None,
        lost: Callable[[], None] = lambda: None,
        failed: Callable[[Cause], None] = lambda _cause: None,
    ) -> None:
        self._store = store
        self._file = file
        self._lost = lost
        self._failed = failed
        self._failures = FailureLog()
        self.damage: StoreUnavailableError | None = None
        self._lasting: tuple[float, StoreUnavailableError] | None = None
        self.log = CircuitBreaker("log", self._try_log)
        self.reads = CircuitBreaker("reads", self._try_read)
        self.writes = CircuitBreaker("writes", self._try_write)

    async def revision(self) -> int:
        """See `Reads`."""
        return await self._of_log(self._store.revision)

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """See `Reads`."""
        return await self._of_log(self._store.changes, after, limit)

    async def wait_for_change(self, after: int, timeout: float) -> int:  # noqa: ASYNC109
        """See `Store`; the answer is late by two seconds at most."""
        return await self._of_log(self._store.wait_for_change, after, timeout, seconds=timeout + _LOG_SECONDS)

    async def stage(self, schema: StoredSchema) -> None:
        """See `Store`; it is no write yet, and says nothing about whether one would succeed."""
        self._check_writes()
        await self._store.stage(schema)

    @asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[Transaction]:
        """See `Store`."""
        self._check_writes()
        try:
            self._check_file()
            async with self._store.transaction(actor) as transaction:
                yield transaction
            self._check_written()
        except BlobsUnavailableError:
            # The store itself is well: other writes go on.
            raise
        except StoreUnavailableError as error:
            self.note(error, "writes")
            self.writes.failed(error)
            raise
        self.writes.succeeded()

    async def try_writing(self) -> None:
        """Finds out whether writes succeed; if not, they are tried again until they do."""
        try:
            await self.check_writable()
        except StoreUnavailableError as error:
            self.note(error, "writes")
            self.writes.failed(error)

    async def check_writable(self) -> None:
        """See `Store`."""
        self._check_file()
        await self._store.check_writable()

    @property
    def write_failure(self) -> StoreUnavailableError | None:
        """Why writes fail; `None` while they succeed.

        On a full disk small writes may succeed while large ones fail, so a failure of that kind counts for a while.
        """
        if self._lasting is not None and monotonic() - self._lasting[0] < _LASTING_SECONDS:
            return self._lasting[1]
        return self.writes.failure

    def note(self, failure: StoreUnavailableError, part: str) -> None:
        """Counts and logs a failure of the store; stops all writes if it shows damaged data."""
        self._failed(failure.cause)
        self._failures.add(failure, part)
        if part == "writes" and failure.cause.lasts:
            self._lasting = (monotonic(), failure)
        if failure.cause is Cause.DAMAGED and self.damage is None:
            self.damage = failure
            _log.error("store damaged: no more writes; restore a backup", part=part, code=failure.code)

    @property
    def is_shared(self) -> bool:
        """See `Store`."""
        return self._store.is_shared

    async def close(self) -> None:
        """See `Store`."""
        for circuit in (self.log, self.reads, self.writes):
            await circuit.close()
        await self._store.close()

    async def _of_log(
        self, read: Callable[..., Coroutine[Any, Any, _Answer]], *arguments: Any, seconds: float = _LOG_SECONDS
    ) -> _Answer:
        self.log.check()
        try:
            self._check_file()
            async with asyncio.timeout(seconds):
                answer = await read(*arguments)
        except StoreUnavailableError as error:
            self._lost()
            self.note(error, "log")
            self.log.failed(error)
            raise
        except TimeoutError as error:
            self._lost()
            failure = StoreUnavailableError(reason="it does not answer in time")
            self.note(failure, "log")
            self.log.failed(failure, for_long=True)
            raise failure from error
        self.log.succeeded()
        return answer

    def _check_writes(self) -> None:
        if self.damage is not None:
            raise StoreUnavailableError(cause=self.damage.cause, reason=self.damage.reason, code=self.damage.code)
        self.writes.check()

    def _check_file(self) -> None:
        if self._file is not None:
            self._file.check()

    def _check_written(self) -> None:
        try:
            self._check_file()
        except StoreUnavailableError as error:
            raise OutcomeUnknownError(
                "The file of the store was moved or deleted during a commit: whether the write is stored is not known. "
                "Read it when the store is back."
            ) from error

    async def _try_log(self) -> None:
        self._check_file()
        await self._store.revision()

    async def _try_read(self) -> None:
        self._check_file()
        await self._store.contexts(limit=1)

    async def _try_write(self) -> None:
        await self.check_writable()


def _read(name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def read(store: CircuitBreakerStore, *arguments: Any, **options: Any) -> Any:
        circuit = store.reads
        circuit.check()
        try:
            if store._file is not None:
                store._file.check(within=_READ_SECONDS)
            answer = await getattr(store._store, name)(*arguments, **options)
        except BlobsUnavailableError:
            # So is it here: this definition cannot be read, and all that is in the tables can.
            raise
        except StoreUnavailableError as error:
            store.note(error, "reads")
            circuit.failed(error)
            raise
        circuit.succeeded()
        return answer

    return read


for _name, _declared in vars(Reads).items():
    if inspect.iscoroutinefunction(_declared) and _name not in vars(CircuitBreakerStore):
        setattr(CircuitBreakerStore, _name, _read(_name))
