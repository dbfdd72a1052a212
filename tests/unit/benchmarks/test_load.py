"""The load against servers of a few lines: what it counts, and when it says that figures mean nothing."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import cast

from benchmarks.load import Job, Outcome
from benchmarks.load.runs import run_of
from benchmarks.requests import get

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"

Answers = Callable[[int], bytes]


class Serving(asyncio.Protocol):
    """Answers one request after the other; no answer at all is the end of the connection."""

    def __init__(self, answer: Answers, stall: tuple[int, float], numbers: Iterator[int]) -> None:
        self._answer = answer
        self._stall = stall
        self._numbers = numbers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        number = next(self._numbers)
        stalls_at, seconds = self._stall
        if number == stalls_at:
            time.sleep(seconds)
        text = self._answer(number)
        if not text:
            self._transport.close()
        # In two pieces, as large answers come.
        self._transport.write(text[:25])
        asyncio.get_running_loop().call_soon(self._transport.write, text[25:])


@asynccontextmanager
async def server(answer: Answers, stall: tuple[int, float] = (-1, 0.0)) -> AsyncIterator[tuple[str, int]]:
    """A server that answers requests by their number, and stops for some seconds at one of them."""
    numbers = itertools.count()
    listening = await asyncio.get_running_loop().create_server(lambda: Serving(answer, stall, numbers), "127.0.0.1", 0)
    async with listening:
        yield ("127.0.0.1", listening.sockets[0].getsockname()[1])


async def outcome(address: tuple[str, int], **options: object) -> Outcome:
    given: dict[str, object] = {"requests": [get("/")], "connections": 3, "seconds": 0.1}
    return await run_of(Job(address, **(given | options))).outcome()  # type: ignore[arg-type]


async def test_connections_are_kept_busy() -> None:
    async with server(lambda number: IN_CHUNKS if number % 2 else GOOD) as address:
        done = await outcome(address)
    assert done.latencies.count > 10
    assert (done.refused, done.lost, done.waited, done.lateness.count) == (0, 0, 0, 0)


async def test_requests_that_are_sent_once_run_out() -> None:
    async with server(lambda _: GOOD) as address:
        done = await outcome(address, requests=[get("/")] * 7, seconds=10.0, once=True)
    assert done.latencies.count == 7
    assert done.seconds < 5


async def test_refusals_are_counted_and_told() -> None:
    async with server(lambda number: BAD if number == 2 else GOOD) as address:
        done = await outcome(address, requests=[get("/")] * 7, once=True)
    assert (done.refused, done.latencies.count) == (1, 7)
    assert done.first_refusal.startswith("HTTP/1.1 503")
    assert done.first_refusal.endswith("busy")


async def test_a_connection_that_breaks_is_a_loss() -> None:
    async with server(lambda number: b"" if number == 2 else GOOD) as address:
        done = await outcome(address)
    assert done.lost == 1
    assert done.first_refusal


async def test_an_answer_that_cannot_be_read_is_a_loss() -> None:
    async with server(lambda _: b"HTTP/1.1 200 OK\r\nServer: none\r\n\r\nok") as address:
        done = await outcome(address)
    assert done.lost > 0


async def test_at_a_fixed_rate_requests_leave_whatever_is_answered() -> None:
    async with server(lambda _: GOOD, stall=(10, 0.2)) as address:
        done = await outcome(address, connections=200, seconds=0.4, rate=500.0)
    assert done.latencies.count == 200
    assert done.lateness.count == 200
    # The load shares a thread with the server here, and was late by the stall: that is part of the latency.
    assert done.latencies.percentile(0.7) >= 50
    assert done.lateness.percentile(0.7) >= 50


async def test_latency_counts_from_the_time_at_which_a_request_was_meant_to_leave() -> None:
    # Here the stall of the server is one of the load, too: what left late was late by just that.
    async with server(lambda _: GOOD, stall=(10, 0.3)) as address:
        done = await outcome(address, connections=4, seconds=0.4, rate=500.0)
    assert done.latencies.count == 200
    assert done.latencies.percentile(1.0) >= 295
    # Half of the requests were meant to leave during the stall or soon after, and a quarter waits for half of it.
    assert done.latencies.percentile(0.7) >= 75
    assert done.waited > 50
