"""The two ways to put load on a server: to keep connections busy, and to send at fixed times."""

import abc
import array
import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence

from benchmarks.histogram import Histogram
from benchmarks.load.conversation import Conversation
from benchmarks.load.jobs import Job, LoadError, Outcome
from benchmarks.load.schedule import Alarm, Schedule

# For how long after the end of a slice answers are awaited before they count as lost.
_PATIENCE_SECONDS = 20.0
_LEAD_NANOSECONDS = 5_000_000
_SHOWN = 1_000


class Run(abc.ABC):
    """What the connections of a slice share."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._requests: Iterator[bytes] = iter(job.requests) if job.once else _cycle(job.requests)
        self._latencies = array.array("q")
        self._lateness = array.array("q")
        self._waited = 0
        self._refused = 0
        self._first_refusal = b""
        self._lost = 0
        self._conversations: list[Conversation] = []
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def outcome(self) -> Outcome:
        """Runs the slice.

        Raises:
            LoadError: no connection can be opened.
        """
        loop = asyncio.get_running_loop()
        job = self._job
        try:
            for _ in range(job.connections):
                await loop.create_connection(lambda: Conversation(self), *job.address)
        except OSError as error:
            raise LoadError(f"No connection to {job.address[0]}:{job.address[1]}: {error}") from error
        began, worked = time.perf_counter(), time.process_time()
        giving_up = loop.call_later(job.seconds + _PATIENCE_SECONDS, self._give_up)
        self._begin()
        await self._done
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
        giving_up.cancel()
        for conversation in self._conversations:
            conversation.close()
        return Outcome(
            seconds=seconds,
            latencies=Histogram.of(self._latencies),
            lateness=Histogram.of(self._lateness),
            waited=self._waited,
            refused=self._refused,
            first_refusal=self._first_refusal[:_SHOWN].decode(errors="replace"),
            lost=self._lost,
            processor=processor,
        )

    def connected(self, conversation: Conversation) -> None:
        """See `Listener`."""
        self._conversations.append(conversation)

    def answered(self, conversation: Conversation, now: int, refusal: bytes) -> None:
        """See `Listener`."""
        self._latencies.append(now - conversation.due)
        if refusal:
            self._refused += 1
            self._first_refusal = self._first_refusal or refusal
        self._go_on(conversation, now)

    def lost(self, conversation: Conversation, why: str) -> None:
        """See `Listener`. A server that breaks a connection breaks the slice: it ends."""
        if not self._done.done():
            self._lost += 1
            self._first_refusal = self._first_refusal or why.encode()
            self._end()

    def _give_up(self) -> None:
        self._lost += sum(conversation.busy for conversation in self._conversations)
        self._end()

    def _end(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    @abc.abstractmethod
    def _begin(self) -> None:
        """All connections are open."""

    @abc.abstractmethod
    def _go_on(self, conversation: Conversation, now: int) -> None:
        """A connection is free again."""


class ClosedRun(Run):
    """Every connection sends its next request when the last one is answered."""

    def _begin(self) -> None:
        self._deadline = time.perf_counter_ns() + int(self._job.seconds * 1e9)
        self._busy = len(self._conversations)
        for conversation in self._conversations:
            self._go_on(conversation, 0)

    def _go_on(self, conversation: Conversation, now: int) -> None:
        if now < self._deadline:
            request = next(self._requests, None)
            if request is not None:
                conversation.send(request, time.perf_counter_ns())
                return
        self._busy -= 1
        if not self._busy:
            self._end()


class OpenRun(Run):
    """Requests leave at fixed times. One whose time comes while every connection is busy waits, and the wait counts."""

    def _begin(self) -> None:
        self._free = list(self._conversations)
        self._queue: deque[int] = deque()
        # The clock that Python counts nanoseconds with is the monotonic one.
        start = time.perf_counter_ns() + _LEAD_NANOSECONDS
        self._schedule = Schedule(start, self._job.rate, self._job.seconds)
        self._alarm = Alarm(start, self._schedule.interval)
        asyncio.get_running_loop().add_reader(self._alarm.descriptor, self._tick)

    def _tick(self) -> None:
        self._alarm.acknowledge()
        now = time.perf_counter_ns()
        for due in self._schedule.due(now):
            self._lateness.append(now - due)
            if self._free:
                self._free.pop().send(next(self._requests), due)
            else:
                self._waited += 1
                self._queue.append(due)
        if self._schedule.over:
            self._silence()

    def _go_on(self, conversation: Conversation, now: int) -> None:
        if self._queue:
            conversation.send(next(self._requests), self._queue.popleft())
            return
        self._free.append(conversation)
        if self._schedule.over and len(self._free) == len(self._conversations):
            self._end()

    def _end(self) -> None:
        self._silence()
        self._lost += len(self._queue)
        super()._end()

    def _silence(self) -> None:
        if self._alarm.descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._alarm.descriptor)
            self._alarm.close()


def run_of(job: Job) -> Run:
    """The way of a job."""
    return OpenRun(job) if job.rate else ClosedRun(job)


def _cycle(requests: Sequence[bytes]) -> Iterator[bytes]:
    while True:
        yield from requests
