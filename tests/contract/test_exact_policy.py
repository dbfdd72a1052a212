"""The policy EXACT over HTTP, with proofs in the processes of the sandbox."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contract.asgi import Caller, started


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with started() as caller:
        answer = await caller("PUT", "/config", {"compatibilityPolicy": "exact"})
        assert answer.json == {"compatibilityPolicy": "EXACT"}
        yield caller


def body(schema: Any) -> dict[str, Any]:
    return {"schemaType": "JSON", "schema": json.dumps(schema)}


async def test_proofs_decide(call: Caller) -> None:
    assert (await call("POST", "/subjects/s/versions", body({"const": "a"}))).status == 200
    path = "/compatibility/subjects/s/versions?verbose=true"
    proved = await call("POST", path, body({"enum": ["a", "b"]}))
    assert (proved.json["is_compatible"], proved.json["messages"]) == (True, [])
    (detail,) = proved.json["details"]
    assert (detail["code"], detail["severity"]) == ("json.CONTAINED", "info")
    refused = await call("POST", "/subjects/s/versions", body({"type": "integer"}))
    assert (refused.status, refused.json["error_code"]) == (409, 40901)
    assert refused.json["details"][0]["code"] == "json.NOT_CONTAINED"
    assert (await call("POST", "/subjects/s/versions", body({"enum": ["a", "b"]}))).status == 200


async def test_a_reference_to_another_subject_is_read_by_its_own_draft(call: Caller) -> None:
    bound = {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True}
    assert (await call("POST", "/subjects/bound/versions", body(bound))).status == 200
    references = [{"name": "bound.json", "subject": "bound", "version": 1}]
    newest = "https://json-schema.org/draft/2020-12/schema"
    referring = {"$schema": newest, "properties": {"a": {"$ref": "bound.json"}}}
    assert (await call("POST", "/subjects/s/versions", body(referring) | {"references": references})).status == 200
    path = "/compatibility/subjects/s/versions"
    for inlined, compatible in (({"exclusiveMinimum": 1}, True), ({"exclusiveMinimum": 2}, False)):
        answer = await call("POST", path, body({"$schema": newest, "properties": {"a": inlined}}))
        assert answer.json["is_compatible"] is compatible
