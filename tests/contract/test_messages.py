"""Validation of Protobuf payloads: the request may choose the message, the answer names it."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contract.asgi import Caller, started

_PROTO = """syntax = "proto3"; package shop;
message Order { string id = 1; map<string, int32> n = 2; message Line { int32 n = 1; } }
message Receipt { int32 total = 1; }
"""
_NDJSON = {"Content-Type": "application/x-ndjson"}
_ORDER, _RECEIPT, _LINE = "shop.Order", "shop.Receipt", "shop.Order.Line"


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with started() as caller:
        for subject, text, schema_type in (("proto", _PROTO, "PROTOBUF"), ("avro", '"string"', "AVRO")):
            body = {"schema": text, "schemaType": schema_type}
            assert (await caller("POST", f"/subjects/{subject}/versions", body)).status == 200
        body = {"schema": "{}", "schemaType": "JSON"}
        assert (await caller("POST", "/subjects/json/versions", body)).status == 200
        yield caller


def _encoded(payload: bytes, indexes: bytes | None = None) -> str:
    prefix = b"" if indexes is None else b"\x00\x00\x00\x00\x01" + indexes
    return base64.b64encode(prefix + payload).decode()


@pytest.mark.parametrize(
    ("request_body", "codes", "message"),
    [
        ({"data": {"id": "a"}}, [], _ORDER),
        ({"data": {"@type": _RECEIPT, "total": 1}}, [], _RECEIPT),
        ({"data": {"@type": "shop.Nope"}}, ["NO_MESSAGE"], None),
        ({"data": {"total": 1}, "message": _RECEIPT}, [], _RECEIPT),
        ({"data": {"total": "x"}, "message": "Receipt"}, ["INVALID_FORMAT"], _RECEIPT),
        ({"data": {"n": 1}, "message": "Order.Line"}, [], _LINE),
        ({"data": {"id": "a"}, "message": None}, [], _ORDER),
        ({"data": {"@type": f"x/{_RECEIPT}"}, "message": "Receipt"}, [], _RECEIPT),
        ({"data": {"@type": _RECEIPT}, "message": _ORDER}, ["MESSAGE_CONFLICT"], None),
        ({"data_base64": _encoded(b"\x0a\x01a")}, [], _ORDER),
        ({"data_base64": _encoded(b"\x08\x01"), "message": _RECEIPT}, [], _RECEIPT),
        ({"data_base64": _encoded(b"\x0a\x01a", b"\x00")}, [], _ORDER),
        ({"data_base64": _encoded(b"\x08\x01", b"\x02\x02")}, [], _RECEIPT),
        ({"data_base64": _encoded(b"\x08\x01", b"\x02\x02"), "message": "Receipt"}, [], _RECEIPT),
        ({"data_base64": _encoded(b"\x08\x01", b"\x02\x02"), "message": _ORDER}, ["MESSAGE_CONFLICT"], None),
        ({"data_base64": _encoded(b"\x0a\x01a", b"\x00"), "message": _RECEIPT}, ["MESSAGE_CONFLICT"], None),
    ],
)
async def test_the_message(call: Caller, request_body: Any, codes: list[str], message: str | None) -> None:
    answer = await call("POST", "/api/v1/validate", {"subject": "proto", **request_body})
    assert answer.status == 200, answer.body
    assert [error["code"].removeprefix("protobuf.") for error in answer.json["errors"]] == codes
    assert (answer.json["valid"], answer.json["message"]) == (not codes, message)


@pytest.mark.parametrize(
    ("subject", "message", "part"),
    [
        ("proto", "Recept", "Did you mean shop.Receipt? It declares shop.Order, shop.Receipt, shop.Order.Line."),
        ("proto", "Order.NEntry", "does not declare message Order.NEntry."),
        ("proto", "", "does not declare"),
        ("avro", "Order", "one type per schema"),
        ("json", "Order", "one type per schema"),
    ],
)
async def test_a_message_that_cannot_be_chosen(call: Caller, subject: str, message: str, part: str) -> None:
    body = {"subject": subject, "data": "x", "message": message}
    for answer in (
        await call("POST", "/api/v1/validate", body),
        await call("POST", f"/api/v1/validate/batch?subject={subject}&message={message}", []),
    ):
        assert (answer.status, answer.json["code"]) == (422, "UNKNOWN_MESSAGE")
        assert part in answer.json["detail"]


async def test_other_formats_take_no_message(call: Caller) -> None:
    answer = await call("POST", "/api/v1/validate", {"subject": "avro", "data": "x"})
    assert answer.json["message"] is None
    answer = await call("POST", "/api/v1/validate/batch?subject=avro", ["x"])
    assert answer.json["results"] == [{"index": 0, "valid": True}]


async def test_batches(call: Caller) -> None:
    events = [{"id": "a"}, {"@type": _RECEIPT, "total": 1}, {"total": 1}]
    answer = await call("POST", "/api/v1/validate/batch?subject=proto", events)
    results = [(each["valid"], each.get("message")) for each in answer.json["results"]]
    assert results == [(True, _ORDER), (True, _RECEIPT), (False, _ORDER)]
    lines = b"\n".join(json.dumps(event).encode() for event in events)
    answer = await call("POST", "/api/v1/validate/batch?subject=proto&message=Receipt", lines, _NDJSON)
    results = [(each["valid"], each.get("message")) for each in map(json.loads, answer.body.splitlines())]
    assert results == [(False, _RECEIPT), (True, _RECEIPT), (True, _RECEIPT)]
