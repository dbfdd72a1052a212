"""The load: a process of its own that keeps a number of connections busy with prebuilt requests.

Each connection sends one request, reads the whole answer and sends the next. Of an answer only the status and
Content-Length are read, so that the load costs less than what it measures.
"""

import array
import asyncio
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, cast

import uvloop

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Job:
    """One slice of load.

    Attributes:
        port: where the server listens on the loopback interface.
        requests: complete requests, head and body.
        connections: how many are kept busy.
        seconds: for how long, unless the requests run out.
        once: send each request at most once; the slice ends early when they run out.
    """

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    once: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice of load saw.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: nanoseconds of each answered request.
        refused: how many answers were not 2xx.
        first_refusal: the first of these, head and body; empty if there is none.
        processor: processor seconds that the load itself took.
    """

    seconds: float
    latencies: "array.array[int]"
    refused: int
    first_refusal: bytes
    processor: float


class LoadError(Exception):
    """The server closed a connection or answered what this client cannot read; no figure can be trusted."""


class _Run:
    """The state that the connections of a slice share."""

    def __init__(self, job: Job) -> None:
        self.requests: Iterator[bytes] = iter(job.requests) if job.once else _cycle(job.requests)
        self.latencies = array.array("Q")
        self.refused = 0
        self.first_refusal = b""
        self.deadline = time.perf_counter_ns() + int(job.seconds * 1e9)
        self.open = job.connections
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def one_is_idle(self) -> None:
        self.open -= 1
        if self.open == 0 and not self.done.done():
            self.done.set_result(None)

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(why))


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._awaited = 0
        self._began = 0
        self._busy = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter_ns()
        if self._buffer:
            data = self._buffer + data
        if not self._awaited:
            end = data.find(_HEAD_END)
            if end < 0:
                self._buffer = data
                return
            head = data[:end].lower()
            start = head.find(_LENGTH)
            if start < 0:
                self._run.fail("An answer has no Content-Length")
                return
            stop = head.find(b"\r", start)
            length = int(head[start + len(_LENGTH) : stop if stop > 0 else None])
            self._awaited = end + len(_HEAD_END) + length
        if len(data) < self._awaited:
            self._buffer = data
            return
        run = self._run
        run.latencies.append(now - self._began)
        if data[9:10] != b"2":
            run.refused += 1
            run.first_refusal = run.first_refusal or data
        self._buffer = b""
        self._awaited = 0
        if now < run.deadline:
            self._send()
        else:
            self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._busy:
            self._run.fail(f"The server closed a connection ({exc})")

    def _send(self) -> None:
        request = next(self._run.requests, None)
        if request is None:
            self._rest()
            return
        self._began = time.perf_counter_ns()
        self._transport.write(request)

    def _rest(self) -> None:
        self._busy = False
        self._run.one_is_idle()
        self._transport.close()


class Load:
    """The load process; a context manager.

    Args:
        core: the core it is pinned to.
    """

    def __init__(self, core: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve_jobs, args=(theirs, core), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ours.send(None)
        self._process.join(10)

    def run(self, job: Job) -> Slice:
        """Runs one slice; raises `LoadError` when the server does not keep up the conversation."""
        self._ours.send(job)
        answer: Slice | str = self._ours.recv()
        if isinstance(answer, str):
            raise LoadError(answer)
        return answer


def _cycle(requests: Sequence[bytes]) -> Iterator[bytes]:
    while True:
        yield from requests


def _serve_jobs(pipe: Connection, core: int) -> None:
    os.sched_setaffinity(0, {core})
    while (job := pipe.recv()) is not None:
        try:
            pipe.send(uvloop.run(_run(job)))
        except (LoadError, OSError) as error:
            pipe.send(str(error))


async def _run(job: Job) -> Slice:
    loop = asyncio.get_running_loop()
    run = _Run(job)
    began, worked = time.perf_counter(), time.process_time()
    await asyncio.gather(
        *(loop.create_connection(lambda: _Connection(run), "127.0.0.1", job.port) for _ in range(job.connections))
    )
    await run.done
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    return Slice(seconds, run.latencies, run.refused, run.first_refusal, processor)
