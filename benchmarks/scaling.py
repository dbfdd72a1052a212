"""Whether anything grows with the number of schemas stored, and how long a start takes."""

import asyncio
import statistics
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.filling import fill, subject_of
from benchmarks.load import Job, Load
from benchmarks.measuring import RefusedError
from benchmarks.samples import schema
from benchmarks.servers import Server, registry
from benchmarks.workloads import get, post, registration
from llm_schema_registry.formats import SchemaType

SIZES = (100, 10_000, 100_000)
_CONNECTIONS = 16
_REQUESTS = 6_000
_STRIDE = 7_919
_NEW = range(20_000_000, 20_000_000 + _REQUESTS)
_STARTS = 3


class Rate(msgspec.Struct, frozen=True):
    """How often per second, and at how many microseconds of the server's processor time each."""

    per_second: float
    processor_us: float


class Scaling(msgspec.Struct, frozen=True):
    """What a registry with a number of schemas does.

    Attributes:
        stored: how many schemas it holds at the start.
        start_seconds: median time from the start of the process to its first answer.
        memory_mib: what the process holds after the load.
        rates: by operation.
    """

    stored: int
    start_seconds: float
    memory_mib: float
    rates: dict[str, Rate]


def measure_scaling(load: Load, core: int, seconds: float, directory: Path) -> Iterator[Scaling]:
    """The same load on registries of every size, an empty one first (for its start only)."""
    for stored in (0, *SIZES):
        store = f"sqlite:///{directory / f'scaling-{stored}.db'}"
        asyncio.run(fill(store, stored))
        log = directory / "scaling.log"
        ready = "/schemas/ids/1" if stored else "/subjects"
        starts = []
        for _ in range(_STARTS - 1):
            with registry(store, core, log, ready) as server:
                starts.append(server.seconds_to_first_answer)
        with registry(store, core, log, ready) as server:
            starts.append(server.seconds_to_first_answer)
            rates = dict(_rates(load, server, stored, seconds)) if stored else {}
            memory = server.resident_bytes() / 2**20
        yield Scaling(stored, statistics.median(starts), memory, rates)


def _rates(load: Load, server: Server, stored: int, seconds: float) -> Iterator[tuple[str, Rate]]:
    for name, requests in _operations(stored).items():
        before = server.processor_seconds()
        done = load.run(Job(server.port, requests, _CONNECTIONS, seconds, once=True))
        used = server.processor_seconds() - before
        if done.refused:
            raise RefusedError(done.first_refusal.decode(errors="replace")[:1000])
        count = len(done.latencies)
        yield name, Rate(count / done.seconds, used / count * 1e6)


def _operations(stored: int) -> dict[str, list[bytes]]:
    # Spread over the whole store, so that a search through it would show. A parameter that means nothing makes each
    # request one that was never sent before, so that none is answered from memory.
    spread = [(unseen, unseen * _STRIDE % stored + 1) for unseen in range(_REQUESTS)]
    bodies = {number: registration(SchemaType.AVRO, schema(SchemaType.AVRO, number)) for _, number in spread}
    new = [(number, registration(SchemaType.AVRO, schema(SchemaType.AVRO, number))) for number in _NEW]
    return {
        "GET by id": [get(f"/schemas/ids/{number}?unseen={unseen}") for unseen, number in spread],
        "GET latest": [
            get(f"/subjects/{subject_of(number)}/versions/latest?unseen={unseen}") for unseen, number in spread
        ],
        "lookup": [
            post(f"/subjects/{subject_of(number)}?unseen={unseen}", bodies[number]) for unseen, number in spread
        ],
        "registration of what is there": [
            post(f"/subjects/{subject_of(number)}/versions?unseen={unseen}", bodies[number])
            for unseen, number in spread
        ],
        "registration of a new schema": [post(f"/subjects/bench.new-{number}/versions", body) for number, body in new],
    }
