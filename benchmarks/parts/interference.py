"""What reads feel of one long compatibility check: their latency alone, and while one check follows the other."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.alternating import ROUNDS, Pace, registry_of
from benchmarks.bench import Bench, PreparationError
from benchmarks.filling import distinct
from benchmarks.measuring import Measurement, Slice
from benchmarks.requests import get
from benchmarks.serving import Server

PART = "interference"
ALONE = "reads alone"
BESIDE = "reads beside long checks"
_SUBJECT = "interference"
_BRANCHES = 300
_CONNECTIONS = (1, 16)
_READ = 100
_HEADERS = {"Content-Type": "application/json"}


def measure_interference(bench: Bench) -> Iterator[Measurement]:
    """Alternates reads alone with reads beside a client that sends one long check after the other."""
    reads = [get(f"/schemas/ids/{number}") for number in range(1, _READ + 1)]
    with bench.filled(distinct(_READ)) as (server, _):
        _post(server, f"/subjects/{_SUBJECT}/versions", _union("old"))
        reading = registry_of(server, lambda: reads, store=bench.stores.process)
        for connections in _CONNECTIONS:
            pace = Pace(connections, bench.seconds / ROUNDS)
            slices: dict[str, list[Slice]] = {ALONE: [], BESIDE: []}
            for _ in range(ROUNDS):
                slices[ALONE].append(bench.alternation.slice(reading, pace))
                with _checking(server):
                    slices[BESIDE].append(bench.alternation.slice(reading, pace))
            for title, taken in slices.items():
                yield Measurement(
                    part=PART,
                    workload=title,
                    title=title,
                    connections=connections,
                    x=connections,
                    store=bench.stores.kind,
                    slices=taken,
                )


@contextmanager
def _checking(server: Server) -> Iterator[None]:
    """Sends long checks, one after the other, until the block ends."""
    stop = threading.Event()
    failures: list[Exception] = []

    def check() -> None:
        try:
            while not stop.is_set():
                _post(server, f"/compatibility/subjects/{_SUBJECT}/versions/latest", _union("new"))
        except (PreparationError, OSError) as error:
            failures.append(error)

    thread = threading.Thread(target=check)
    thread.start()
    time.sleep(0.05)
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def _union(version: str) -> bytes:
    """A registration of a union in which no branch is like any of another version's."""
    branches = [
        {"type": "object", "required": [f"{version}{number}"], "properties": {f"{version}{number}": {"type": "string"}}}
        for number in range(_BRANCHES)
    ]
    return json.dumps({"schemaType": "JSON", "schema": json.dumps({"oneOf": branches})}).encode()


def _post(server: Server, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    try:
        connection.request("POST", path, body, _HEADERS)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise PreparationError(text[:1000])
