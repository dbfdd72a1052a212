"""`/api/v1/plan` over HTTP, and the settings of all scopes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from contract.asgi import Caller, started

_PART = '{"type":"record","name":"Part","fields":[{"name":"x","type":"int"}]}'
_WHOLE = '{"type":"record","name":"Whole","fields":[{"name":"p","type":"Part"}]}'
_SET: list[dict[str, Any]] = [
    {"subject": "whole", "schema": _WHOLE, "references": [{"name": "Part", "subject": "part", "version": -1}]},
    {"subject": "part", "schema": _PART, "schemaType": "AVRO", "metadata": {"properties": {"owner": "x"}}},
]


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with started() as caller:
        yield caller


async def test_planned_then_applied_then_unchanged(call: Caller) -> None:
    planned = (await call("POST", "/api/v1/plan", {"schemas": _SET})).json
    assert (planned["outcome"], planned["applied"]) == ("ok", False)
    assert [(each["subject"], each["action"], each["version"], each["id"]) for each in planned["schemas"]] == [
        ("whole", "register", 1, 2),
        ("part", "register", 1, 1),
    ]
    assert (await call("GET", "/subjects")).json == []

    applied = await call("POST", "/api/v1/plan", {"schemas": _SET, "apply": True, "expect": planned["digest"]})
    assert applied.json == {**planned, "applied": True}
    assert applied.headers["x-registry-revision"] == "1"
    whole = (await call("GET", "/subjects/whole/versions/latest")).json
    assert whole["references"] == [{"name": "Part", "subject": "part", "version": 1}]
    assert whole["guid"] == planned["schemas"][0]["guid"]

    again = (await call("POST", "/api/v1/plan", {"schemas": _SET, "apply": True})).json
    assert [each["action"] for each in again["schemas"]] == ["unchanged", "unchanged"]
    assert again["digest"] == planned["digest"]

    # Neither a later version nor a deletion is overlooked.
    body = {"schemas": _SET, "apply": True, "expect": planned["digest"]}
    await call("PUT", "/config", {"compatibility": "NONE"})
    await call("POST", "/subjects/part/versions", {"schema": '"int"'})
    assert (await call("POST", "/api/v1/plan", body)).json["outcome"] == "ok"
    await call("DELETE", "/subjects/whole")
    changed = (await call("POST", "/api/v1/plan", body)).json
    assert (changed["outcome"], changed["applied"]) == ("changed", False)
    assert [each["version"] for each in changed["schemas"]] == [2, 1]


async def test_a_refusal_is_an_answer_with_reasons(call: Caller) -> None:
    await call("POST", "/subjects/part/versions", {"schema": _PART})
    wider = _PART.replace('"int"', '"string"')
    body = {"schemas": [{"subject": "part", "schema": wider}, {"subject": "new", "schema": _PART}], "apply": True}
    answer = (await call("POST", "/api/v1/plan?witness=true", body)).json
    assert (answer["outcome"], answer["applied"]) == ("refused", False)
    refused, fine = answer["schemas"]
    assert (refused["action"], refused["error_code"], fine["action"]) == ("refuse", 40901, "register")
    assert refused["findings"][0]["code"] == "avro.TYPE_MISMATCH"
    assert isinstance(refused["witness"]["payload"]["x"], int)
    assert "witness" not in (await call("POST", "/api/v1/plan", body)).json["schemas"][0]
    assert (await call("GET", "/subjects")).json == ["part"]


async def test_an_alias_is_followed(call: Caller) -> None:
    await call("PUT", "/config/short", {"alias": "long"})
    answer = (await call("POST", "/api/v1/plan", {"schemas": [{"subject": "short", "schema": _PART}]})).json
    assert answer["schemas"][0]["subject"] == "long"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"schemas": []}, 200),
        ({}, 400),
        ({"schemas": [{"schema": _PART}]}, 400),
        ({"schemas": [{"subject": "s", "schema": _PART}] * 1_001}, 422),
    ],
)
async def test_bodies_that_are_off(call: Caller, body: Any, status: int) -> None:
    assert (await call("POST", "/api/v1/plan", body)).status == status


async def test_every_scope_with_a_setting_is_listed(call: Caller) -> None:
    assert (await call("GET", "/api/v1/scopes")).json == {"scopes": []}
    await call("PUT", "/config", {"compatibility": "FULL"})
    await call("PUT", "/config/no-versions-yet", {"normalize": True})
    await call("PUT", "/config/:.team:", {"compatibility": "NONE"})
    await call("PUT", "/mode/:.__GLOBAL:", {"mode": "READONLY"})
    assert (await call("GET", "/api/v1/scopes")).json == {
        "scopes": [
            {"scope": "", "config": {"compatibilityLevel": "FULL"}},
            {"scope": "no-versions-yet", "config": {"normalize": True}},
            {"scope": ":.__GLOBAL:", "mode": "READONLY"},
            {"scope": ":.team:", "config": {"compatibilityLevel": "NONE"}},
        ]
    }
