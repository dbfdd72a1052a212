"""What reads feel of one long compatibility check: their latency alone, and while one check follows the other."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from benchmarks.load import Job, Load
from benchmarks.measuring import Figures, RefusedError, figures
from benchmarks.servers import Server
from benchmarks.workloads import get

_SUBJECT = "interference"
_BRANCHES = 300
_CONNECTIONS = (1, 16)
_PAIRS = 2
_HEADERS = {"Content-Type": "application/json"}


class Interference(msgspec.Struct, frozen=True):
    """Reads at a number of connections, alone and beside long checks.

    Attributes:
        connections: how many are kept busy with GETs by id.
        alone: the reads while nothing else happens.
        beside: the same reads while long checks follow each other.
        checks: how many of these ended meanwhile.
        seconds_per_check: how long each took on average.
    """

    connections: int
    alone: Figures
    beside: Figures
    checks: int
    seconds_per_check: float


def measure_interference(load: Load, server: Server, seconds: float) -> Iterator[Interference]:
    """Alternates reads alone with reads beside a client that sends one long check after the other."""
    _post(server.port, f"/subjects/{_SUBJECT}/versions", _union("old"))
    reads = [get(f"/schemas/ids/{number}") for number in range(1, 101)]
    for connections in _CONNECTIONS:
        alone, beside, took = [], [], list[float]()
        for _ in range(_PAIRS):
            alone.append((load.run(Job(server.port, reads, connections, seconds)), 0.0))
            with _checking(server.port, took):
                beside.append((load.run(Job(server.port, reads, connections, seconds)), 0.0))
        average = sum(took) / len(took) if took else 0.0
        yield Interference(connections, figures(alone), figures(beside), len(took), average)


@contextmanager
def _checking(port: int, took: list[float]) -> Iterator[None]:
    """Sends long checks, one after the other, until the block ends; notes how long each took."""
    stop = threading.Event()

    def check() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            _post(port, f"/compatibility/subjects/{_SUBJECT}/versions/latest", _union("new"))
            took.append(time.perf_counter() - began)

    thread = threading.Thread(target=check)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _union(version: str) -> bytes:
    """A registration of a union in which no branch is like any of another version's."""
    branches = [
        {"type": "object", "required": [f"{version}{number}"], "properties": {f"{version}{number}": {"type": "string"}}}
        for number in range(_BRANCHES)
    ]
    return json.dumps({"schemaType": "JSON", "schema": json.dumps({"oneOf": branches})}).encode()


def _post(port: int, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body, _HEADERS)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RefusedError(text[:1000])
