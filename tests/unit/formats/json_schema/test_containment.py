"""Containment: proofs by rules and by the prover, and what stays open."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.compatibility.witnesses import find_witness
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Dependency, Outcome
from llm_schema_registry.formats.containment import Answer, Proof
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.containment import containment

VECTORS = Path(__file__).parents[3] / "vectors/json"
ROWS = json.loads((VECTORS / "exact.json").read_text())
LAXITIES = json.loads((VECTORS / "laxities.json").read_text())
DRAFTS = [
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
]


def parsed(schema, **dependencies):
    declared = [Dependency(name, json.dumps(each)) for name, each in dependencies.items()]
    return FORMAT.parse(json.dumps(schema), declared, strict=False)


def decided(writer, reader):
    return containment(parsed(reader), parsed(writer), Budget())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_vectors(row):
    writer, reader = parsed(row["writer"]), parsed(row["reader"])
    found = containment(reader, writer, Budget())
    assert (found.answer is Answer.YES) == (row["contained"] == "yes")
    assert (found.proof is not None) == (found.answer is Answer.YES)
    assert bool(found.reason) == (found.answer is not Answer.YES)
    if row["contained"] == "no":
        assert FORMAT.read(reader, writer, row["payload"]).outcome is Outcome.REFUSED
    if row["contained"] == "yes":
        assert find_witness(reader, writer, CompatibilityLevel.BACKWARD) is None


@pytest.mark.parametrize("row", LAXITIES, ids=lambda row: row["name"])
def test_no_laxity_of_the_rules_is_contained(row):
    writer, reader = json.loads(row["writer"]), json.loads(row["reader"])
    assert decided(writer, reader).answer is not Answer.YES


def test_the_finding_can_name_the_method():
    loosened = {"type": "integer"}, {"type": "number"}
    assert decided(*loosened).proof is Proof.RULES
    assert decided({"type": "number", "multipleOf": 1}, {"type": "integer"}).proof is Proof.PROVER

    def recursive(leaf):
        node = {"type": "object", "properties": {"next": {"$ref": "#/definitions/N"}, "x": leaf}}
        return {"definitions": {"N": node}, "$ref": "#/definitions/N"}

    found = decided(recursive({"type": "number", "multipleOf": 1}), recursive({"type": "integer"}))
    assert found.proof is Proof.RULES_AND_PROVER


def test_equal_schemas_are_contained_without_a_proof():
    dynamic = {"$schema": DRAFTS[-1], "$dynamicAnchor": "n", "properties": {"c": {"$dynamicRef": "#n"}}}
    budget = Budget(0)
    assert FORMAT.containment(parsed(dynamic), parsed(dynamic), budget=budget).proof is Proof.EQUALITY


def test_a_proof_is_no_work_for_an_event_loop():
    with pytest.raises(BudgetExceededError):
        FORMAT.containment(parsed({"type": "number"}), parsed({"type": "integer"}), budget=Budget(4_000))
    assert FORMAT.containment(parsed({"type": "number"}), parsed({"type": "integer"})).answer is Answer.YES


def test_references_are_read_by_their_own_draft():
    bound = {"$schema": DRAFTS[0], "minimum": 1, "exclusiveMinimum": True}
    writer = parsed({"$schema": DRAFTS[4], "properties": {"a": {"$ref": "b.json"}}}, **{"b.json": bound})
    assert containment(parsed({"properties": {"a": {"exclusiveMinimum": 1}}}), writer, Budget()).answer is Answer.YES
    assert containment(parsed({"properties": {"a": {"minimum": 2}}}), writer, Budget()).answer is not Answer.YES


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("other", DRAFTS)
def test_a_tuple_means_the_same_in_all_drafts(draft, other):
    def tuple_in(uri, *items):
        keyword, rest = ("prefixItems", "items") if "2020" in uri else ("items", "additionalItems")
        return {"$schema": uri, "type": "array", keyword: list(items), rest: False}

    one, two = tuple_in(draft, {"type": "string"}), tuple_in(other, {"type": "string"}, {"type": "boolean"})
    assert decided(one, two).answer is Answer.YES
    assert decided(two, one).answer is not Answer.YES


@pytest.mark.parametrize("count", [12, 30])
def test_large_recursive_unions_are_proved(count):
    """Each of the types refers to all others; one gets an optional property."""

    def types(extra):
        names = [f"T{number}" for number in range(count)]
        definitions = {}
        for name in names:
            others = [{"$ref": f"#/definitions/{other}"} for other in names if other != name]
            properties = {"kind": {"const": name}, "one": {"oneOf": others}, "two": {"oneOf": others}}
            definitions[name] = {
                "type": "object",
                "properties": properties,
                "required": ["kind"],
                "additionalProperties": False,
            }
        definitions["T0"]["properties"] |= extra
        return {"definitions": definitions, "$ref": "#/definitions/T0"}

    old, new = types({}), types({"added": {"type": "string"}})
    assert decided(old, new).proof is Proof.RULES
    assert decided(new, old).answer is not Answer.YES
