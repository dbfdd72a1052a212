"""Takes slices of several servers in alternation, so that what else a machine does meets all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.histogram import Histogram
from benchmarks.load import Job, Load, LoadError
from benchmarks.measuring import FRAMEWORK, REGISTRY, Slice
from benchmarks.requests import get
from benchmarks.serving import Running, Server

ROUNDS = 2
_WARM_UP_SECONDS = 0.2
_WHOLE_ROUND_SECONDS = 30.0
_NOTHING = Histogram()

Requests = Callable[[], Sequence[bytes]]
"""Makes the requests of a slice."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server with what it is asked.

    Attributes:
        name: how results call it.
        server: the server.
        requests: what it is asked.
        once: whether a request may be sent only once.
        store: the database behind it, if its processor time is to be known.
    """

    name: str
    server: Server
    requests: Requests
    once: bool = False
    store: Running = field(default_factory=lambda: Running(None))


@dataclass(frozen=True, slots=True)
class Pace:
    """How a slice is sent; see `Job`.

    Attributes:
        connections: how many are open.
        seconds: how long all slices of one server take together.
        rate: requests per second at fixed times; 0 keeps the connections busy.
    """

    connections: int
    seconds: float
    rate: float = 0.0


class Alternation:
    """Takes slices.

    Args:
        load: the load process.
    """

    def __init__(self, load: Load) -> None:
        self._load = load

    def slices(self, contestants: Sequence[Contestant], pace: Pace, *, warm: bool = True) -> list[Slice]:
        """The slices of all contestants: each is warmed up, then takes its turn in each round."""
        if warm:
            for contestant in contestants:
                self._warm_up(contestant, pace.connections)
        return [
            self.slice(contestant, Pace(pace.connections, pace.seconds / ROUNDS, pace.rate))
            for _ in range(ROUNDS)
            for contestant in contestants
        ]

    def slice(self, contestant: Contestant, pace: Pace) -> Slice:
        """One slice. A server that cannot be talked to has lost every request."""
        requests = contestant.requests()
        job = Job(contestant.server.address, requests, pace.connections, pace.seconds, contestant.once, pace.rate)
        usage, behind = contestant.server.usage(), contestant.store.usage()
        try:
            done = self._load.run(job)
        except LoadError as error:
            return Slice(contestant.name, pace.seconds, _NOTHING, 0.0, 0.0, 0.0, lost=len(requests), why=str(error))
        return Slice(
            server=contestant.name,
            seconds=done.seconds,
            latencies=done.latencies,
            processor=usage.seconds(),
            store_processor=behind.seconds(),
            load_processor=done.processor,
            lateness=done.lateness,
            waited=done.waited,
            refused=done.refused,
            lost=done.lost,
            why=done.first_refusal,
        )

    def _warm_up(self, contestant: Contestant, connections: int) -> None:
        address, requests = contestant.server.address, contestant.requests()
        if not contestant.once:
            # Every distinct request once, as in a process that has been up for a while.
            self._load.run(Job(address, requests, 1, _WHOLE_ROUND_SECONDS, once=True))
        self._load.run(Job(address, requests, connections, _WARM_UP_SECONDS, contestant.once))


def constant_of(server: Server) -> Contestant:
    """The plain framework endpoint as a contestant."""
    requests = [get("/")]
    return Contestant(FRAMEWORK, server, lambda: requests)


def registry_of(server: Server, requests: Requests, *, once: bool = False, store: Running | None = None) -> Contestant:
    """The registry as a contestant."""
    return Contestant(REGISTRY, server, requests, once, store or Running(None))
