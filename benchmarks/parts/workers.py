"""Whether a second worker helps. The load, and the database, need a core too: with two cores, half of one is left."""

import os
from collections.abc import Iterator
from functools import partial

from benchmarks.alternating import Pace, constant_of, registry_of
from benchmarks.bench import Bench
from benchmarks.measuring import Measurement
from benchmarks.serving import baseline, registry
from benchmarks.workloads import BY_NAME, SCANT, Stock, preparation

PART = "workers"
_WORKERS = (1, 2)
_CONNECTIONS = 16
_MEASURED = ("get-by-id", "get-by-id-cold", "register-next", "check-avro")


def measure_workers(bench: Bench) -> Iterator[Measurement]:
    """Some workloads by the number of workers, which may use every core."""
    every = os.sched_getaffinity(0)
    pace = Pace(_CONNECTIONS, bench.seconds)
    with baseline({bench.server_core}, bench.directory / "baseline.log") as yardstick:
        for workers in _WORKERS:
            with bench.filled(SCANT.entries(), requests=preparation()) as (_, url):
                pass
            stock = Stock(SCANT)
            with registry(url, every, bench.directory / "workers.log", workers=workers) as server:
                for name in _MEASURED:
                    workload = BY_NAME[name]
                    requests = partial(workload.requests, stock)
                    ours = registry_of(server, requests, once=workload.once, store=bench.stores.process)
                    yield Measurement(
                        part=PART,
                        workload=name,
                        title=workload.title,
                        connections=_CONNECTIONS,
                        x=workers,
                        store=bench.stores.kind,
                        slices=bench.alternation.slices([ours, constant_of(yardstick)], pace),
                    )
