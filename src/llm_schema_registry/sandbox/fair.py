"""The asynchronous face of a sandbox, for servers: a bounded queue that is fair between clients."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from llm_schema_registry.sandbox.errors import QueueFullError
from llm_schema_registry.sandbox.limits import Limits
from llm_schema_registry.sandbox.process import Cancellation, Place, Zygote

_FULL = "too many jobs are waiting for a worker process"


class FairSandbox:
    """Pool of bounded processes behind a queue. Clients take turns, and one client never holds all processes while
    there are several. A job whose caller is cancelled is dropped, and killed if it runs.

    Args:
        program: an importable function that prepares jobs; see `zygote.Program`.
        arguments: of the program, picklable.
        limits: of each job.
        processes: how many jobs run at once.
        waiting: how many more jobs may wait.
        noted: called with each event: `start`, `deadline`, `death`, `cancel`, `recycle`, `refused`.
    """

    def __init__(
        self,
        program: Callable[..., Any],
        *arguments: Any,
        limits: Limits | None = None,
        processes: int = 1,
        waiting: int = 64,
        noted: Callable[[str], None] = lambda event: None,
    ) -> None:
        self.limits = limits or Limits()
        self._noted = noted
        self._zygote = Zygote(program, arguments, self.limits.memory)
        self._places = [Place(self._zygote, self.limits, noted) for _ in range(processes)]
        self._free = list(self._places)
        self._share = max(1, processes - 1)
        self._waiting = waiting
        self._threads = ThreadPoolExecutor(max_workers=processes, thread_name_prefix="sandbox")
        self._running: Counter[str] = Counter()
        # By client, in the order of their turns.
        self._queues: OrderedDict[str, deque[asyncio.Future[Place]]] = OrderedDict()

    @property
    def queued(self) -> int:
        """How many jobs wait."""
        return sum(map(len, self._queues.values()))

    @property
    def running(self) -> int:
        """How many jobs run."""
        return len(self._places) - len(self._free)

    async def run(self, job: object, client: str = "", seconds: float | None = None) -> Any:
        """Runs a job, as `Place.ask` does, when it is the client's turn.

        Raises:
            QueueFullError: too many jobs wait, most of them of this client.
        """
        place = await self._place_for(client)
        cancellation = Cancellation()
        asking = asyncio.get_running_loop().run_in_executor(self._threads, place.ask, job, seconds, cancellation)
        asking.add_done_callback(lambda _: self._release(client, place))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(_retrieve)
            place.cancel(cancellation)
            raise

    def close(self) -> None:
        """Ends all processes, and with them running jobs. Idempotent."""
        for place in self._places:
            place.cancel()
        self._threads.shutdown(wait=True)
        for place in self._places:
            place.stop()
        self._zygote.close()

    async def _place_for(self, client: str) -> Place:
        if self._free and not self._queues and self._running[client] < self._share:
            self._running[client] += 1
            return self._free.pop()
        if self.queued >= self._waiting:
            self._make_room(client)
        granted: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, deque()).append(granted)
        self._dispatch()
        try:
            return await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self._release(client, granted.result())
            else:
                self._drop(client, granted)
            raise

    def _make_room(self, client: str) -> None:
        """Refuses the youngest job of the client with the most, which may be the one that is about to be queued."""
        largest = max(self._queues, key=lambda each: len(self._queues[each]))
        self._noted("refused")
        if len(self._queues[largest]) <= len(self._queues.get(client, ())) + 1:
            raise QueueFullError(_FULL)
        refused = self._queues[largest].pop()
        if not refused.done():
            refused.set_exception(QueueFullError(_FULL))

    def _drop(self, client: str, granted: "asyncio.Future[Place]") -> None:
        waiting = self._queues.get(client)
        if waiting is not None and granted in waiting:
            waiting.remove(granted)
            if not waiting:
                del self._queues[client]

    def _release(self, client: str, place: Place) -> None:
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
        self._free.append(place)
        self._dispatch()

    def _dispatch(self) -> None:
        """Gives free processes to the clients whose turn it is."""
        for client in list(self._queues):
            if not self._free:
                return
            if self._running[client] >= self._share:
                continue
            waiting = self._queues.pop(client)
            granted = waiting.popleft()
            if waiting:
                # It has had its turn: it goes to the end.
                self._queues[client] = waiting
            if granted.done():
                continue
            self._running[client] += 1
            granted.set_result(self._free.pop())


def _retrieve(asking: "asyncio.Future[Any]") -> None:
    """Takes the outcome of a cancelled job, which nobody else does."""
    if not asking.cancelled():
        asking.exception()
