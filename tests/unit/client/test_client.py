"""The client against a small server on loopback that answers what the test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from msgspec import UNSET

from llm_schema_registry.client import (
    PlannedSchema,
    RegistryClient,
    RegistryError,
    RegistryUnreachableError,
    SchemaRequest,
    SubjectVersion,
    Witness,
)
from llm_schema_registry.compatibility import CompatibilityLevel, Policy
from llm_schema_registry.contracts import Reference
from llm_schema_registry.formats import SchemaType


class Recorder:
    """Answers every request with `reply` and remembers what was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.reply: Callable[[web.Request], bytes] = lambda request: b"{}"
        self.delay = 0.0
        self.requests: list[tuple[str, str, Any]] = []
        self.headers: Any = None

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((request.method, request.raw_path, json.loads(body) if body else None))
        self.headers = request.headers
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status, body=self.reply(request), content_type="application/json")

    def answer(self, value: Any, status: int = 200) -> None:
        self.status = status
        self.reply = lambda request: json.dumps(value).encode()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest_asyncio.fixture
async def server(recorder: Recorder) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", recorder.handle)
    async with TestServer(app, host="127.0.0.1") as running:
        yield running


@pytest_asyncio.fixture
async def client(server: TestServer) -> AsyncIterator[RegistryClient]:
    async with RegistryClient(str(server.make_url("/"))) as connected:
        yield connected


async def test_subjects_are_percent_encoded_to_the_last_character(client: RegistryClient, recorder: Recorder) -> None:
    recorder.answer([1, 2])
    assert await client.versions(":.ctx:a/b c%") == [1, 2]
    assert recorder.requests == [("GET", "/subjects/%3A.ctx%3Aa%2Fb%20c%25/versions", None)]


async def test_register_sends_what_is_set_and_nothing_else(client: RegistryClient, recorder: Recorder) -> None:
    recorder.answer({"id": 7, "version": 2, "guid": "g", "unknown": True})
    request = SchemaRequest('"int"', references=[Reference("n", "s", 1)])
    registered = await client.register("s", request, normalize=True)
    assert (registered.id, registered.version, registered.guid) == (7, 2, "g")
    body = {"schema": '"int"', "references": [{"name": "n", "subject": "s", "version": 1}]}
    assert recorder.requests == [("POST", "/subjects/s/versions?normalize=true", body)]
    assert recorder.headers["Content-Type"] == "application/vnd.schemaregistry.v1+json"


async def test_a_json_schema_names_its_type(client: RegistryClient, recorder: Recorder) -> None:
    recorder.answer({"id": 1})
    await client.register("s", SchemaRequest("{}", SchemaType.JSON))
    assert recorder.requests[0][2] == {"schema": "{}", "schemaType": "JSON"}


async def test_an_error_carries_code_message_and_findings(client: RegistryClient, recorder: Recorder) -> None:
    details = [{"code": "avro.TYPE_MISMATCH", "message": "m", "path": "/fields/0", "againstVersion": 3}]
    recorder.answer({"error_code": 40901, "message": "incompatible", "details": details}, status=409)
    with pytest.raises(RegistryError) as caught:
        await client.register("s", SchemaRequest('"int"'))
    assert (caught.value.status, caught.value.error_code, caught.value.message) == (409, 40901, "incompatible")
    assert [(finding.path, finding.against_version) for finding in caught.value.findings] == [("/fields/0", 3)]
    assert str(caught.value) == "incompatible (error 40901)"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b'{"title":"Bad","detail":"the detail","status":400}', "the detail"),
        (b"<html>", "HTTP status 400"),
        (b'"text"', "HTTP status 400"),
    ],
)
async def test_other_error_bodies(client: RegistryClient, recorder: Recorder, reply: bytes, message: str) -> None:
    recorder.status, recorder.reply = 400, lambda request: reply
    with pytest.raises(RegistryError) as caught:
        await client.server_version()
    assert (caught.value.message, caught.value.error_code) == (message, 400)


async def test_a_reply_that_is_no_registrys(client: RegistryClient, recorder: Recorder) -> None:
    recorder.reply = lambda request: b"<html>"
    with pytest.raises(RegistryUnreachableError, match="is not a registry's"):
        await client.server_version()


async def test_nothing_listens() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    async with RegistryClient(url) as client:
        with pytest.raises(RegistryUnreachableError, match="no registry answers at http") as caught:
            await client.server_version()
    assert caught.value.url == url


async def test_a_slow_registry_is_given_up(server: TestServer, recorder: Recorder) -> None:
    recorder.delay = 5
    async with RegistryClient(str(server.make_url("/")), timeout=0.1) as client:
        with pytest.raises(RegistryUnreachableError, match=r"no reply within 0\.1 seconds"):
            await client.server_version()


@pytest.mark.parametrize("url", ["", "localhost:8081", "ftp://host", "http://host:port", "http://"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(RegistryUnreachableError, match="http://HOST:PORT"):
        RegistryClient(url)


async def test_credentials_go_into_a_header_and_not_into_messages(server: TestServer, recorder: Recorder) -> None:
    recorder.answer({"version": "1"})
    url = str(server.make_url("/prefix").with_user("me").with_password("secret"))
    async with RegistryClient(url) as client:
        assert await client.server_version() == "1"
        assert "secret" not in client.url
    assert recorder.headers["Authorization"] == "Basic bWU6c2VjcmV0"
    assert recorder.requests[0][1] == "/prefix/v1/metadata/version"


async def test_reads_are_typed(client: RegistryClient, recorder: Recorder) -> None:
    recorder.answer({"compatibilityLevel": "FULL", "compatibilityPolicy": "LENIENT"})
    config = await client.config("s", inherited=True)
    assert (config.compatibility_level, config.compatibility_policy) == (CompatibilityLevel.FULL, Policy.LENIENT)
    recorder.answer([{"subject": "s", "version": 1}])
    assert await client.uses_of(4) == [SubjectVersion("s", 1)]
    recorder.answer({"schema": "{}", "schemaType": "JSON", "guid": "g"})
    by_id = await client.schema_by_id(4)
    assert (by_id.id, by_id.schema_type) == (4, SchemaType.JSON)
    assert (await client.schema_by_guid("g")).guid == "g"
    recorder.answer({"subject": "s", "version": 3, "schema": '"int"', "id": 1})
    assert (await client.version("s", deleted=True)).version == 3
    recorder.answer({"compatibility": "FULL"})
    await client.set_compatibility("s", CompatibilityLevel.FULL)
    assert [request[:2] for request in recorder.requests] == [
        ("GET", "/config/s?defaultToGlobal=true"),
        ("GET", "/schemas/ids/4/versions"),
        ("GET", "/schemas/ids/4"),
        ("GET", "/schemas/guids/g"),
        ("GET", "/subjects/s/versions/latest?deleted=true"),
        ("PUT", "/config/s"),
    ]
    assert recorder.requests[-1][2] == {"compatibility": "FULL"}


async def test_schemas_are_read_page_by_page(client: RegistryClient, recorder: Recorder) -> None:
    def page(request: web.Request) -> bytes:
        first = int(request.query["offset"])
        last = first + (1000 if first == 0 else 2)
        return json.dumps([{"subject": f"s{number}", "version": 1} for number in range(first, last)]).encode()

    recorder.reply = page
    assert len(await client.latest_schemas("a:")) == 1002
    assert len(recorder.requests) == 2


async def test_validation(client: RegistryClient, recorder: Recorder) -> None:
    recorder.answer({"valid": False, "errors": [{"code": "json.required", "message": "m"}], "schema_id": 1})
    result = await client.validate("s", {"a": 1})
    assert (result.valid, result.errors[0].code) == (False, "json.required")
    recorder.answer({"valid": 1, "invalid": 0, "results": [{"index": 0, "valid": True}]})
    assert (await client.validate_batch([{}], schema_id=1)).valid == 1
    assert (await client.validate_batch([{}], subject="s")).results[0].valid
    assert (await client.validate_batch([{}], schema_id=1, message="p.N")).results[0].message is None
    recorder.answer({"valid": True, "message": "p.N"})
    assert (await client.validate("s", 1, 2, message="N")).message == "p.N"
    assert recorder.requests == [
        ("POST", "/api/v1/validate", {"subject": "s", "version": "latest", "data": {"a": 1}}),
        ("POST", "/api/v1/validate/batch?schema_id=1", [{}]),
        ("POST", "/api/v1/validate/batch?subject=s&version=latest", [{}]),
        ("POST", "/api/v1/validate/batch?schema_id=1&message=p.N", [{}]),
        ("POST", "/api/v1/validate", {"subject": "s", "version": 2, "data": 1, "message": "N"}),
    ]


async def test_it_must_be_entered() -> None:
    with pytest.raises(RuntimeError, match="enter it"):
        await RegistryClient("http://127.0.0.1").server_version()


async def test_all_schemas_are_read_page_by_page(client: RegistryClient, recorder: Recorder) -> None:
    everything = [{"subject": f"s{number // 2}", "version": number % 2 + 1, "id": number + 1} for number in range(2500)]

    def page(request: web.Request) -> bytes:
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        return json.dumps(everything[offset : offset + limit]).encode()

    recorder.reply = page
    assert len(await client.all_schemas(deleted=True)) == 2500
    assert [path for _, path, _ in recorder.requests] == [
        f"/schemas?subjectPrefix=:*:&deleted=true&offset={offset}&limit=1000" for offset in (0, 1000, 2000)
    ]


async def test_a_registry_without_pages_is_not_asked_for_ever(client: RegistryClient, recorder: Recorder) -> None:
    recorder.answer([{"subject": "s", "version": number} for number in range(1, 1001)])
    assert len(await client.all_schemas()) == 1000


async def test_settings_of_scopes_have_their_paths(client: RegistryClient, recorder: Recorder) -> None:
    recorder.answer({"mode": "IMPORT"})
    await client.put_mode("", "IMPORT")
    await client.put_mode(":.c:", "IMPORT")
    await client.delete_mode("a/b")
    await client.put_config("", {"compatibility": "FULL", "alias": None})
    assert recorder.requests == [
        ("PUT", "/mode?force=true", {"mode": "IMPORT"}),
        ("PUT", "/mode/%3A.c%3A?force=true", {"mode": "IMPORT"}),
        ("DELETE", "/mode/a%2Fb", None),
        ("PUT", "/config", {"compatibility": "FULL", "alias": None}),
    ]


async def test_a_plan_tells_none_found_from_not_asked_for(client: RegistryClient, recorder: Recorder) -> None:
    outcome = {"subject": "s", "action": "refuse", "error_code": 40901}
    searched = {**outcome, "witness": None}
    shown = {**outcome, "witness": {"direction": "BACKWARD", "outcome": "refused", "payload": 1}}
    recorder.answer({"outcome": "refused", "applied": False, "digest": "d", "schemas": [outcome, searched, shown]})
    result = await client.plan([PlannedSchema('"int"', subject="s")], apply=True, expect="e", witness=True)
    assert [each.witness for each in result.schemas[:2]] == [UNSET, None]
    assert result.schemas[2].witness == Witness("BACKWARD", "refused", 1)
    body = {"schemas": [{"schema": '"int"', "subject": "s"}], "apply": True, "expect": "e"}
    assert recorder.requests == [("POST", "/api/v1/plan?witness=true", body)]
