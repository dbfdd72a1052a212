"""Redis client with tight timeouts; treats every failure as a miss.

All who ask at the same time ask together, in one round trip and over one connection. So what a silent server costs is
one short wait; while its answer is overdue, and then until it answers again, it is not asked.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import structlog

from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.layers.circuit_breaker import CircuitBreaker
from llm_schema_registry.store.layers.redis_cache.url import RedisUrl

# How long a connection waits for an abandoned response before it is replaced.
_GIVE_UP_SECONDS = 1.0
_CLOSE_SECONDS = 1.0
_MOST_ASKED: Final = 64
_MOST_WRITTEN: Final = 64
_MOST_BYTES: Final = 4 * 1024 * 1024
_PROBED = b"lsr:probe"
_log = structlog.get_logger()


class CacheWrite(NamedTuple):
    """What is to be kept.

    Attributes:
        key: under which.
        entry: the bytes.
        seconds: for how long at most.
    """

    key: bytes
    entry: bytes
    seconds: int


class RedisCache:
    """One Redis or Valkey server or cluster.

    Args:
        address: where it is.
        seconds: how long whoever asks waits for an answer.
        count: told of each request that failed (`error`), of each key that was not answered in time (`late`), and of
            entries that were `kept`, `refused` or `dropped`.
    """

    def __init__(self, address: RedisUrl, seconds: float, count: Callable[[str, int], None]) -> None:
        self._seconds = seconds
        self._count = count
        self._is_cluster = address.is_cluster
        self._client = _client(address)
        self._asked: dict[bytes, list[asyncio.Future[bytes | None]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._asking_since = 0.0
        self._failing: str | None = None
        self._circuit = CircuitBreaker("entries", self._probe, "shared cache")
        # Nobody waits for the first connection either.
        self._circuit.failed(for_long=True)

    @property
    def answers(self) -> bool:
        """True if the server has answered recently and no response is overdue."""
        return not self._circuit.is_open and not self._is_overdue()

    async def get(self, key: bytes) -> bytes | None:
        """The entry of a key; `None` if there is none, or none was answered in time."""
        if not self.answers:
            return None
        waiting = asyncio.get_running_loop().create_future()
        self._asked.setdefault(key, []).append(waiting)
        if self._asking is None:
            self._asking_since = self._now()
            self._asking = asyncio.create_task(self._ask_until_all_are_answered())
        try:
            async with asyncio.timeout(self._seconds):
                found: bytes | None = await waiting
        except TimeoutError:
            self._count("late", 1)
            return None
        return found

    async def put(self, entries: Sequence[CacheWrite]) -> None:
        """Keeps entries, as far as the server takes them."""
        rest = list(entries)
        while rest and not self._circuit.is_open:
            size = number = 0
            for entry in islice(rest, _MOST_WRITTEN):
                size += len(entry.entry)
                if number and size > _MOST_BYTES:
                    break
                number += 1
            await self._put_at_once(rest[:number])
            del rest[:number]
        self._count("dropped", len(rest))

    async def close(self) -> None:
        """Lets go of the connections; waits for nobody for long. Idempotent."""
        await self._circuit.close()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait((self._asking,))
        # What cannot be closed in order is closed when it is forgotten.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._client.aclose()

    def _is_overdue(self) -> bool:
        return self._asking is not None and self._now() - self._asking_since > self._seconds

    async def _ask_until_all_are_answered(self) -> None:
        try:
            while self._asked:
                asked = {key: self._asked.pop(key) for key in list(islice(self._asked, _MOST_ASKED))}
                found = await self._ask(list(asked))
                for waiting, entry in zip(asked.values(), found, strict=True):
                    for each in waiting:
                        if not each.done():
                            each.set_result(entry)
        finally:
            self._asking = None

    async def _ask(self, keys: list[bytes]) -> Sequence[bytes | None]:
        """The entries of keys; nothing for all of them if the server fails."""
        self._asking_since = self._now()
        try:
            found = await self._fetched(keys)
        except _RequestFailedError as failure:
            self._count("error", 1)
            self._circuit.failed(for_long=failure.was_silence)
            return [None] * len(keys)
        if self._is_overdue():
            self._circuit.failed()
        else:
            self._circuit.succeeded()
        return found

    async def _fetched(self, keys: list[bytes]) -> list[bytes | None]:
        ask = self._client.mget_nonatomic if self._is_cluster else self._client.mget
        found = await self._answer_to(ask(keys))
        if not isinstance(found, list) or len(found) != len(keys):
            raise self._failure(TypeError("no list of entries"))
        return [entry if isinstance(entry, bytes) else None for entry in found]

    async def _put_at_once(self, entries: Sequence[CacheWrite]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for entry in entries:
            pipeline.set(entry.key, entry.entry, ex=entry.seconds)
        try:
            answers = await self._answer_to(pipeline.execute(raise_on_error=False))
        except _RequestFailedError as failure:
            self._count("error", 1)
            self._circuit.failed(for_long=failure.was_silence)
            return
        # A full server refuses what it is given, and goes on to answer what it has.
        kept = sum(answer is True for answer in answers)
        self._count("kept", kept)
        self._count("refused", len(entries) - kept)

    async def _probe(self) -> None:
        try:
            # The first answer may take as long as it takes to connect.
            await self._fetched([_PROBED])
            began = self._now()
            await self._fetched([_PROBED])
        except _RequestFailedError as failure:
            raise StoreUnavailableError("The shared cache is not available.") from failure
        if self._now() - began > self._seconds:
            raise StoreUnavailableError("The shared cache is too slow.")

    async def _answer_to(self, request: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                answer = await request
        except Exception as error:
            # A server can answer anything, and the client raises whatever comes of it.
            raise self._failure(error) from error
        self._failing = None
        return answer

    def _failure(self, error: Exception) -> "_RequestFailedError":
        # Their texts may repeat parts of the URL.
        name = type(error).__name__
        if name != self._failing:
            _log.warning("shared cache fails", reason=name)
            self._failing = name
        return _RequestFailedError(isinstance(error, TimeoutError))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class _RequestFailedError(Exception):
    """A request to the server failed; `was_silence` tells whether it did not answer at all."""

    def __init__(self, was_silence: bool) -> None:
        self.was_silence = was_silence


def _client(address: RedisUrl) -> Any:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    kind: Any = RedisCluster if address.is_cluster else Redis
    return kind.from_url(
        address.url,
        # Whoever asks decides how long to wait, and whether to ask again.
        retry=Retry(NoBackoff(), 0),
        socket_timeout=None,
        socket_connect_timeout=_GIVE_UP_SECONDS,
        protocol=2,
    )
