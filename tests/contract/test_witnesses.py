"""Witnesses over HTTP: asked for by `witness=true`, and absent otherwise."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contract.asgi import Caller, started

_OLD = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
_NEW = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"},{"name":"f2","type":"int"}]}'
_FORMATS: dict[str, tuple[str, str]] = {
    "AVRO": (_OLD, _NEW),
    "JSON": (
        '{"type":"object","properties":{"a":{"type":["string","null"]}}}',
        '{"type":"object","properties":{"a":{"type":"string"}}}',
    ),
    "PROTOBUF": (
        'syntax = "proto3"; message M { string a = 1; }',
        'syntax = "proto3"; message M { int32 a = 1; }',
    ),
}


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with started() as caller:
        yield caller


@pytest.mark.parametrize("schema_type", _FORMATS)
async def test_a_refused_registration_shows_a_payload(call: Caller, schema_type: str) -> None:
    old, new = _FORMATS[schema_type]
    assert (await call("POST", "/subjects/s/versions", _body(old, schema_type))).status == 200
    plain = await call("POST", "/subjects/s/versions", _body(new, schema_type))
    shown = await call("POST", "/subjects/s/versions?witness=true", _body(new, schema_type))
    assert (plain.status, shown.status) == (409, 409)
    assert shown.headers["content-type"] == plain.headers["content-type"]
    body = shown.json
    witness = body.pop("witness")
    assert body.pop("witness_searched") is True
    assert body == plain.json
    # Codecs of Protobuf take what does not fit for an unknown field; our validation does not.
    outcome = "misread" if schema_type == "PROTOBUF" else "refused"
    assert (witness["direction"], witness["outcome"]) == ("BACKWARD", outcome)
    assert witness["problem"]

    # What is shown is really valid under the old schema, and not under the new one.
    framed = {"subject": "s", "version": 1, "data_base64": witness["encoded"]}
    assert (await call("POST", "/api/v1/validate", framed)).json["valid"]
    await call("PUT", "/config/s", {"compatibility": "NONE"})
    assert (await call("POST", "/subjects/s/versions", _body(new, schema_type))).status == 200
    assert base64.b64decode(witness["encoded"])
    assert not (await call("POST", "/api/v1/validate", {**framed, "version": 2})).json["valid"]


async def test_checks_show_it_too(call: Caller) -> None:
    await call("POST", "/subjects/s/versions", _body(_OLD))
    for path in ("/compatibility/subjects/s/versions", "/compatibility/subjects/s/versions/1"):
        assert (await call("POST", path, _body(_NEW))).json == {"is_compatible": False}
        answer = (await call("POST", f"{path}?witness=true", _body(_NEW))).json
        assert answer["witness_searched"]
        assert set(answer["witness"]["payload"]) == {"f1"}
        assert (await call("POST", f"{path}?witness=true", _body(_OLD))).json == {"is_compatible": True}


async def test_none_is_said_to_be_none(call: Caller) -> None:
    await call("POST", "/subjects/s/versions", _body(_OLD))
    other = _body('{"type":"string"}', "JSON")
    answer = (await call("POST", "/compatibility/subjects/s/versions?witness=true", other)).json
    assert answer == {"is_compatible": False, "witness": None, "witness_searched": True}


def _body(schema: str, schema_type: str = "AVRO") -> dict[str, Any]:
    return {"schema": schema, "schemaType": schema_type}


async def test_a_check_with_details_warns_of_a_break_that_the_rules_overlook(call: Caller) -> None:
    old, new = '{"oneOf":[{"type":"integer"}]}', '{"oneOf":[{"type":"integer"},{"type":"number"}]}'
    await call("POST", "/subjects/s/versions", _body(old, "JSON"))
    for path in ("/compatibility/subjects/s/versions", "/compatibility/subjects/s/versions/1"):
        assert (await call("POST", path, _body(new, "JSON"))).json == {"is_compatible": True}
        answer = (await call("POST", f"{path}?verbose=true", _body(new, "JSON"))).json
        assert answer["is_compatible"]
        assert answer["messages"] == []
        (warning,) = answer["details"]
        assert (warning["code"], warning["severity"]) == ("schema.OVERLOOKED_BREAK", "warning")
        assert "is refused by the new schema: 1" in warning["message"]
    assert (await call("POST", "/subjects/s/versions", _body(new, "JSON"))).status == 200
