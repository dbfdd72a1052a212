"""One measurement: slices of the registry and of the baseline in alternation, as figures."""

from collections.abc import Iterable

import msgspec

from benchmarks.load import Job, Load, Slice
from benchmarks.servers import Server
from benchmarks.workloads import Workload, get

_PAIRS = 2
_WARM_UP_SECONDS = 0.2
_BASELINE_REQUESTS = (get("/"),)


class Figures(msgspec.Struct, frozen=True):
    """What some slices showed together; latencies in milliseconds, processor times in microseconds per request."""

    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float
    processor_us: float
    load_us: float


class Measurement(msgspec.Struct, frozen=True):
    """One workload at one number of connections, beside the baseline at the same number."""

    workload: str
    title: str
    connections: int
    registry: Figures
    baseline: Figures
    items_per_request: int = 1

    @property
    def ratio(self) -> float:
        """Throughput as multiple of the baseline's."""
        return self.registry.per_second / self.baseline.per_second


class RefusedError(Exception):
    """The server refused requests that are meant to succeed, so their rate means nothing."""


class Alternation:
    """Measures workloads on one registry and one baseline.

    Args:
        load: the load process.
        registry: the server under measurement.
        baseline: the yardstick.
        seconds: how long each of the two is measured per workload and number of connections.
    """

    def __init__(self, load: Load, registry: Server, baseline: Server, seconds: float) -> None:
        self._load = load
        self._registry = registry
        self._baseline = baseline
        self._seconds = seconds
        self._slices = 0

    def measure(self, workload: Workload, connections: int) -> Measurement:
        """Measures a workload; raises `RefusedError` when an answer is not 2xx."""
        self._warm_up(workload, connections)
        ours: list[tuple[Slice, float]] = []
        theirs: list[tuple[Slice, float]] = []
        for _ in range(_PAIRS):
            theirs.append(self._slice(self._baseline, _BASELINE_REQUESTS, connections, self._seconds / _PAIRS))
            requests = workload.requests(self._next())
            ours.append(self._slice(self._registry, requests, connections, self._seconds / _PAIRS, workload.once))
        return Measurement(
            workload.name, workload.title, connections, figures(ours), figures(theirs), workload.per_request
        )

    def _warm_up(self, workload: Workload, connections: int) -> None:
        requests = workload.requests(self._next())
        # Every distinct request at least once, as in a process that has been up for a while.
        self._slice(self._registry, requests, 1, len(requests) if not workload.once else _WARM_UP_SECONDS, once=True)
        self._slice(self._baseline, _BASELINE_REQUESTS, connections, _WARM_UP_SECONDS)

    def _next(self) -> int:
        self._slices += 1
        return self._slices

    def _slice(
        self, server: Server, requests: Iterable[bytes], connections: int, seconds: float, once: bool = False
    ) -> tuple[Slice, float]:
        before = server.processor_seconds()
        done = self._load.run(Job(server.port, list(requests), connections, seconds, once))
        used = server.processor_seconds() - before
        if done.refused:
            raise RefusedError(done.first_refusal.decode(errors="replace")[:1000])
        return done, used


def figures(slices: Iterable[tuple[Slice, float]]) -> Figures:
    """Slices and the processor seconds of the server during each, as one set of figures."""
    seconds = 0.0
    processor = 0.0
    load = 0.0
    latencies: list[int] = []
    for done, used in slices:
        seconds += done.seconds
        processor += used
        load += done.processor
        latencies.extend(done.latencies)
    latencies.sort()
    count = len(latencies)
    return Figures(
        requests=count,
        per_second=count / seconds,
        p50=_percentile(latencies, 0.50),
        p95=_percentile(latencies, 0.95),
        p99=_percentile(latencies, 0.99),
        processor_us=processor / count * 1e6,
        load_us=load / count * 1e6,
    )


def _percentile(ordered: list[int], part: float) -> float:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] / 1e6
