"""Servers on loopback that are no good as a shared cache, and what tests of it have in common."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from llm_schema_registry.store.layers.redis_cache import RedisCache, RedisUrl
from llm_schema_registry.store.layers.redis_cache.redis import CacheWrite

PATIENT, HASTY = 5.0, 0.05


class Counts(Counter[str]):
    """What was counted, without what never happened."""

    def count(self, outcome: str, number: int) -> None:
        if number:
            self[outcome] += number


@asynccontextmanager
async def connected(url: str, counts: Counts | None = None, seconds: float = PATIENT) -> AsyncIterator[RedisCache]:
    """A way to the server of a URL."""
    server = RedisCache(RedisUrl.parse(url), seconds, (Counts() if counts is None else counts).count)
    try:
        yield server
    finally:
        await server.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Waits until something is so."""
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0.002)
    raise TimeoutError


async def remembering(server: RedisCache, key: bytes = b"key", entry: bytes = b"entry") -> None:
    """Waits until a server answers, and puts an entry there."""
    await until(lambda: server.answers)
    await server.put([CacheWrite(key, entry, 60)])
    assert await server.get(key) == entry


@asynccontextmanager
async def answering(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """The URL of a server that treats each connection in the same way."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def slowly(port: int, delays: list[float]) -> AsyncIterator[str]:
    """The URL of a server behind a way on which every answer takes as long as the one element of `delays` says."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target, to_target = await asyncio.open_connection("127.0.0.1", port)

        async def answers() -> None:
            while data := await target.read(1 << 16):
                await asyncio.sleep(delays[0])
                writer.write(data)

        back = asyncio.create_task(answers())
        try:
            while data := await reader.read(1 << 16):
                to_target.write(data)
        finally:
            back.cancel()
            to_target.close()

    async with answering(pass_on) as url:
        yield url
