"""Input that is wrong, hostile or huge: each gets its documented answer quickly, and changes nothing."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contract.asgi import Answer, Caller, started

S1 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
_JSON = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
_SECONDS = 1.0
_MORE_ATTEMPTS = 4
_MEBIBYTE = 1024 * 1024


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    limits = {"max_body_bytes": 3 * _MEBIBYTE, "max_schema_bytes": _MEBIBYTE, "max_id_gap": 2**31 - 1}
    async with started(**limits) as caller:
        for name in ("kept", "gone"):
            answer = await caller("POST", f"/subjects/{name}/versions", {"schema": S1}, _JSON)
            assert answer.status == 200
        assert (await caller("DELETE", "/subjects/gone")).status == 200
        # The libraries of a format are loaded with its first schema.
        for schema_type, text in (("JSON", "{}"), ("PROTOBUF", 'syntax = "proto3";')):
            await caller("POST", "/subjects/warm", {"schema": text, "schemaType": schema_type}, _JSON)
            body = {"schema": text, "schemaType": schema_type}
            await caller("POST", "/compatibility/subjects/warm/versions", body, _JSON)
        yield caller


async def _timed(call: Caller, *request: Any, **options: Any) -> tuple[Answer, float]:
    begun = time.perf_counter()
    answer = await call(*request, **options)
    return answer, time.perf_counter() - begun


async def _refused(call: Caller, *request: Any, **options: Any) -> Answer:
    """The answer to a request that must not change anything, nor take long."""
    before = await call.registry.store.revision()
    answer, seconds = await _timed(call, *request, **options)
    for _ in range(_MORE_ATTEMPTS):
        if seconds < _SECONDS:
            break
        # The machine may be busy with something else; what is slow by itself is slow every time.
        answer, seconds = await _timed(call, *request, **options)
    assert seconds < _SECONDS
    assert await call.registry.store.revision() == before
    assert answer.status >= 400, answer.body[:300]
    body = answer.json
    assert isinstance(body.get("error_code"), int), body
    said = body.get("message") or body.get("detail")
    assert isinstance(said, str)
    assert said
    assert "Traceback" not in said
    assert "/site-packages" not in said
    return answer


async def _refused_schema(call: Caller, schema: str, schema_type: str = "AVRO", **more: Any) -> Answer:
    body = {"schema": schema, "schemaType": schema_type, **more}
    return await _refused(call, "POST", "/subjects/s/versions", body, _JSON)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 400),
        (b"not json", 400),
        (b'{"schema": "x"} trailing', 400),
        (b'{"schema": 5}', 400),
        (b'{"schema": ["x"]}', 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b'{"schema": "\xff\xfe"}', 400),
        (b'{"schema": "\\ud800"}', 400),
        (b"\xff", 400),
        (b"[" * 10_000, 400),
        (b'{"schema": "x", "unknown": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
        (b"", 422),
        (b"  ", 422),
        (b"null", 422),
    ],
)
async def test_bodies(call: Caller, body: bytes, code: int) -> None:
    answer = await _refused(call, "POST", "/subjects/s/versions", body, _JSON)
    assert (answer.status, answer.json["error_code"]) == (code, code)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"schema": 5}, "$.schema"),
        ({"schema": S1, "references": [{"name": "n", "subject": "s", "version": "1"}]}, "$.references[0].version"),
        ({"schema": S1, "references": {}}, "$.references"),
        ({"schema": S1, "metadata": {"properties": {"a": 1}}}, "$.metadata.properties[...]"),
        ({"schema": S1, "version": 1.5}, "$.version"),
        ({"schema": S1, "ruleSet": {"domainRules": [{"name": 1}]}}, "$.ruleSet.domainRules[0].name"),
    ],
)
async def test_wrong_types_name_their_place(call: Caller, body: Any, place: str) -> None:
    answer = await _refused(call, "POST", "/subjects/s/versions", body, _JSON)
    assert answer.status == 400
    assert f"`{place}`" in answer.json["message"]


async def test_the_native_surface_answers_with_problem_details(call: Caller) -> None:
    for body, status in (
        (b"{", 400),
        (b"", 422),
        (b"[" * 10_000, 400),
        (b'{"data": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    ):
        answer = await _refused(call, "POST", "/api/v1/validate", body, {"Content-Type": "application/json"})
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == status
    assert (await _refused(call, "GET", "/api/v1/nosuch")).json["code"] == "NOT_FOUND"


async def test_huge_bodies(call: Caller) -> None:
    huge = b'{"schema":"' + b"x" * (4 * _MEBIBYTE) + b'"}'
    answer = await _refused(call, "POST", "/subjects/s/versions", huge, _JSON)
    assert (answer.status, answer.json["error_code"]) == (413, 413)
    assert answer.headers["connection"] == "close"
    chunks = [b" " * 65_536] * 100
    answer = await _refused(call, "POST", "/subjects/s/versions", None, _JSON, chunks=chunks)
    assert answer.status == 413
    # An announced length alone is enough: nothing of the body is read.
    answer = await _refused(
        call, "POST", "/subjects/s/versions", b"", [*_JSON.items(), ("content-length", str(10**12))], chunks=[]
    )
    assert answer.status == 413


@pytest.mark.parametrize("schema_type", ["AVRO", "JSON", "PROTOBUF"])
async def test_schemas_beyond_a_mebibyte(call: Caller, schema_type: str) -> None:
    text = {
        "AVRO": json.dumps({"type": "record", "name": "R", "fields": [], "doc": "x" * (_MEBIBYTE + 1)}),
        "JSON": json.dumps({"description": "x" * (_MEBIBYTE + 1)}),
        "PROTOBUF": 'syntax = "proto3"; // ' + "x" * (_MEBIBYTE + 1),
    }[schema_type]
    answer = await _refused_schema(call, text, schema_type)
    assert answer.json["error_code"] == 42209
    assert f"at most {_MEBIBYTE} are allowed (LSR_MAX_SCHEMA_BYTES)" in answer.json["message"]


@pytest.mark.parametrize(
    "text", ["[" * 10_000, '{"type":"array","items":' * 10_000, "[" * 500_000, '"' + "x" * 1_000_000]
)
@pytest.mark.parametrize("schema_type", ["AVRO", "JSON", "PROTOBUF"])
async def test_deeply_nested_or_endless_schemas(call: Caller, schema_type: str, text: str) -> None:
    answer = await _refused_schema(call, text, schema_type)
    assert answer.json["error_code"] in (42201, 42290)


async def test_deeply_nested_protobuf(call: Caller) -> None:
    text = 'syntax = "proto3"; ' + "message M { " * 5_000 + "}" * 5_000
    answer = await _refused_schema(call, text, "PROTOBUF")
    assert answer.json["error_code"] in (42201, 42290)


async def test_references_to_what_is_not_there(call: Caller) -> None:
    text = '{"type":"record","name":"T","fields":[{"name":"r","type":"R"}]}'
    for subject, version in (("nosuch", 1), ("kept", 9), ("gone", 1), ("kept", 0), ("kept", 2**40), ("\x01", 1)):
        references = [{"name": "R", "subject": subject, "version": version}]
        answer = await _refused_schema(call, text, references=references)
        assert answer.json["error_code"] == 42201, (subject, version)


async def test_a_reference_cycle_by_import(call: Caller) -> None:
    """IMPORT takes schemas as they are, so a cycle can come into being; it must not end any later work."""
    for subject in ("x", "y"):
        assert (await call("PUT", f"/mode/{subject}", {"mode": "IMPORT"}, _JSON)).status == 200
    text = '{"type":"record","name":"%s","fields":[{"name":"f","type":"%s"}]}'
    for own, other, number in (("X", "Y", 101), ("Y", "X", 102)):
        body = {
            "schema": text % (own, other),
            "id": number,
            "version": 1,
            "references": [{"name": other, "subject": other.lower(), "version": 1}],
        }
        assert (await call("POST", f"/subjects/{own.lower()}/versions", body, _JSON)).status == 200
    answer = await _refused_schema(call, text % ("T", "X"), references=[{"name": "X", "subject": "x", "version": 1}])
    assert answer.json["error_code"] == 42201
    answer = await _refused(call, "GET", "/subjects/x/versions/1?format=resolved")
    assert answer.status == 422
    assert answer.json["error_code"] == 42291
    assert (await call("GET", "/schemas/ids/101")).status == 200


async def test_a_context_that_is_out_of_ids(call: Caller) -> None:
    assert (await call("PUT", "/mode/s", {"mode": "IMPORT"}, _JSON)).status == 200
    body = {"schema": S1, "id": 2**31 - 1, "version": 1}
    assert (await call("POST", "/subjects/s/versions", body, _JSON)).status == 200
    answer = await _refused(call, "POST", "/subjects/t/versions", {"schema": '"string"'}, _JSON)
    assert answer.json["error_code"] == 42205


async def test_what_was_imported_and_is_no_schema(call: Caller) -> None:
    assert (await call("PUT", "/mode/s", {"mode": "IMPORT"}, _JSON)).status == 200
    for number, (schema_type, text) in enumerate((("JSON", S1), ("AVRO", "nope"), ("PROTOBUF", "nope")), 1):
        body = {"schema": text, "schemaType": schema_type, "id": 100 + number, "version": number}
        assert (await call("POST", "/subjects/s/versions", body, _JSON)).status == 200
        answer = await _refused(call, "POST", "/api/v1/validate", {"schema_id": 100 + number, "data": {}})
        # The text of the first one is JSON, and can be read; no payload can be checked against it.
        assert answer.json["code"] == ("PAYLOADS_NOT_CHECKED" if schema_type == "JSON" else "STORED_SCHEMA_UNREADABLE")
        assert (await call("GET", f"/subjects/s/versions/{number}")).json["schema"] == text
        assert (await call("POST", "/subjects/s/versions", body, _JSON)).json["id"] == 100 + number


@pytest.mark.parametrize("version", [0, -1, 2**40, 2**70])
async def test_imports_with_references_to_impossible_versions(call: Caller, version: int) -> None:
    assert (await call("PUT", "/mode/s", {"mode": "IMPORT"}, _JSON)).status == 200
    body = {"schema": S1, "id": 5, "version": 1, "references": [{"name": "R", "subject": "kept", "version": version}]}
    assert (await _refused(call, "POST", "/subjects/s/versions", body, _JSON)).json["error_code"] == 42201


async def test_a_long_chain_of_references(call: Caller) -> None:
    for number in range(300):
        references = [{"name": f"r{number - 1}", "subject": f"r{number - 1}", "version": 1}] if number else []
        text = json.dumps({"$ref": f"r{number - 1}"} if number else {})
        body = {"schema": text, "schemaType": "JSON", "references": references}
        answer = await call("POST", f"/subjects/r{number}/versions", body, _JSON)
        if answer.status != 200:
            break
    assert answer.json["error_code"] == 42201
    assert "A chain of more than 200 references" in answer.json["message"]


async def test_a_recursive_schema_is_a_schema(call: Caller) -> None:
    text = '{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"],"default":null}]}'
    assert (await call("POST", "/subjects/avro/versions", {"schema": text}, _JSON)).status == 200
    text = '{"$defs":{"n":{"properties":{"next":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}'
    body = {"schema": text, "schemaType": "JSON"}
    assert (await call("POST", "/subjects/json/versions", body, _JSON)).status == 200
    assert (await call("POST", "/subjects/json/versions", body, _JSON)).status == 200


@pytest.mark.parametrize("subject", ["%00", "a%01b", "a%0Ab", "%7F", "%C2%85", "%ED%A0%80", "__GLOBAL", "__EMPTY"])
async def test_subjects_that_cannot_be(call: Caller, subject: str) -> None:
    answer = await _refused(call, "POST", f"/subjects/{subject}/versions", {"schema": S1}, _JSON)
    assert answer.json["error_code"] == 42208
    answer = await _refused(call, "PUT", f"/config/{subject}", {"compatibility": "NONE"}, _JSON)
    assert answer.json["error_code"] == 42208
    answer = await _refused(call, "GET", f"/subjects/{subject}/versions")
    assert answer.json["error_code"] in (40401, 42208)


@pytest.mark.parametrize(("sent", "answered"), [("x" * 200, "x" * 200), ("x" * 200 + "y", "x" * 200)])
async def test_request_ids_are_cut(call: Caller, sent: str, answered: str) -> None:
    answer = await call("GET", "/subjects", headers={"X-Request-Id": sent})
    assert answer.headers["x-request-id"] == answered


async def test_paths_that_are_no_text(call: Caller) -> None:
    for path in ("/subjects/%FF/versions", "/contexts/%FF/subjects/s/versions", "/config/%C3"):
        assert (await _refused(call, "GET", path)).status == 400
    assert (await _refused(call, "GET", "/subjects//versions")).status == 404
    assert (await _refused(call, "GET", "/schemas/ids/" + "9" * 5_000)).status == 404
    assert (await _refused(call, "GET", "/subjects?" + "a=1&" * 1_000)).status == 400


async def test_references_to_files_and_addresses_are_not_followed(call: Caller, tmp_path: Any) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"type":"string"}')
    reached = asyncio.Event()

    async def answer_them(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        writer.close()

    server = await asyncio.start_server(answer_them, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        for reference in (f"file://{secret}", f"http://127.0.0.1:{port}/s.json", "//127.0.0.1/s.json"):
            text = json.dumps({"properties": {"a": {"$ref": reference}}})
            answer = await _refused_schema(call, text, "JSON")
            assert answer.json["error_code"] == 42201
            assert str(secret) not in answer.json["message"].replace(reference, "")
        await asyncio.sleep(0.05)
        assert not reached.is_set()
    answer = await _refused_schema(call, f'syntax = "proto3"; import "{secret}"; message M {{}}', "PROTOBUF")
    assert answer.json["error_code"] == 42201


async def test_a_blank_line_in_a_block_comment_does_no_harm(call: Caller) -> None:
    text = 'syntax = "proto3";\n/*\n first\n\n second\n*/\nmessage M {\n  /* a\n\n   b */\n  string a = 1;\n}\n'
    body = {"schema": text, "schemaType": "PROTOBUF"}
    answer = await call("POST", "/subjects/p/versions", body, _JSON)
    assert answer.status == 200, answer.body
    again = await call("POST", "/subjects/p/versions", {**body, "schema": answer.json["schema"]}, _JSON)
    assert again.json["id"] == answer.json["id"]
    assert (await call("GET", "/subjects")).status == 200


async def test_a_fault_of_the_server_tells_nothing(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: Any, **_options: Any) -> Any:
        raise ZeroDivisionError("the secret is 42")

    monkeypatch.setattr(type(call.registry.store), "subjects", fails)
    answer = await _refused(call, "GET", "/subjects")
    assert answer.status == 500
    assert answer.json == {"error_code": 500, "message": "Internal Server Error"}
