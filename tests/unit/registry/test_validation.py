"""Payloads are checked on the spot where that is cheap, and in the sandbox where it may not be."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llm_schema_registry.formats import SchemaType
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError, RegistryOptions
from llm_schema_registry.registry.offload import ProcessOffload
from llm_schema_registry.registry.validation import INLINE_BYTES, Form, Payload, Validation, judge
from llm_schema_registry.sandbox import Limits
from llm_schema_registry.store.factory import open_store
from llm_schema_registry.store.records import StoredSchema
from unit.registry.building import put, refused

NEWEST = "https://json-schema.org/draft/2020-12/schema"
TWICE = {
    "$ref": "#/definitions/t",
    "definitions": {
        "t": {
            "type": ["object", "null"],
            "properties": {"l": {"anyOf": [{"$ref": "#/definitions/t"}, {"$ref": "#/definitions/t"}]}},
        }
    },
}


def exploding(levels: int) -> str:
    steps = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2, "unevaluatedProperties": False} for n in range(levels)
    }
    return json.dumps({"$schema": NEWEST, "$defs": {**steps, f"d{levels}": {"type": "integer"}}, "$ref": "#/$defs/d0"})


def nested(levels: int, end: Any) -> bytes:
    for _ in range(levels):
        end = {"l": end}
    return json.dumps(end).encode()


@pytest.fixture
async def heavy() -> AsyncIterator[ProcessOffload]:
    work = ProcessOffload("sqlite://", RegistryOptions(), limits=Limits(seconds=4.0, memory=512 * 1024 * 1024))
    yield work
    work.close()


@pytest.fixture
async def registry(tmp_path: Path, heavy: ProcessOffload) -> AsyncIterator[Registry]:
    store = await open_store(f"sqlite:///{tmp_path}/registry.db")
    yield Registry(store, elsewhere=heavy, is_alone=True)
    await store.close()


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Registry]:
    """A registry that does all work in its own process."""
    store = await open_store(f"sqlite:///{tmp_path}/alone.db")
    yield Registry(store, is_alone=True)
    await store.close()


async def stored(registry: Registry, text: str, number: int = 7) -> StoredSchema:
    """A schema as an older version, or an import, may have left it."""
    registered = await put(registry, "{}", schema_type="JSON")
    content = registered.content
    return StoredSchema(
        context=content.context,
        schema_id=number,
        guid=f"{number}",
        schema_type="JSON",
        text=text,
        references=(),
        metadata=None,
        rule_set=None,
        created_at=content.created_at,
    )


async def test_cheap_payloads_are_checked_on_the_spot(registry: Registry) -> None:
    validation = await Validation.of(registry, await stored(registry, json.dumps(TWICE)))
    for payload in (Payload(b'{"l": null}'), Payload(b"null", Form.ENCODED)):
        found = validation.check(payload)
        assert found is not None
        assert found.valid
    broken = validation.check(Payload(b"{"))
    assert broken is not None
    assert broken.errors[0].code == "payload.MALFORMED_JSON"
    assert validation.check(Payload(b'"' + b"x" * INLINE_BYTES + b'"')) is None
    assert validation.check_text(b" " * INLINE_BYTES + b"null") is None


@pytest.mark.slow
async def test_expensive_payloads_are_checked_apart_each_within_the_deadline(registry: Registry) -> None:
    validation = await Validation.of(registry, await stored(registry, json.dumps(TWICE)))
    good, endless, bad = nested(12, None), nested(40, 5), b'{"l": 5}' + b" " * INLINE_BYTES
    payloads = [Payload(text) for text in (good, good, bad, endless, good, bad)]
    assert [validation.check(payload) for payload in payloads] == [None] * 6
    outcomes = [outcome async for outcome in validation.check_expensive(payloads)]
    assert [outcome.valid for outcome in outcomes] == [True, True, False, False, True, False]
    assert [outcome.is_given_up for outcome in outcomes] == [False, False, False, True, False, False]
    assert outcomes[3].errors[0].code == "payload.BUDGET_EXCEEDED"
    assert "42290" in outcomes[3].errors[0].message


@pytest.mark.slow
async def test_a_schema_that_cannot_be_compiled_harms_itself_alone(registry: Registry) -> None:
    content = await stored(registry, exploding(22))
    for _ in range(2):
        with pytest.raises(RegistryError) as caught:
            await Validation.of(registry, content)
        assert caught.value.code is ErrorCode.BUDGET_EXCEEDED
        # The second time nothing is tried.
        registry._elsewhere = None
    assert (await registry.schemas.parsed(registry.store, content)).canonical


async def test_a_large_schema_is_compiled_apart(registry: Registry) -> None:
    validation = await Validation.of(registry, await stored(registry, exploding(11)))
    assert validation.check(Payload(b"1")) is None
    assert [outcome.valid async for outcome in validation.check_expensive([Payload(b"1"), Payload(b'"x"')])] == [
        True,
        False,
    ]


async def test_a_schema_that_breaks_its_metaschema_is_told(registry: Registry) -> None:
    text = json.dumps({"properties": {f"p{n}": {"type": "string"} for n in range(2_000)}, "required": "x"})
    with pytest.raises(RegistryError) as caught:
        await Validation.of(registry, await stored(registry, text))
    assert caught.value.code is ErrorCode.PAYLOADS_NOT_CHECKED


@pytest.mark.slow
async def test_what_cannot_be_compiled_is_not_registered(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"
    work = ProcessOffload(url, RegistryOptions(), limits=Limits(seconds=8.0, memory=384 * 1024 * 1024))
    store = await open_store(url)
    registry = Registry(store, elsewhere=work)
    try:
        error = await refused(ErrorCode.BUDGET_EXCEEDED, put(registry, exploding(24), schema_type="JSON"))
        assert "given up" in error.message
        assert (await put(registry, exploding(10), schema_type="JSON")).created
    finally:
        work.close()
        await store.close()


async def test_the_message_reaches_payloads_that_are_checked_apart(alone: Registry) -> None:
    text = 'syntax = "proto3"; package p; message M { string a = 1; } message N { int32 b = 1; }'
    content = (await put(alone, text, schema_type="PROTOBUF")).content
    validation = await Validation.of(alone, content, "N")
    long = b'{"b": 1}' + b" " * INLINE_BYTES
    payloads = [
        Payload(long),
        Payload(b'{"@type": "p.M"}'),
        Payload(b'{ "b" : "x" }'),
        Payload(b"\x08\x01", Form.ENCODED),
        Payload(b"", Form.ENCODED, (0,)),
    ]
    assert validation.check(payloads[0]) is None
    outcomes = [outcome async for outcome in validation.check_expensive(payloads)]
    assert [(outcome.valid, outcome.message) for outcome in outcomes] == [
        (True, "p.N"),
        (False, None),
        (False, "p.N"),
        (True, "p.N"),
        (False, None),
    ]
    assert validation.check(payloads[2]) == outcomes[2]


async def test_an_unknown_message_is_refused_wherever_the_schema_is_compiled(alone: Registry) -> None:
    text = 'syntax = "proto3"; message M {}'
    content = (await put(alone, text, schema_type="PROTOBUF")).content
    for message in ("Nope", ""):
        error = await refused(ErrorCode.UNKNOWN_MESSAGE, Validation.of(alone, content, message))
        assert error.message.endswith("It declares M.")
    error = await refused(ErrorCode.UNKNOWN_MESSAGE, alone.apart(judge, SchemaType.PROTOBUF, text, (), (), "Nope"))
    assert error.message == "The schema does not declare message Nope. It declares M."


async def test_formats_with_one_type_have_no_messages(alone: Registry) -> None:
    for text in (json.dumps(TWICE), exploding(11)):
        error = await refused(ErrorCode.UNKNOWN_MESSAGE, Validation.of(alone, await stored(alone, text), "M"))
        assert "one type per schema" in error.message
