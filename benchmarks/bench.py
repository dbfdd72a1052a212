"""What every part of a run shares: the load, the cores, where things are kept, and how long to measure."""

import asyncio
import http.client
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.alternating import Alternation
from benchmarks.filling import Entry, fill, subject_of
from benchmarks.load import Job, Load
from benchmarks.requests import registration
from benchmarks.samples import schema
from benchmarks.serving import Server, Stores, registry
from benchmarks.workloads import IDS, SUBJECTS, Stock, Supply, preparation
from llm_schema_registry.formats import SchemaType

_PREPARING_SECONDS = 600.0


class PreparationError(Exception):
    """A server does not answer as it has to before anything can be measured."""


class _Registered(msgspec.Struct):
    id: int


class _Content(msgspec.Struct):
    schema: str


@dataclass(frozen=True, slots=True)
class Bench:
    """What every part of a run shares.

    Attributes:
        load: the load process.
        server_core: the core of the servers under measurement.
        load_core: the core of the load, and of the database.
        directory: for files that are gone after the run.
        seconds: how long each server is measured per workload and condition.
        full: whether what takes long is measured too.
        stores: where registries keep what they hold.
        files: the same in files of SQLite.
        peer: another registry.
    """

    load: Load
    server_core: int
    load_core: int
    directory: Path
    seconds: float
    full: bool
    stores: Stores
    files: Stores
    peer: Server | None = None

    @property
    def alternation(self) -> Alternation:
        """Takes slices."""
        return Alternation(self.load)

    @contextmanager
    def filled(
        self, entries: Iterable[Entry], *, stores: Stores | None = None, requests: Sequence[bytes] = ()
    ) -> Iterator[tuple[Server, str]]:
        """A registry, pinned to its core, on a store that was filled; and the URL of the store.

        Args:
            entries: what it holds.
            stores: where; PostgreSQL unless said otherwise.
            requests: are sent once before.

        Raises:
            PreparationError: it does not answer with what it was filled with, or refuses a request.
        """
        url = (stores or self.stores).fresh()
        sample: list[Entry] = []
        asyncio.run(fill(url, _noting(entries, sample)))
        with self.serving(url) as server:
            _verify(server, sample)
            self.send(server, requests)
            yield server, url

    @contextmanager
    def serving(self, url: str, name: str = "registry", ready: str = "/subjects?limit=1") -> Iterator[Server]:
        """A registry with one worker on a store, pinned to the core of the servers."""
        with registry(url, {self.server_core}, self.directory / f"{name}.log", ready=ready) as server:
            yield server

    def send(self, server: Server, requests: Sequence[bytes], connections: int = 1) -> None:
        """Sends requests once; raises `PreparationError` if one is refused."""
        if requests:
            job = Job(server.address, requests, connections, _PREPARING_SECONDS, once=True)
            done = self.load.run(job)
            if done.refused or done.lost:
                raise PreparationError(f"{server.address[0]}:{server.address[1]}: {done.first_refusal}")


def peer_stock(bench: Bench, server: Server) -> Stock:
    """Registers on another registry what ours is filled with, through its interface.

    Raises:
        PreparationError: it refuses.
    """
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    try:
        ids = [
            _register(connection, subject_of(variant), schema(SchemaType.AVRO, variant))
            for variant in range(1, max(IDS, SUBJECTS) + 1)
        ]
    except (OSError, http.client.HTTPException) as error:
        raise PreparationError(f"The other registry does not answer: {error}") from error
    finally:
        connection.close()
    bench.send(server, preparation())
    return Stock(Supply(0, 0), ids)


def bodies(server: Server, paths: Iterable[str]) -> dict[str, bytes]:
    """What a server answers to GETs, by path; raises `PreparationError` unless all of them succeed."""
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    try:
        return {path: _body(connection, path) for path in paths}
    finally:
        connection.close()


def path_of(request: bytes) -> str:
    """The path of a request."""
    return request.split(b" ", 2)[1].decode()


def _register(connection: http.client.HTTPConnection, subject: str, text: str) -> int:
    connection.request(
        "POST",
        f"/subjects/{subject}/versions",
        msgspec.json.encode(registration(SchemaType.AVRO, text)),
        {"Content-Type": "application/vnd.schemaregistry.v1+json", "Accept": "application/json"},
    )
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise PreparationError(f"{subject}: {body.decode(errors='replace')[:1000]}")
    return msgspec.json.decode(body, type=_Registered).id


def _body(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path, headers={"Accept": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise PreparationError(f"GET {path}: {body.decode(errors='replace')[:1000]}")
    return body


def _noting(entries: Iterable[Entry], sample: list[Entry]) -> Iterator[Entry]:
    """The entries, of which the first, the last and some between are noted: each at twice the place of the last."""
    place, last = 1, None
    for number, entry in enumerate(entries, start=1):
        last = entry
        if number == place:
            sample.append(entry)
            place *= 2
        yield entry
    if last is not None:
        sample.append(last)


def _verify(server: Server, sample: Iterable[Entry]) -> None:
    """Compares what a registry answers with what it was filled with."""
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    try:
        for entry in sample:
            path = f"/subjects/{entry.subject}/versions/{entry.version}"
            found = msgspec.json.decode(_body(connection, path), type=_Content).schema
            if found != entry.text:
                raise PreparationError(f"GET {path} answers {found[:200]}, and the store was filled with {entry.text}")
    finally:
        connection.close()
