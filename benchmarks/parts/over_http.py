"""Every workload on the registry, beside what else there is: the framework, nginx, another registry."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.alternating import Contestant, Pace, constant_of, registry_of
from benchmarks.bench import Bench, bodies, path_of, peer_stock
from benchmarks.measuring import NGINX as NGINX_NAME
from benchmarks.measuring import PEER, Measurement
from benchmarks.serving import NGINX, Server, Stores, baseline, nginx
from benchmarks.workloads import AMPLE, BY_NAME, WORKLOADS, Stock, Supply, Workload, preparation

WORKLOADS_PART = "workloads"
EMBEDDED_PART = "embedded"
CONNECTIONS_PART = "connections"
OPEN_LOOP_PART = "open-loop"

_CONNECTIONS = 16
# What is measured on SQLite too: whatever reads or writes the store.
_OF_STORE = ("get-by-id-cold", "register", "register-next")
# Connections by workload: with few, a request is measured; with many, how throughput is shared.
_CURVES = {
    "get-by-id": (1, 4, 16, 64, 256),
    "get-by-id-cold": (1, 16, 64),
    "register": (1, 16, 64),
    "check-avro": (1, 16, 64),
}
_RATES = (1_000, 2_500, 5_000, 10_000, 20_000)
# A request whose time comes while all connections are busy would wait for one.
_OPEN_CONNECTIONS = 256
_OPEN_LOOP_FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class Field:
    """The servers that stand beside each other.

    Attributes:
        bench: what the run shares.
        registry: the registry, on a store that was filled.
        stock: what it holds.
        stores: where its store is.
        baseline: the plain framework endpoint.
        files: nginx with the registry's answers in files, if there is one.
        peer: another registry with what it holds, if there is one.
    """

    bench: Bench
    registry: Server
    stock: Stock
    stores: Stores
    baseline: Server
    files: Server | None
    peer: tuple[Server, Stock] | None

    def contestants(self, workload: Workload) -> Sequence[Contestant]:
        """Who is asked, and what."""
        requests = partial(workload.requests, self.stock)
        found = [registry_of(self.registry, requests, once=workload.once, store=self.stores.process)]
        if workload.static and self.files is not None:
            found.append(Contestant(NGINX_NAME, self.files, requests))
        found.append(constant_of(self.baseline))
        if workload.common and self.peer is not None:
            server, theirs = self.peer
            found.append(Contestant(PEER, server, partial(workload.requests, theirs), workload.once))
        return found

    def measure(self, part: str, workload: Workload, pace: Pace, x: float = 0) -> Measurement:
        """Measures a workload."""
        return Measurement(
            part=part,
            workload=workload.name,
            title=workload.title,
            connections=pace.connections,
            x=x,
            store=self.stores.kind,
            rate=pace.rate,
            items=workload.per_request,
            slices=self.bench.alternation.slices(self.contestants(workload), pace),
        )


@contextmanager
def field(bench: Bench, stores: Stores, supply: Supply = AMPLE) -> Iterator[Field]:
    """The servers of the parts in this module, with everything that the workloads need."""
    with ExitStack() as stack:
        registry, _ = stack.enter_context(bench.filled(supply.entries(), stores=stores, requests=preparation()))
        stock = Stock(supply)
        yardstick = stack.enter_context(baseline({bench.server_core}, bench.directory / "baseline.log"))
        files = None
        if NGINX is not None:
            paths = {path_of(each) for one in WORKLOADS if one.static for each in one.requests(stock)}
            directory = bench.directory / f"nginx-{stores.kind}"
            directory.mkdir()
            files = stack.enter_context(nginx(bodies(registry, sorted(paths)), {bench.server_core}, directory))
        peer = None if bench.peer is None else (bench.peer, peer_stock(bench, bench.peer))
        yield Field(bench, registry, stock, stores, yardstick, files, peer)


def measure_workloads(field: Field, names: Collection[str]) -> Iterator[Measurement]:
    """Each of the named workloads with as many connections as a small fleet keeps busy."""
    pace = Pace(_CONNECTIONS, field.bench.seconds)
    for workload in WORKLOADS:
        if workload.name in names:
            yield field.measure(WORKLOADS_PART, workload, pace)


def measure_embedded(field: Field) -> Iterator[Measurement]:
    """What depends on the store, on SQLite."""
    pace = Pace(_CONNECTIONS, field.bench.seconds)
    for name in _OF_STORE:
        yield field.measure(EMBEDDED_PART, BY_NAME[name], pace)


def measure_connections(field: Field) -> Iterator[Measurement]:
    """Some workloads by the number of connections."""
    for name, counts in _CURVES.items():
        for count in counts:
            yield field.measure(CONNECTIONS_PART, BY_NAME[name], Pace(count, field.bench.seconds), count)


def measure_open_loop(field: Field) -> Iterator[Measurement]:
    """Reads by id at fixed rates, whatever is answered."""
    workload = BY_NAME["get-by-id"]
    for rate in _RATES:
        pace = Pace(_OPEN_CONNECTIONS, _OPEN_LOOP_FACTOR * field.bench.seconds, rate)
        yield field.measure(OPEN_LOOP_PART, workload, pace, rate)
