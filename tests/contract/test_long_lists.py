"""Lists of definitions that are too large together to be held in memory: the same answer, in parts."""

import http.client
import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acceptance.serving import get, post, received, running
from contract.asgi import Caller, started
from llm_schema_registry.registry import ErrorCode, RegistryError
from llm_schema_registry.server.http import json_arrays
from llm_schema_registry.server.http.confluent import schemas
from servers import fresh_schema

QUERIES = (
    "",
    "?latestOnly=true",
    "?deleted=true",
    "?subjectPrefix=s1",
    "?offset=3&limit=7",
    "?deleted=true&latestOnly=true&offset=1&limit=3",
    "?ruleType=CEL&offset=1&limit=2",
    "?aliases=true",
    "?subjectPrefix=:*:&aliases=true",
)


def schema(name: str, size: int = 10) -> str:
    return json.dumps({"type": "record", "name": name, "doc": "d" * size, "fields": []})


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes even short lists long."""
    monkeypatch.setattr(json_arrays, "_WHOLE_BYTES", 100)
    monkeypatch.setattr(json_arrays, "_PART_BYTES", 50)


@pytest.fixture(params=["sqlite", "postgresql"])
async def call(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Caller]:
    store = f"sqlite:///{tmp_path}/registry.db" if request.param == "sqlite" else fresh_schema()
    rules = {"domainRules": [{"name": "r", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}]}
    async with started(store=store, compatibility="NONE") as call:
        for number in range(12):
            for subject in (f"s{number}", f":.c:s{number}"):
                for version in range(2):
                    body = {"schema": schema(f"R{number}_{version}")} | ({"ruleSet": rules} if number % 3 else {})
                    assert (await call("POST", f"/subjects/{subject}/versions", body)).status == 200
        await call("DELETE", "/subjects/s1")
        await call("DELETE", "/subjects/s2/versions/2")
        await call("PUT", "/config/other", {"alias": "s3"})
        yield call


async def test_a_long_list_is_the_list(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [await call("GET", f"/schemas{query}") for query in QUERIES]
    assert all(answer.status == 200 and "etag" in answer.headers for answer in whole)
    assert len({answer.body for answer in whole}) == len(QUERIES)
    aliased = [each["subject"] for each in whole[QUERIES.index("?aliases=true")].json if "aliases" in each]
    assert aliased == ["s3", "s3"]
    monkeypatch.setattr(json_arrays, "_WHOLE_BYTES", 100)
    monkeypatch.setattr(json_arrays, "_PART_BYTES", 50)
    for query, answer in zip(QUERIES, whole, strict=True):
        streamed = await call("GET", f"/schemas{query}")
        assert streamed.json == answer.json
        assert "etag" not in streamed.headers
        assert "content-length" not in streamed.headers
        assert streamed.headers["content-type"] == answer.headers["content-type"]
        assert streamed.headers["cache-control"] == "no-cache, no-store, must-revalidate"
    assert (await call("HEAD", "/schemas")).body == b""
    assert (await call("GET", "/schemas?subjectPrefix=none")).body == b"[]"


@pytest.mark.usefixtures("parts")
async def test_what_fails_at_once_is_an_error(call: Caller) -> None:
    assert (await call("GET", "/schemas?lifecycle=never")).status == 422


@pytest.mark.usefixtures("parts")
async def test_what_fails_later_has_no_end(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = schemas.version_answer
    answered = 0

    async def fails(*arguments: object) -> object:
        nonlocal answered
        answered += 1
        if answered > 5:
            raise RegistryError(ErrorCode.SCHEMA_ID_NOT_FOUND, schema=7)
        return await answer(*arguments)

    monkeypatch.setattr(schemas, "version_answer", fails)
    with capture_logs() as logs:
        broken = await call("GET", "/schemas")
    assert broken.body.count(b"subject") == 5
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.body)
    assert [line["event"] for line in logs] == ["answer broken off"]


def test_over_a_connection(tmp_path: Path) -> None:
    size = 1_000_000
    with running(tmp_path, LSR_COMPATIBILITY="NONE") as (port, _):
        for number in range(8):
            assert post(port, f"/subjects/s{number}/versions", {"schema": schema(f"R{number}", size)})[0] == 200
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for method, length in (("GET", 8 * size), ("HEAD", 0), ("GET", 8 * size)):
            connection.request(method, "/schemas")
            answer = connection.getresponse()
            assert answer.getheader("transfer-encoding") == ("chunked" if length else None)
            body = answer.read()
            assert len(body) >= length
        names = [each["subject"] for each in json.loads(body)]
        assert names == [f"s{number}" for number in range(8)]
        # A client that knows no chunks learns the length.
        with socket.create_connection(("127.0.0.1", port)) as old:
            old.sendall(b"GET /schemas HTTP/1.0\r\n\r\n")
            head, _, plain = received(old, b"\0").partition(b"\r\n\r\n")
        assert b"content-length: %d\r\n" % len(plain) in head
        assert json.loads(plain) == json.loads(body)
        connection.close()
    file = sqlite3.connect(tmp_path / "registry.db")
    file.execute("DELETE FROM schemas WHERE schema_id = 8")
    file.commit()
    file.close()
    with running(tmp_path) as (port, _), pytest.raises(http.client.IncompleteRead):
        get(port, "/schemas")
