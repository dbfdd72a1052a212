"""What is measured over HTTP: each workload is a name, a sentence, and the requests it sends to a server."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from benchmarks.filling import Entry, distinct, grown_subject, predecessors, subject_of
from benchmarks.requests import get, post, registration
from benchmarks.samples import EVENT, predecessor, schema, successor
from llm_schema_registry.formats import SchemaType

IDS = 1_000
SUBJECTS = 500
BATCH = 100
# How many requests one slice may send where each may be sent only once; it ends early when they run out.
_WRITES = 2_500
_READS = 8_000
_UNLIMITED = 2**30
_FORMATS = {SchemaType.AVRO: "avro", SchemaType.JSON: "json", SchemaType.PROTOBUF: "protobuf"}
# Another registry may hold what an earlier run left.
_NEW_VARIANTS = 10_000_000
_RUN = secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Supply:
    """What can be used up of what a server holds.

    Attributes:
        cold: how many schemas it holds whose first read is measured.
        grown: how many subjects wait for their second version.
    """

    cold: int
    grown: int

    def entries(self) -> Iterator[Entry]:
        """What such a registry is filled with, after what is read again and again."""
        return chain(distinct(IDS + self.cold), predecessors(self.grown))


AMPLE = Supply(cold=150_000, grown=30_000)
SCANT = Supply(cold=30_000, grown=10_000)


class UsedUpError(Exception):
    """More was to be measured than a server holds."""


class Stock:
    """What a server holds before it is measured, and what of it was used up.

    Attributes:
        ids: the ids of the variants from 1 on.
        supply: what there was.
    """

    def __init__(self, supply: Supply, ids: Sequence[int] = range(1, IDS + 1)) -> None:
        self.ids = ids
        self.supply = supply
        self._used: Counter[str] = Counter()

    def take(self, kind: str, count: int, limit: int = _UNLIMITED) -> range:
        """Numbers from 0 on that nobody got before.

        Raises:
            UsedUpError: there were only `limit` of this kind.
        """
        first = self._used[kind]
        self._used[kind] += count
        if self._used[kind] > limit:
            raise UsedUpError(f"All {limit:,} of the kind {kind} are used up: measure less at once")
        return range(first, first + count)


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of request.

    Attributes:
        name: how `--only` names it.
        title: what a request does.
        requests: makes the requests of one slice to a server that holds a stock.
        once: whether a request may be sent only once.
        per_request: how many items one request handles.
        static: whether files could answer it.
        common: whether any compatible registry answers it.
    """

    name: str
    title: str
    requests: Callable[[Stock], Sequence[bytes]]
    once: bool = False
    per_request: int = 1
    static: bool = False
    common: bool = False


def checked_subject(schema_type: SchemaType) -> str:
    """The subject whose one version the compatibility checks compare with."""
    return f"bench.checked-{_FORMATS[schema_type]}"


def validated_subject(schema_type: SchemaType) -> str:
    """The subject whose one version the validations use."""
    return f"bench.validated-{_FORMATS[schema_type]}"


def preparation() -> list[bytes]:
    """Requests to send once before measuring: the subjects of the compatibility checks and validations."""
    return [
        post(f"/subjects/{subject}/versions", registration(schema_type, text))
        for schema_type in _FORMATS
        for subject, text in (
            (checked_subject(schema_type), predecessor(schema_type, 0)),
            (validated_subject(schema_type), schema(schema_type, 0)),
        )
    ]


def by_id(stock: Stock) -> list[bytes]:
    """Reads of the ids that are read often."""
    return [get(f"/schemas/ids/{number}") for number in stock.ids]


def _by_id_cold(stock: Stock) -> list[bytes]:
    return [get(f"/schemas/ids/{IDS + 1 + number}") for number in stock.take("cold", _READS, stock.supply.cold)]


def _latest(_: Stock) -> list[bytes]:
    return [get(f"/subjects/{subject_of(number)}/versions/latest") for number in range(1, SUBJECTS + 1)]


def _lookup(_: Stock) -> list[bytes]:
    return [post(f"/subjects/{subject_of(number)}", _of_variant(number)) for number in range(1, SUBJECTS + 1)]


def _again(_: Stock) -> list[bytes]:
    return [post(f"/subjects/{subject_of(number)}/versions", _of_variant(number)) for number in range(1, SUBJECTS + 1)]


def new(stock: Stock) -> list[bytes]:
    """Registrations of schemas that are nowhere yet, each in a subject of its own."""
    variants = (_NEW_VARIANTS + number for number in stock.take("new", _WRITES))
    return [post(f"/subjects/bench.new-{_RUN}-{variant}/versions", _of_variant(variant)) for variant in variants]


def _next(stock: Stock) -> list[bytes]:
    variants = (1 + number for number in stock.take("grown", _WRITES, stock.supply.grown))
    return [
        post(
            f"/subjects/{grown_subject(variant)}/versions",
            registration(SchemaType.AVRO, successor(SchemaType.AVRO, variant, 0)),
        )
        for variant in variants
    ]


def _check(schema_type: SchemaType) -> Callable[[Stock], list[bytes]]:
    path = f"/compatibility/subjects/{checked_subject(schema_type)}/versions/latest"
    return lambda stock: [
        post(path, registration(schema_type, successor(schema_type, 0, revision)))
        for revision in stock.take(f"checked-{schema_type}", _WRITES)
    ]


def _validate(schema_type: SchemaType) -> Callable[[Stock], list[bytes]]:
    return lambda _: [post("/api/v1/validate", {"subject": validated_subject(schema_type), "data": EVENT})]


def _validate_batch(schema_type: SchemaType) -> Callable[[Stock], list[bytes]]:
    return lambda _: [post(f"/api/v1/validate/batch?subject={validated_subject(schema_type)}", [EVENT] * BATCH)]


def _of_variant(variant: int) -> dict[str, str]:
    return registration(SchemaType.AVRO, schema(SchemaType.AVRO, variant))


WORKLOADS = (
    Workload("get-by-id", f"GET by id, {IDS:,} ids", by_id, static=True, common=True),
    Workload("get-by-id-cold", "GET by id, each id for the first time", _by_id_cold, once=True),
    Workload("get-latest", f"GET latest, {SUBJECTS} subjects", _latest, static=True, common=True),
    Workload("lookup", f"lookup, {SUBJECTS} subjects", _lookup, common=True),
    Workload("re-register", f"registration of what is there, {SUBJECTS} subjects", _again, common=True),
    Workload("register", "registration of a new schema in a new subject", new, once=True, common=True),
    Workload("register-next", "registration of a second version, checked against the first", _next, once=True),
    *(
        Workload(f"check-{name}", f"compatibility check of a new schema, {name}", _check(type_), once=True, common=True)
        for type_, name in _FORMATS.items()
    ),
    *(
        Workload(f"validate-{name}", f"validation of one event, {name}", _validate(type_))
        for type_, name in _FORMATS.items()
    ),
    *(
        Workload(
            f"validate-batch-{name}",
            f"validation of a batch of {BATCH}, {name}",
            _validate_batch(type_),
            per_request=BATCH,
        )
        for type_, name in _FORMATS.items()
    ),
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}
