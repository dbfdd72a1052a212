"""Whether anything grows: with the schemas stored, with the subjects, with the versions of a subject."""

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from benchmarks.alternating import Contestant, Pace, constant_of, registry_of
from benchmarks.bench import Bench
from benchmarks.filling import Entry, distinct, history, shared, subject_of
from benchmarks.measuring import Measurement
from benchmarks.requests import get, post, registration
from benchmarks.samples import schema, successor
from benchmarks.serving import Server, baseline
from llm_schema_registry.formats import SchemaType

STORED_PART = "stored"
GROWTH_PART = "growth"
SUBJECTS_PART = "subjects"
VERSIONS_PART = "versions"

FEW = 1_000
AT_FEW = f"at {FEW:,}"
_STORED = (100, FEW, 10_000, 100_000)
_STORED_IF_FULL = (1_000_000,)
_SUBJECTS = (100, 10_000, 100_000)
_VERSIONS = (1, 10, 100, 1_000)
_CONNECTIONS = 16
_FEW_CONNECTIONS = 4
_HOT = 100
_CONTENTS = 100
# A prime, so that a walk in such steps meets everything once and is spread from the start.
_STRIDE = 7_919
_WARMING = 200
_MEASURED = 4_000
_NEW_VARIANTS = 20_000_000


class Operation(NamedTuple):
    """What is asked at each size.

    Attributes:
        name: how results call it.
        title: what a request does.
        requests: the requests.
        once: whether each is sent once.
    """

    name: str
    title: str
    requests: Sequence[bytes]
    once: bool = True


class Curve(NamedTuple):
    """An axis, and what is measured along it.

    Attributes:
        part: the name of the part.
        sizes: the places on the axis.
        entries: what a registry of a size is filled with.
        operations: what it is asked.
        connections: how many are kept busy.
        anew: whether each operation meets a process that has answered nothing before.
        preparation: requests that are sent once before.
    """

    part: str
    sizes: Sequence[int]
    entries: Callable[[int], Iterator[Entry]]
    operations: Callable[[int], Iterator[Operation]]
    connections: int
    anew: bool = False
    preparation: Callable[[int], Sequence[bytes]] = lambda _: ()


def measure_stored(bench: Bench) -> Iterator[Measurement]:
    """By the number of schemas stored, each in a subject of its own."""
    sizes = _STORED + (_STORED_IF_FULL if bench.full else ())
    curve = Curve(STORED_PART, sizes, distinct, _stored_operations, _CONNECTIONS, anew=True)
    stores = yield from _along(bench, curve)
    yield from _growth(bench, FEW, stores[FEW], sizes[-1], stores[sizes[-1]])


def measure_subjects(bench: Bench) -> Iterator[Measurement]:
    """By the number of subjects, which share a few contents."""
    yield from _along(bench, Curve(SUBJECTS_PART, _SUBJECTS, _sharing, _subject_operations, _CONNECTIONS))


def measure_versions(bench: Bench) -> Iterator[Measurement]:
    """By the number of versions in a subject."""
    curve = Curve(
        VERSIONS_PART, _VERSIONS, _histories, _version_operations, _FEW_CONNECTIONS, preparation=_transitive_levels
    )
    yield from _along(bench, curve)


def _growth(bench: Bench, few: int, few_url: str, many: int, many_url: str) -> Iterator[Measurement]:
    """Registries with few and with many schemas, in alternation: what differs between minutes does not matter here."""
    pace = Pace(_CONNECTIONS, bench.seconds)
    for of_few, of_many in zip(_reads(few), _reads(many, at_most=few), strict=True):
        with bench.serving(few_url, "few") as smaller, bench.serving(many_url, "many") as larger:
            process = bench.stores.process
            contestants = [
                registry_of(larger, _in_turns(of_many), once=of_many.once, store=process),
                Contestant(AT_FEW, smaller, _in_turns(of_few), of_few.once, process),
            ]
            yield Measurement(
                part=GROWTH_PART,
                workload=of_many.name,
                title=of_many.title,
                connections=_CONNECTIONS,
                x=many,
                store=bench.stores.kind,
                slices=bench.alternation.slices(contestants, pace),
            )


def _along(bench: Bench, curve: Curve) -> Generator[Measurement, None, dict[int, str]]:
    """Yields the measurements; returns the URLs of the stores by size."""
    stores = {}
    with baseline({bench.server_core}, bench.directory / "baseline.log") as yardstick:
        for size in curve.sizes:
            operations = list(curve.operations(size))
            with bench.filled(curve.entries(size), requests=curve.preparation(size)) as (server, url):
                stores[size] = url
                if not curve.anew:
                    for operation in operations:
                        yield _measured(bench, curve, size, operation, server, yardstick)
            if curve.anew:
                for operation in operations:
                    with bench.serving(url) as server:
                        yield _measured(bench, curve, size, operation, server, yardstick)
    return stores


def _measured(
    bench: Bench, curve: Curve, size: int, operation: Operation, server: Server, yardstick: Server
) -> Measurement:
    registry = registry_of(server, _in_turns(operation), once=operation.once, store=bench.stores.process)
    pace = Pace(curve.connections, bench.seconds)
    return Measurement(
        part=curve.part,
        workload=operation.name,
        title=operation.title,
        connections=curve.connections,
        x=size,
        store=bench.stores.kind,
        slices=bench.alternation.slices([registry, constant_of(yardstick)], pace),
    )


def _in_turns(operation: Operation) -> Callable[[], Sequence[bytes]]:
    """All requests each time; or some to warm up, then one half of the rest and the other."""
    requests = operation.requests
    if not operation.once:
        return lambda: requests
    first = min(_WARMING, len(requests) // 10)
    middle = first + (len(requests) - first) // 2
    turns = iter((requests[:first] or requests[:1], requests[first:middle], requests[middle:]))
    return lambda: next(turns)


def _spread(size: int, at_most: int = _WARMING + 2 * _MEASURED) -> list[int]:
    """Different numbers up to a size, spread over all of them."""
    return [number * _STRIDE % size + 1 for number in range(min(size, at_most))]


def _reads(size: int, at_most: int = _WARMING + 2 * _MEASURED) -> Iterator[Operation]:
    requests = [get(f"/schemas/ids/{number}") for number in _spread(size, at_most)]
    yield Operation("hot", "GET by id, asked before", requests[:_HOT], once=False)
    yield Operation("cold", "GET by id, first time", requests)


def _stored_operations(size: int) -> Iterator[Operation]:
    yield from _reads(size)
    numbers = _spread(size)
    latest = [get(f"/subjects/{subject_of(number)}/versions/latest") for number in numbers]
    yield Operation("latest-cold", "GET latest, first time", latest)
    yield Operation(
        "lookup-cold", "lookup, first time", [_post_variant(f"/subjects/{subject_of(n)}", n) for n in numbers]
    )
    yield Operation("register", "registration of a new schema", _registrations("bench.new"))


def _sharing(subjects: int) -> Iterator[Entry]:
    return shared(subjects, _CONTENTS)


def _subject_operations(size: int) -> Iterator[Operation]:
    numbers = _spread(size)
    latest = [get(f"/subjects/{subject_of(number)}/versions/latest") for number in numbers]
    yield Operation("latest-cold", "GET latest, first time", latest)
    # A parameter that means nothing makes each request one that was never sent before.
    repeated = range(_WARMING + 2 * _MEASURED)
    by_id = [get(f"/schemas/ids/{number % _CONTENTS + 1}?unseen={number}") for number in repeated]
    yield Operation("cold", "GET by id of a content that all of them share, past the shelf", by_id)
    page = [get(f"/subjects?limit=100&offset={number * _STRIDE % size}&unseen={number}") for number in repeated]
    yield Operation("page", "list of 100 subjects, past the shelf", page)
    yield Operation("all", "list of all subjects, past the shelf", [get(f"/subjects?unseen={n}") for n in repeated])
    yield Operation("register", "registration of a new schema", _registrations("bench.new"))


# How many subjects have a history, and how many versions each is given: the history stays about as long as it is.
_HISTORIES = {1: (400, 1), 10: (200, 1), 100: (20, 2), 1_000: (2, 20)}


def _histories(versions: int) -> Iterator[Entry]:
    subjects, _ = _HISTORIES[versions]
    return chain.from_iterable(
        history(_old_subject(kind, number), versions, number)
        for kind in ("latest", "transitive")
        for number in range(1, subjects + 1)
    )


def _version_operations(versions: int) -> Iterator[Operation]:
    subjects, new = _HISTORIES[versions]
    names = [_old_subject("latest", number) for number in range(1, subjects + 1)]
    repeated = range(_WARMING + 2 * _MEASURED)
    latest = [get(f"/subjects/{names[n % subjects]}/versions/latest?unseen={n}") for n in repeated]
    yield Operation("latest", "GET latest, past the shelf", latest)
    lists = [get(f"/subjects/{names[n % subjects]}/versions?unseen={n}") for n in repeated]
    yield Operation("list", "list of versions, past the shelf", lists)
    for kind, title in (
        ("latest", "registration of one more, BACKWARD"),
        ("transitive", "registration of one more, BACKWARD_TRANSITIVE"),
    ):
        more = [
            post(
                f"/subjects/{_old_subject(kind, number)}/versions",
                registration(SchemaType.AVRO, successor(SchemaType.AVRO, number, versions + 1 + added)),
            )
            for added in range(new)
            for number in range(1, subjects + 1)
        ]
        yield Operation(f"register-{kind}", title, more)


def _transitive_levels(versions: int) -> list[bytes]:
    subjects, _ = _HISTORIES[versions]
    body = {"compatibility": "BACKWARD_TRANSITIVE"}
    return [post(f"/config/{_old_subject('transitive', number)}", body, "PUT") for number in range(1, subjects + 1)]


def _old_subject(kind: str, number: int) -> str:
    return f"bench.old-{kind}-{number}"


def _registrations(prefix: str) -> list[bytes]:
    variants = range(_NEW_VARIANTS, _NEW_VARIANTS + _MEASURED)
    return [_post_variant(f"/subjects/{prefix}-{variant}/versions", variant) for variant in variants]


def _post_variant(path: str, variant: int) -> bytes:
    return post(path, registration(SchemaType.AVRO, schema(SchemaType.AVRO, variant)))
