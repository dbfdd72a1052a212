"""Witnesses of refusals, and what happens when there is none or no room to look for one."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llm_schema_registry.compatibility import Direction
from llm_schema_registry.formats import Outcome
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError, RegistryOptions
from llm_schema_registry.registry.compatibility import check_request
from llm_schema_registry.registry.identifiers import LATEST
from llm_schema_registry.registry.offload import ProcessOffload
from llm_schema_registry.registry.witnesses import overlooked_by_check, witness_of_refusal, witness_of_verdict
from llm_schema_registry.store.factory import open_store
from unit.registry.building import S1, S3, S4, S, put, record, reference, refused, request

ENUMS = [
    json.dumps({"type": "enum", "name": "E", "symbols": [f"s{number}" for number in range(many)]})
    for many in (400, 399)
]


async def test_the_witness_is_against_the_version_of_the_refusal(registry: Registry) -> None:
    await put(registry)
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, S3))
    witness = await witness_of_refusal(registry, S, request(S3), error)
    assert witness is not None
    assert (witness.direction, witness.reading.outcome) == (Direction.BACKWARD, Outcome.REFUSED)
    assert set(witness.payload) == {"f1"}
    assert witness.reading.encoded[1:].decode() == witness.payload["f1"]

    verdict = await check_request(registry, S, request(S4), version=1)
    witness = await witness_of_verdict(registry, S, request(S4), verdict)
    assert witness is not None
    assert isinstance(witness.payload["f1"], str)


async def test_there_is_none_for_another_format(registry: Registry) -> None:
    await put(registry)
    other = request('{"type":"string"}', schema_type="JSON")
    verdict = await check_request(registry, S, other)
    assert not verdict.compatible
    assert await witness_of_verdict(registry, S, other, verdict) is None


async def test_references_are_resolved(registry: Registry) -> None:
    part = S._replace(name="part")
    await put(registry, record("x:string", name="Part"), part)
    await put(registry, record("p:Part", name="Whole"), references=[reference("Part", "part")])
    changed = request(record("p:Part", "q:Part", name="Whole"), references=[reference("Part", "part")])
    verdict = await check_request(registry, S, changed)
    witness = await witness_of_verdict(registry, S, changed, verdict)
    assert witness is not None
    assert set(witness.payload["p"]) == {"x"}


@pytest.fixture
async def heavy(tmp_path: Path) -> AsyncIterator[ProcessOffload]:
    work = ProcessOffload(f"sqlite:///{tmp_path}/registry.db", RegistryOptions())
    yield work
    work.close()


async def test_a_long_search_is_done_elsewhere(tmp_path: Path, heavy: ProcessOffload) -> None:
    """The one symbol that is missing is the last sample of hundreds."""
    store = await open_store(f"sqlite:///{tmp_path}/registry.db")
    here = Registry(store, steps=4_000)
    await put(here, ENUMS[0])
    verdict = await check_request(here, S, request(ENUMS[1]))
    assert not verdict.compatible
    assert await witness_of_verdict(here, S, request(ENUMS[1]), verdict) is None

    witness = await witness_of_verdict(Registry(store, steps=4_000, elsewhere=heavy), S, request(ENUMS[1]), verdict)
    assert witness is not None
    assert witness.payload == "s399"
    await store.close()


async def test_other_errors_are_not_swallowed(registry: Registry) -> None:
    await put(registry)
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, S3))
    with pytest.raises(RegistryError) as caught:
        await witness_of_refusal(registry, S, request(S1.replace('"f1"', '"f 1"')), error)
    assert caught.value.code is ErrorCode.INVALID_SCHEMA


def one_of(*types: str) -> str:
    return json.dumps({"oneOf": [{"type": each} for each in types]})


async def test_a_break_that_the_check_overlooks_is_found(registry: Registry) -> None:
    await put(registry, one_of("integer"), schema_type="JSON")
    candidate = request(one_of("integer", "number"), schema_type="JSON")
    assert (await check_request(registry, S, candidate, annotate=True)).compatible
    for version in (None, 1, LATEST):
        warning = await overlooked_by_check(registry, S, candidate, version=version)
        assert warning is not None
        assert (warning.code, warning.against_version) == ("schema.OVERLOOKED_BREAK", 1)
    assert await overlooked_by_check(registry, S, request(one_of("integer", "string"), schema_type="JSON")) is None


async def test_the_search_for_overlooked_breaks_may_have_no_room(tmp_path: Path, heavy: ProcessOffload) -> None:
    """The one constant that breaks is the last sample of hundreds."""
    old = {"enum": [*range(400)]}
    new = {"oneOf": [old, {"const": 399}]}
    store = await open_store(f"sqlite:///{tmp_path}/registry.db")
    here = Registry(store, steps=4_000)
    await put(here, json.dumps(old), schema_type="JSON")
    candidate = request(json.dumps(new), schema_type="JSON")
    assert (await check_request(here, S, candidate)).compatible
    assert await overlooked_by_check(here, S, candidate) is None
    warning = await overlooked_by_check(Registry(store, steps=4_000, elsewhere=heavy), S, candidate)
    assert warning is not None
    assert "399" in warning.message
    await store.close()
