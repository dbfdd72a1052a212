"""What is measured over HTTP: each workload is a name, a sentence, and the requests it sends."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.filling import subject_of
from benchmarks.samples import EVENT, predecessor, schema, successor
from llm_schema_registry.formats import SchemaType

IDS = 1_000
SUBJECTS = 500
BATCH = 100
# Registrations are sent once each: as many as the fastest server could take in a run.
_NEW_PER_SLICE = 4_000
_NEW_READS_PER_SLICE = 20_000
_FORMATS = {SchemaType.AVRO: "avro", SchemaType.JSON: "json", SchemaType.PROTOBUF: "protobuf"}


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of request.

    Attributes:
        name: how `--only` names it.
        title: what a request does.
        requests: makes the requests of one slice; the argument is a number that no other slice gets.
        once: whether a request may be sent only once.
        per_request: how many items one request handles.
    """

    name: str
    title: str
    requests: Callable[[int], Sequence[bytes]]
    once: bool = False
    per_request: int = 1


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n".encode()


def post(path: str, body: object) -> bytes:
    """A POST request with a JSON body."""
    content = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        f"Content-Type: application/vnd.schemaregistry.v1+json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def registration(schema_type: SchemaType, text: str) -> dict[str, str]:
    """The body that registers, looks up or checks a schema."""
    return {"schemaType": schema_type, "schema": text}


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


def _by_id(_: int) -> list[bytes]:
    return [get(f"/schemas/ids/{number}") for number in range(1, IDS + 1)]


def _by_id_anew(slice_number: int) -> list[bytes]:
    # A parameter that means nothing makes each request one that was never sent before.
    first = slice_number * _NEW_READS_PER_SLICE
    return [
        get(f"/schemas/ids/{number % IDS + 1}?unseen={number}") for number in range(first, first + _NEW_READS_PER_SLICE)
    ]


def _latest(_: int) -> list[bytes]:
    return [get(f"/subjects/{subject_of(number)}/versions/latest") for number in range(1, SUBJECTS + 1)]


def _lookup(_: int) -> list[bytes]:
    return [
        post(f"/subjects/{subject_of(number)}", registration(SchemaType.AVRO, schema(SchemaType.AVRO, number)))
        for number in range(1, SUBJECTS + 1)
    ]


def _again(_: int) -> list[bytes]:
    return [
        post(f"/subjects/{subject_of(number)}/versions", registration(SchemaType.AVRO, schema(SchemaType.AVRO, number)))
        for number in range(1, SUBJECTS + 1)
    ]


def _new(slice_number: int) -> list[bytes]:
    first = 10_000_000 + slice_number * _NEW_PER_SLICE
    return [
        post(f"/subjects/bench.new-{number}/versions", registration(SchemaType.AVRO, schema(SchemaType.AVRO, number)))
        for number in range(first, first + _NEW_PER_SLICE)
    ]


def _check(schema_type: SchemaType) -> Callable[[int], list[bytes]]:
    def requests(slice_number: int) -> list[bytes]:
        path = f"/compatibility/subjects/{checked_subject(schema_type)}/versions/latest"
        first = slice_number * _NEW_PER_SLICE
        return [
            post(path, registration(schema_type, successor(schema_type, 0, revision)))
            for revision in range(first, first + _NEW_PER_SLICE)
        ]

    return requests


def _validate(schema_type: SchemaType) -> Callable[[int], list[bytes]]:
    return lambda _: [post("/api/v1/validate", {"subject": validated_subject(schema_type), "data": EVENT})]


def _validate_batch(schema_type: SchemaType) -> Callable[[int], list[bytes]]:
    return lambda _: [post(f"/api/v1/validate/batch?subject={validated_subject(schema_type)}", [EVENT] * BATCH)]


WORKLOADS = (
    Workload("get-by-id", f"GET by id, {IDS:,} ids", _by_id),
    Workload("get-by-id-anew", "GET by id, each request for the first time", _by_id_anew, once=True),
    Workload("get-latest", f"GET latest, {SUBJECTS} subjects", _latest),
    Workload("lookup", f"lookup, {SUBJECTS} subjects", _lookup),
    Workload("re-register", f"registration of what is there, {SUBJECTS} subjects", _again),
    Workload("register", "registration of a new schema in a new subject", _new, once=True),
    *(
        Workload(f"check-{name}", f"compatibility check of a new schema, {name}", _check(schema_type), once=True)
        for schema_type, name in _FORMATS.items()
    ),
    *(
        Workload(f"validate-{name}", f"validation of one event, {name}", _validate(schema_type))
        for schema_type, name in _FORMATS.items()
    ),
    *(
        Workload(
            f"validate-batch-{name}",
            f"validation of a batch of {BATCH}, {name}",
            _validate_batch(schema_type),
            per_request=BATCH,
        )
        for schema_type, name in _FORMATS.items()
    ),
)
