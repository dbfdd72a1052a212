"""The limit on names is one for every entry point: it is the same on each store, and no store is asked for more."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from contract.asgi import Answer, Caller, started
from llm_schema_registry.registry.identifiers import MAX_NAME_BYTES

_JSON = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
_S1 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
_LONGEST = "n" * MAX_NAME_BYTES
_LONG = {
    "ascii": "n" * (MAX_NAME_BYTES + 1),
    "two bytes": "é" * (MAX_NAME_BYTES // 2 + 1),
    "four bytes": "🐲" * (MAX_NAME_BYTES // 4 + 1),
    "context": f":.{'c' * 500}:{'n' * 500}",
}
_CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/subjects/{}/versions", {"schema": _S1}),
    ("POST", "/subjects/{}", {"schema": _S1}),
    ("POST", "/compatibility/subjects/{}/versions", {"schema": _S1}),
    ("POST", "/compatibility/subjects/{}/versions/latest", {"schema": _S1}),
    ("GET", "/subjects/{}/versions", None),
    ("GET", "/subjects/{}/versions/latest", None),
    ("GET", "/subjects/{}/versions/1/schema", None),
    ("GET", "/subjects/{}/versions/1/referencedby", None),
    ("POST", "/subjects/{}/versions/1/tags", {}),
    ("GET", "/subjects/{}/metadata?key=a&value=b", None),
    ("DELETE", "/subjects/{}", None),
    ("DELETE", "/subjects/{}/versions/1", None),
    ("GET", "/schemas/ids/1?subject={}", None),
    ("GET", "/schemas/ids/1/subjects?subject={}", None),
    ("GET", "/config/{}", None),
    ("PUT", "/config/{}", {"compatibility": "FULL"}),
    ("DELETE", "/config/{}", None),
    ("GET", "/mode/{}", None),
    ("PUT", "/mode/{}", {"mode": "READONLY"}),
    ("DELETE", "/mode/{}", None),
    ("GET", "/associations/subjects/{}", None),
    ("GET", "/associations/resources/{}", None),
    ("GET", "/associations/resources/-/{}", None),
    ("GET", "/associations/resources/{}/-", None),
    ("DELETE", "/associations/resources/{}", None),
    ("GET", "/api/v1/subjects/{}/versions/1/outline", None),
    ("GET", "/api/v1/diff?left={}&right=kept", None),
]


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with started() as caller:
        assert (await caller("POST", "/subjects/kept/versions", {"schema": _S1}, _JSON)).status == 200
        yield caller


def _refused(answer: Answer, name: str) -> None:
    assert answer.status == 422, answer.body[:300]
    assert answer.json["error_code"] == 42208
    size = len(name.encode())
    said = answer.json.get("message") or answer.json["detail"]
    assert said.endswith(f"it has {size} bytes of UTF-8, at most {MAX_NAME_BYTES} are allowed.")


@pytest.mark.parametrize("name", _LONG.values(), ids=_LONG.keys())
async def test_names_in_paths_and_queries(call: Caller, name: str) -> None:
    before = await call.registry.store.revision()
    for method, path, body in _CALLS:
        _refused(await call(method, path.format(quote(name, safe="")), body, _JSON), name)
    assert await call.registry.store.revision() == before


@pytest.mark.parametrize("name", _LONG.values(), ids=_LONG.keys())
async def test_names_in_bodies(call: Caller, name: str) -> None:
    before = await call.registry.store.revision()
    reference = {"schema": '"R"', "references": [{"name": "R", "subject": name, "version": 1}]}
    for path in ("/subjects/s/versions", "/subjects/kept", "/compatibility/subjects/kept/versions"):
        _refused(await call("POST", path, reference, _JSON), name)
    _refused(await call("PUT", "/config/s", {"alias": name}, _JSON), name)
    _refused(await call("PUT", "/config", {"aliasForDeks": name}, _JSON), name)
    _refused(await call("POST", "/api/v1/validate", {"subject": name, "data": {}}), name)
    _refused(await call("POST", "/api/v1/validate", {"schema_id": 1, "subject": name, "data": {}}), name)
    _refused(await call("POST", f"/api/v1/validate/batch?subject={quote(name)}", []), name)
    resource = {"resourceName": "t", "resourceNamespace": "c", "resourceId": "i", "resourceType": "topic"}
    request = {**resource, "associations": [{"subject": name}]}
    _refused(await call("POST", "/associations", request, _JSON), name)
    request = {**resource, "resourceId": name, "associations": [{"subject": "kept"}]}
    _refused(await call("POST", "/associations", request, _JSON), name)
    answer = await call("POST", "/api/v1/plan", {"schemas": [{"subject": name, "schema": _S1}], "apply": True})
    assert answer.json["schemas"][0]["error_code"] == 42208
    assert await call.registry.store.revision() == before


async def test_imports_bring_no_long_names(call: Caller) -> None:
    assert (await call("PUT", "/mode/s", {"mode": "IMPORT"}, _JSON)).status == 200
    name = _LONG["ascii"]
    body = {"schema": '"R"', "id": 7, "version": 1, "references": [{"name": "R", "subject": name, "version": 1}]}
    _refused(await call("POST", "/subjects/s/versions", body, _JSON), name)


async def test_contexts(call: Caller) -> None:
    context = ":." + "c" * MAX_NAME_BYTES
    for method, path, body in (
        ("PUT", f"/config/{context}:", {"compatibility": "FULL"}),
        ("PUT", f"/contexts/{context}/config", {"compatibility": "FULL"}),
        ("POST", f"/contexts/{context}/subjects/s/versions", {"schema": _S1}),
        ("DELETE", f"/contexts/{context}", None),
    ):
        answer = await call(method, path, body, _JSON)
        assert answer.json["error_code"] == 42208, path
        assert f"at most {MAX_NAME_BYTES}" in answer.json["message"]


@pytest.mark.parametrize("name", [_LONGEST, "é" * (MAX_NAME_BYTES // 2), f":.{'c' * 490}:{'n' * 507}"])
async def test_the_longest_name(call: Caller, name: str) -> None:
    path = quote(name, safe="")
    assert (await call("POST", f"/subjects/{path}/versions", {"schema": _S1}, _JSON)).status == 200
    assert (await call("PUT", f"/config/{path}", {"alias": "kept"}, _JSON)).status == 200
    assert (await call("PUT", "/config/other", {"alias": name}, _JSON)).status == 200
    assert (await call("GET", "/subjects/other/versions")).json == [1]
    reference = {"schema": '"R"', "references": [{"name": "R", "subject": name, "version": 1}]}
    assert (await call("POST", "/subjects/s/versions", reference, _JSON)).status == 200
