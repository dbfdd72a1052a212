"""The registry's own surface under `/api/v1`, health, metrics and documentation."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contract.asgi import Caller, started
from llm_schema_registry.formats.json_schema.compiled import JSON_SANDBOX
from llm_schema_registry.registry.offload import ProcessOffload
from llm_schema_registry.registry.validation import INLINE_BYTES
from llm_schema_registry.store import StoreUnavailableError

_AVRO = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
_AVRO_2 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"},{"name":"f2","type":"int"}]}'
_JSON_SCHEMA = '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}'
_PROTO = 'syntax = "proto3"; message M { string a = 1; } message N { int32 b = 1; }'
_NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with started(max_batch_items=1_000) as caller:
        for subject, text, schema_type in (
            ("avro", _AVRO, "AVRO"),
            ("json", _JSON_SCHEMA, "JSON"),
            ("proto", _PROTO, "PROTOBUF"),
            (":.c1:avro", _AVRO, "AVRO"),
        ):
            body = {"schema": text, "schemaType": schema_type}
            assert (await caller("POST", f"/subjects/{subject}/versions", body)).status == 200
        yield caller


def _framed(schema_id: int, payload: bytes) -> str:
    return base64.b64encode(b"\x00" + schema_id.to_bytes(4, "big") + payload).decode()


@pytest.mark.parametrize(
    ("request_body", "valid", "schema_id"),
    [
        ({"schema_id": 1, "data": {"f1": "x"}}, True, 1),
        ({"schema_id": 1, "data": {"f1": 1}}, False, 1),
        ({"subject": "avro", "data": {"f1": "x"}}, True, 1),
        ({"subject": "avro", "version": 1, "data": {"f1": "x"}}, True, 1),
        ({"subject": "avro", "version": "latest", "data": {}}, False, 1),
        ({"subject": ":.c1:avro", "data": {"f1": "x"}}, True, 1),
        ({"schema_id": "json", "data": {"a": "x"}}, True, "json"),
        ({"schema_id": "json", "version": "1", "data": None, "options": {"strict": True}}, False, "json"),
        ({"subject": "proto", "data": {"a": "x"}}, True, 3),
        ({"subject": "proto", "data": {"a": 1}}, False, 3),
        ({"subject": "avro", "data_base64": base64.b64encode(b"\x02x").decode()}, True, 1),
        ({"subject": "avro", "data_base64": _framed(1, b"\x02x")}, True, 1),
        ({"data_base64": _framed(1, b"\x02x")}, True, 1),
        ({"data_base64": _framed(1, b"\x7f")}, False, 1),
        ({"data_base64": _framed(2, b'{"a":"x"}')}, True, 2),
        ({"data_base64": _framed(3, b"\x00\x0a\x01x")}, True, 3),
        ({"data_base64": _framed(3, b"\x02\x02\x08\x01")}, True, 3),
        ({"data_base64": _framed(3, b"\x02\x02\x0a\xff")}, False, 3),
    ],
)
async def test_validation(call: Caller, request_body: Any, valid: bool, schema_id: Any) -> None:
    answer = await call("POST", "/api/v1/validate", request_body)
    assert answer.status == 200, answer.body
    assert answer.json["valid"] is valid
    assert answer.json["schema_id"] == schema_id
    assert bool(answer.json["errors"]) is not valid
    assert all(error["field"] == error.get("path", "") and error["message"] for error in answer.json["errors"])
    assert answer.json["validation_time_ms"] >= 0
    assert answer.json["validated_at"].endswith("Z")


@pytest.mark.parametrize(
    ("request_body", "status", "code"),
    [
        ({"data": 1}, 422, "INVALID_PAYLOAD"),
        ({"schema_id": 1}, 422, "INVALID_PAYLOAD"),
        ({"schema_id": 1, "data_base64": "?"}, 422, "INVALID_PAYLOAD"),
        ({"data_base64": base64.b64encode(b"x").decode()}, 422, "INVALID_PAYLOAD"),
        ({"data_base64": _framed(3, b"\xff")}, 422, "INVALID_PAYLOAD"),
        ({"data_base64": _framed(99, b"")}, 404, "SCHEMA_ID_NOT_FOUND"),
        ({"schema_id": 99, "data": 1}, 404, "SCHEMA_ID_NOT_FOUND"),
        ({"schema_id": "nosuch", "data": 1}, 404, "SUBJECT_NOT_FOUND"),
        ({"subject": "avro", "version": 9, "data": 1}, 404, "VERSION_NOT_FOUND"),
        ({"subject": "avro", "version": "1.0.0", "data": 1}, 422, "INVALID_VERSION"),
        ({"schema_id": 1.5, "data": 1}, 400, "BAD_REQUEST"),
    ],
)
async def test_validation_that_cannot_be_done(call: Caller, request_body: Any, status: int, code: str) -> None:
    answer = await call("POST", "/api/v1/validate", request_body)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_batches_of_json(call: Caller) -> None:
    for target in ("schema_id=1", "subject=avro", "subject=avro&version=1", "schema_id=avro"):
        answer = await call("POST", f"/api/v1/validate/batch?{target}", [{"f1": "x"}, {"f1": 2}, 3])
        assert (answer.json["valid"], answer.json["invalid"]) == (1, 2)
        assert [each["valid"] for each in answer.json["results"]] == [True, False, False]
        assert [each["index"] for each in answer.json["results"]] == [0, 1, 2]
        assert answer.json["results"][1]["errors"][0]["path"] == "/f1"


async def test_batches_of_lines(call: Caller) -> None:
    lines = b'{"a":"x"}\r\n\n{"a":1}\nnope\n{"a":' + b"[" * 10_000 + b'\n{"a":"y"}'
    answer = await call("POST", "/api/v1/validate/batch?subject=json", lines, _NDJSON)
    assert answer.headers["content-type"] == "application/x-ndjson"
    results = [json.loads(line) for line in answer.body.splitlines()]
    assert [(each["line"], each["valid"]) for each in results] == [
        (1, True),
        (3, False),
        (4, False),
        (5, False),
        (6, True),
    ]
    assert results[2]["errors"][0]["code"] == "payload.MALFORMED_JSON"


async def test_batches_are_bounded(call: Caller) -> None:
    answer = await call("POST", "/api/v1/validate/batch?schema_id=1", [1] * 1_001)
    assert (answer.status, answer.json["code"]) == (422, "INVALID_PAYLOAD")
    assert (await call("POST", "/api/v1/validate/batch?schema_id=1", {"f1": "x"})).status == 400
    for lines in (b"1\n" * 1_001, b"\n" * 5_000 + b"1\n" * 1_001):
        answer = await call("POST", "/api/v1/validate/batch?schema_id=1", lines, _NDJSON)
        assert (answer.status, answer.json["code"]) == (422, "INVALID_PAYLOAD")
    answer = await call("POST", "/api/v1/validate/batch?schema_id=1", b" \t\n" * 5_000 + b"1", _NDJSON)
    assert json.loads(answer.body)["line"] == 5_001
    assert (await call("POST", "/api/v1/validate/batch", [])).json["code"] == "INVALID_PAYLOAD"
    answer = await call("POST", "/api/v1/validate/batch?schema_id=1", [])
    assert answer.json == {"valid": 0, "invalid": 0, "results": []}


async def test_a_payload_is_not_decoded_before_it_is_known_to_be_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tens of megabytes of values would be held for each request that waits for a process of the sandbox."""
    sent: list[Any] = []
    real = ProcessOffload.run

    async def run(heavy: ProcessOffload, *job: Any, **options: Any) -> Any:
        sent.append(job)
        return await real(heavy, *job, **options)

    monkeypatch.setattr(ProcessOffload, "run", run)
    async with started() as call:
        assert (await call("POST", "/subjects/json/versions", {"schemaType": "JSON", "schema": "{}"})).status == 200
        text = b"[" + b"[]," * INLINE_BYTES + b"[]]"
        request = b'{"subject": "json", "data": %b}' % text
        answer = await call("POST", "/api/v1/validate", request)
        assert answer.json["valid"]
        # Malformed, which shows where it is decoded.
        answer = await call("POST", "/api/v1/validate", request.replace(b"[[]", b'["\xff"'))
        assert answer.status == 400
        assert "not valid JSON" in answer.json["detail"]
    payloads = [job[-2] for job in sent]
    assert [each[0].data for each in payloads] == [text, text.replace(b"[[]", b'["\xff"')]


async def test_a_malformed_payload_is_a_malformed_request(call: Caller) -> None:
    for data in (b'"\xff"', b"1e999", b"[1,]", b'"\\ud800"'):
        answer = await call("POST", "/api/v1/validate", b'{"subject": "avro", "data": %b}' % data)
        assert (answer.status, answer.json["error_code"]) == (400, 400)


async def test_a_large_batch_lets_others_pass() -> None:
    async with started() as call:
        assert (await call("POST", "/subjects/avro/versions", {"schema": _AVRO})).status == 200
        batch = asyncio.create_task(call("POST", "/api/v1/validate/batch?schema_id=1", [{"f1": "x"}] * 20_000))
        passed = 0
        while not batch.done():
            assert (await call("GET", "/schemas/ids/1")).status == 200
            passed += 1
            await asyncio.sleep(0)
        assert (await batch).json["valid"] == 20_000
        assert passed >= 3


async def test_outlines(call: Caller) -> None:
    by_id = await call("GET", "/api/v1/schemas/1/outline")
    assert [(each["path"], each["type"]) for each in by_id.json["fields"]] == [("f1", "string")]
    by_version = await call("GET", "/api/v1/subjects/json/versions/latest/outline")
    assert (by_version.json["subject"], by_version.json["version"]) == ("json", 1)
    assert by_version.json["fields"][0]["required"] is True
    assert (await call("GET", "/api/v1/schemas/99/outline")).status == 404


async def test_differences(call: Caller) -> None:
    assert (await call("POST", "/subjects/team%2Favro/versions", {"schema": _AVRO_2})).status == 200
    answer = await call("GET", "/api/v1/diff?left=avro/1&right=team/avro/1")
    assert answer.json["compatible"] == {"BACKWARD": False, "FORWARD": True, "FULL": False}
    assert [each["code"] for each in answer.json["findings"]] == ["avro.READER_FIELD_MISSING_DEFAULT_VALUE"]
    assert answer.json["right"]["subject"] == "team/avro"
    same = await call("GET", "/api/v1/diff?left=avro&right=avro/latest")
    assert same.json["compatible"] == {"BACKWARD": True, "FORWARD": True, "FULL": True}
    assert same.json["findings"] == []
    other = await call("GET", "/api/v1/diff?left=avro&right=json")
    assert [each["code"] for each in other.json["findings"]] == ["schema.DIFFERENT_TYPE"]
    assert (await call("GET", "/api/v1/diff?left=avro")).status == 422
    assert (await call("GET", "/api/v1/diff?left=avro/9&right=avro")).json["code"] == "VERSION_NOT_FOUND"


async def test_health(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/health", "/health/ready", "/health/live"):
        answer = await call("GET", path)
        assert (answer.status, answer.json["status"]) == (200, "healthy")

    async def fails(_store: Any) -> int:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(type(call.registry.store), "revision", fails, raising=False)
    assert (await call("GET", "/health/live")).status == 200
    for path in ("/health", "/health/ready"):
        answer = await call("GET", path)
        assert (answer.status, answer.json["checks"]) == (503, {"store": "unavailable"})
    assert b"schema_registry_storage_connection_status 0.0" in (await call("GET", "/metrics")).body


async def test_metrics_have_bounded_labels(call: Caller) -> None:
    for number in range(20):
        await call("GET", f"/subjects/secret-{number}/versions")
        await call("GET", f"/nosuch/secret-{number}")
    await call("WEIRD", "/subjects")
    await call("POST", "/subjects/avro/versions", {"schema": _AVRO})
    await call("POST", "/subjects/avro/versions", {"schema": _AVRO_2})
    await call("POST", "/compatibility/subjects/avro/versions", {"schema": _AVRO_2})
    await call("POST", "/api/v1/validate", {"schema_id": 1, "data": {}})
    answer = await call("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.body.decode()
    assert "secret" not in text
    for line in (
        'schema_registry_requests_total{endpoint="/subjects/{subject}/versions",method="GET",status="404"} 20.0',
        'schema_registry_requests_total{endpoint="unmatched",method="GET",status="404"} 20.0',
        'schema_registry_requests_total{endpoint="unmatched",method="other",status="405"} 1.0',
        'schema_registry_schema_registrations_total{status="created"} 4.0',
        'schema_registry_schema_registrations_total{status="existing"} 1.0',
        'schema_registry_schema_registrations_total{status="incompatible_schema"} 1.0',
        'schema_registry_compatibility_checks_total{result="incompatible"} 1.0',
        'schema_registry_validations_total{result="invalid",schema_type="AVRO"} 1.0',
        "schema_registry_storage_connection_status 1.0",
    ):
        assert line in text


async def test_documentation(call: Caller) -> None:
    document = (await call("GET", "/openapi.json")).json
    assert document["openapi"].startswith("3.1")
    page = await call("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert b"/subjects/{subject}/versions" in page.body


async def test_every_path_of_the_document_is_served(call: Caller) -> None:
    document = (await call("GET", "/openapi.json")).json
    for path, methods in document["paths"].items():
        target = path.replace("{version}", "1").replace("{id}", "1").replace("{", "").replace("}", "")
        for method in methods:
            answer = await call(method.upper(), target)
            assert answer.status not in (405, 500), (method, path, answer.body)
            assert answer.status != 404 or answer.json["error_code"] > 1_000, (method, path)


async def test_protobuf_files_that_the_runtime_takes_only_in_part(call: Caller) -> None:
    names = 'syntax = "proto2"; message M { optional int32 foo_bar = 1; optional int32 fooBar = 2;%s }'
    fields = "".join(f"int32 f{number} = {number};" for number in range(1, 18_000))
    await call("PUT", "/config/names", {"compatibilityProfile": "SOURCE"})
    for subject, text in (
        ("names", names % ""),
        ("names", names % " optional string a = 3;"),
        ("large", f'syntax = "proto3"; message M {{ {fields} }}'),
    ):
        answer = await call("POST", f"/subjects/{subject}/versions", {"schema": text, "schemaType": "PROTOBUF"})
        assert answer.status == 200, answer.json
    answer = await call("POST", "/api/v1/validate", {"subject": "names", "data": {"foo_bar": 1, "fooBar": 2}})
    assert answer.json["valid"]
    answer = await call("POST", "/api/v1/validate", {"subject": "large", "data": {}})
    assert (answer.status, answer.json["code"]) == (422, "PAYLOADS_NOT_CHECKED")
    assert "cannot be validated: The Protobuf runtime cannot load this schema" in answer.json["detail"]


async def test_with_a_store_in_memory_nobody_waits_long_for_a_schema_that_cannot_be_compiled() -> None:
    """No other process sees the store, so the event loop waits for the sandbox."""
    levels: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2, "unevaluatedProperties": False}
        for level in range(24)
    }
    dialect = "https://json-schema.org/draft/2020-12/schema"
    text = json.dumps({"$schema": dialect, "$defs": levels | {"d24": {"type": "integer"}}, "$ref": "#/$defs/d0"})
    async with started() as call:
        answer = await call("POST", "/subjects/s/versions", {"schemaType": "JSON", "schema": text})
        assert answer.status == 422, answer.json
        assert answer.json["error_code"] == 42290
        assert "0.5 seconds" in answer.json["message"]
    assert JSON_SANDBOX.seconds is None
