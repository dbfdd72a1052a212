"""Circuits: what has failed several times in a row is not asked again by requests until it answers a probe."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from llm_schema_registry.store.store import StoreUnavailableError

_FAILURES = 3
_PROBE_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_log = structlog.get_logger()


class Circuit:
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
