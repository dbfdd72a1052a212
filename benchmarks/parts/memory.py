"""What a worker holds in memory: empty, and with many schemas of which many are hot."""

import time
from collections.abc import Iterator

import msgspec

from benchmarks.bench import Bench
from benchmarks.filling import distinct
from benchmarks.requests import get
from benchmarks.serving import baseline

PART = "memory"
STORED = 100_000
HOT = 10_000
_SETTLE_SECONDS = 0.5
_TIMES = 2
_CONNECTIONS = 16


class Memory(msgspec.Struct, frozen=True):
    """What a process holds, in MiB.

    Attributes:
        state: of the registry, or `framework` for the plain endpoint after a request.
        resident: of one worker.
    """

    state: str
    resident: float


EMPTY = "empty"
FILLED = f"{STORED:,} stored, {HOT:,} hot"
FRAMEWORK_STATE = "framework"


def measure_memory(bench: Bench) -> Iterator[Memory]:
    """The registry empty and filled, and the framework."""
    with baseline({bench.server_core}, bench.directory / "baseline.log") as yardstick:
        yield Memory(FRAMEWORK_STATE, yardstick.resident_bytes() / 2**20)
    with bench.serving(bench.stores.fresh()) as server:
        time.sleep(_SETTLE_SECONDS)
        yield Memory(EMPTY, server.resident_bytes() / 2**20)
    with bench.filled(distinct(STORED)) as (server, _):
        for _ in range(_TIMES):
            bench.send(server, [get(f"/schemas/ids/{number}") for number in range(1, HOT + 1)], _CONNECTIONS)
        time.sleep(_SETTLE_SECONDS)
        yield Memory(FILLED, server.resident_bytes() / 2**20)
