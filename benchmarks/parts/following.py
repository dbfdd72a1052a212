"""How soon another node shows a write: two processes on one store, a write to one, reads from the other."""

import http.client
import time

import msgspec

from benchmarks.bench import Bench, PreparationError
from benchmarks.filling import history
from benchmarks.histogram import Histogram
from benchmarks.requests import registration
from benchmarks.samples import successor
from benchmarks.serving import Server
from llm_schema_registry.formats import SchemaType

PART = "following"
_SUBJECT = "bench.followed"
_WRITES_PER_SECOND_OF_RUN = 150
_GIVEN_UP_SECONDS = 10.0
_HEADERS = {"Content-Type": "application/json"}
_CONTENT = 987


class Following(msgspec.Struct, frozen=True):
    """From the acknowledgement of a write to the first answer that shows it.

    Attributes:
        other: asked of another process on the same store.
        same: asked of the process that wrote.
        reading: how long one read takes: the times cannot be told more exactly.
    """

    other: Histogram
    same: Histogram
    reading: Histogram


class _Latest(msgspec.Struct):
    version: int


def measure_following(bench: Bench) -> Following:
    """Registers one version after the other on one node, and asks the other for the latest until it shows."""
    writes = max(20, round(_WRITES_PER_SECOND_OF_RUN * bench.seconds))
    with (
        bench.filled(history(_SUBJECT, 1, _CONTENT)) as (writer, url),
        bench.serving(url, "other-node") as reader,
    ):
        to_write, to_read, to_same = (_connected(server) for server in (writer, reader, writer))
        reading: list[int] = []
        other: list[int] = []
        same: list[int] = []
        for version in range(2, writes + 2):
            # The answer that is about to be outdated is at hand on both nodes.
            _latest(to_read, reading)
            _latest(to_same, reading)
            asked, seen = (to_read, other) if version % 2 else (to_same, same)
            acknowledged = _register(to_write, version)
            seen.append(_shown(asked, version, reading) - acknowledged)
        for connection in (to_write, to_read, to_same):
            connection.close()
    return Following(Histogram.of(other), Histogram.of(same), Histogram.of(reading))


def _connected(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(*server.address, timeout=_GIVEN_UP_SECONDS)


def _register(connection: http.client.HTTPConnection, version: int) -> int:
    """Registers a version, and tells when that was acknowledged."""
    body = msgspec.json.encode(registration(SchemaType.AVRO, successor(SchemaType.AVRO, _CONTENT, version)))
    connection.request("POST", f"/subjects/{_SUBJECT}/versions", body, _HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != http.client.OK:
        raise PreparationError(text.decode(errors="replace")[:1000])
    return time.perf_counter_ns()


def _shown(connection: http.client.HTTPConnection, version: int, reading: list[int]) -> int:
    """Asks until a version is the latest, and tells when that was."""
    deadline = time.perf_counter() + _GIVEN_UP_SECONDS
    while _latest(connection, reading) < version:
        if time.perf_counter() > deadline:
            raise PreparationError(f"Version {version} is not shown within {_GIVEN_UP_SECONDS:g} seconds")
    return time.perf_counter_ns()


def _latest(connection: http.client.HTTPConnection, reading: list[int]) -> int:
    began = time.perf_counter_ns()
    connection.request("GET", f"/subjects/{_SUBJECT}/versions/latest")
    text = connection.getresponse().read()
    reading.append(time.perf_counter_ns() - began)
    return msgspec.json.decode(text, type=_Latest).version
