"""The policy EXACT: proofs decide, on this node or where work can be stopped."""

import json
from typing import Any

import pytest

from llm_schema_registry.compatibility import CompatibilityLevel, Policy, Verdict
from llm_schema_registry.contracts import GLOBAL_SCOPE
from llm_schema_registry.core.findings import Severity
from llm_schema_registry.formats import SchemaType
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError
from llm_schema_registry.registry.compatibility import check_request, decide_apart
from llm_schema_registry.registry.config import ConfigUpdate, get_config, put_config
from unit.registry.building import S, put, refused, request

OLD = json.dumps({"type": "object", "properties": {"a": {"const": "x"}}, "additionalProperties": False})
NEW = json.dumps({"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "additionalProperties": False})
OVERLAPPING = json.dumps({"oneOf": [{"type": "integer"}]}), json.dumps({"oneOf": [{"type": "integer"}, {"minimum": 0}]})
OPEN = json.dumps({"type": "string", "pattern": "^a$"}), json.dumps({"type": "string", "pattern": "^a"})


def json_request(text: str) -> Any:
    return request(text, schema_type=SchemaType.JSON)


@pytest.fixture
async def exact(registry: Registry) -> Registry:
    await put_config(registry, GLOBAL_SCOPE, ConfigUpdate(compatibility_policy="exact"))
    return registry


async def test_the_config_takes_the_policy(exact: Registry) -> None:
    assert (await get_config(exact, GLOBAL_SCOPE)).compatibility_policy is Policy.EXACT


async def test_a_proof_makes_compatible_what_the_rules_refuse(registry: Registry) -> None:
    await put(registry, OLD, schema_type=SchemaType.JSON)
    await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, NEW, schema_type=SchemaType.JSON))
    await put_config(registry, S, ConfigUpdate(compatibility_policy="EXACT"))
    assert await check_request(registry, S, json_request(NEW)) == Verdict()
    verdict = await check_request(registry, S, json_request(NEW), annotate=True)
    (finding,) = verdict.findings
    assert (finding.code, finding.severity, verdict.messages) == ("json.CONTAINED", Severity.INFO, ())
    assert finding.message.startswith("Proved by structural rules: every payload that is valid under version 1 ")
    assert (await put(registry, NEW, schema_type=SchemaType.JSON)).version.version == 2


async def test_each_direction_of_a_level_is_proved(exact: Registry) -> None:
    await put(exact, OLD, schema_type=SchemaType.JSON)
    await put_config(exact, S, ConfigUpdate(compatibility=CompatibilityLevel.FULL))
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(exact, NEW, schema_type=SchemaType.JSON))
    first = error.findings[0]
    assert (first.code, first.direction, first.path) == ("json.NOT_CONTAINED", "FORWARD", "/a")
    assert {finding.direction for finding in error.findings} == {"FORWARD"}


async def test_what_the_rules_overlook_is_refused_with_the_payload(exact: Registry) -> None:
    old, new = OVERLAPPING
    await put(exact, old, schema_type=SchemaType.JSON)
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(exact, new, schema_type=SchemaType.JSON))
    (finding,) = error.findings
    assert finding.code == "json.NOT_CONTAINED"
    assert "valid under version 1, is refused by the new schema: 1" in finding.message
    assert 'errorType:"NOT_CONTAINED"' in error.message


async def test_an_open_question_is_refused_with_the_reason(exact: Registry) -> None:
    old, new = OPEN
    await put(exact, old, schema_type=SchemaType.JSON)
    verdict = await check_request(exact, S, json_request(new))
    assert not verdict.compatible
    assert verdict.findings[0].code == "json.CONTAINMENT_OPEN"
    assert "neither the structural rules nor the containment prover" in verdict.findings[0].message


async def test_a_proof_that_is_given_up_is_an_open_question(exact: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(exact, OLD, schema_type=SchemaType.JSON)

    async def given_up(use_case: object, *arguments: object) -> None:
        assert use_case is decide_apart
        raise RegistryError(ErrorCode.BUDGET_EXCEEDED, message="The work was given up: it took too long. Simplify.")

    monkeypatch.setattr(exact, "apart", given_up)
    verdict = await check_request(exact, S, json_request(NEW))
    assert verdict.findings[0].code == "json.CONTAINMENT_OPEN"
    assert "it took too long" in verdict.findings[0].message
    # Equal schemas need no proof.
    assert (await check_request(exact, S, json_request(OLD))).compatible


async def test_other_formats_are_compared_by_rules(exact: Registry) -> None:
    old = json.dumps({"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]})
    new = json.dumps({"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]})
    await put(exact, old)
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(exact, new))
    assert error.findings[0].code == "avro.TYPE_MISMATCH"


async def test_transitive_levels_prove_every_version(exact: Registry) -> None:
    await put_config(exact, S, ConfigUpdate(compatibility=CompatibilityLevel.BACKWARD_TRANSITIVE))
    for text in ({"enum": [1, "a"]}, {"enum": [1, "a", 2]}):
        await put(exact, json.dumps(text), schema_type=SchemaType.JSON)
    assert (await check_request(exact, S, json_request('{"type": ["integer", "string"]}'))).compatible
    verdict = await check_request(exact, S, json_request('{"enum": [1, 2]}'))
    assert verdict.against_version == 2
