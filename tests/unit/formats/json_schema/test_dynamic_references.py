"""`$dynamicRef` and `$recursiveRef` in comparisons: each row breaks a payload behind one."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.compatibility import Policy, breaking_differences
from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats import Dependency, Outcome
from llm_schema_registry.formats.containment import Answer
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.containment import containment

ROWS = json.loads((Path(__file__).parents[3] / "vectors/json/dynamic_references.json").read_text())
NEWEST = "https://json-schema.org/draft/2020-12/schema"


def parsed(schema, *dependencies):
    return FORMAT.parse(json.dumps(schema), dependencies)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
@pytest.mark.parametrize("policy", Policy)
def test_a_breaking_change_behind_a_dynamic_reference_is_found(row, policy):
    writer, reader = parsed(row["writer"]), parsed(row["reader"])
    assert FORMAT.read(reader, writer, row["payload"]).outcome is Outcome.REFUSED
    assert list(breaking_differences(reader, writer, policy, Budget()))
    assert containment(reader, writer, Budget()).answer is not Answer.YES
    assert not list(breaking_differences(reader, reader, policy, Budget()))


def test_what_a_dynamic_reference_means_is_proved_like_a_reference():
    def node(reference, leaf):
        properties = {"next": reference, "x": {"type": leaf}}
        return {"$schema": NEWEST, "$dynamicAnchor": "n", "type": "object", "properties": properties}

    for reference in ({"$dynamicRef": "#n"}, {"$ref": "#"}):
        writer, reader = parsed(node({"$dynamicRef": "#n"}, "integer")), parsed(node(reference, "number"))
        assert containment(reader, writer, Budget()).answer is Answer.YES
        assert containment(writer, reader, Budget()).answer is not Answer.YES


def test_a_target_that_depends_on_the_way_is_an_open_question():
    part = {"$schema": NEWEST, "$dynamicAnchor": "n", "type": "object", "properties": {"next": {"$dynamicRef": "#n"}}}
    other = {"$schema": NEWEST, "$dynamicAnchor": "n", "$ref": "part.json", "required": ["next"]}
    used = [Dependency("part.json", json.dumps(part)), Dependency("other.json", json.dumps(other))]
    root = {"$schema": NEWEST, "properties": {"a": {"$ref": "part.json"}, "b": {"$ref": "other.json"}}}
    found = containment(
        parsed({**root, "maxProperties": 9}, *used), parsed({**root, "maxProperties": 8}, *used), Budget()
    )
    assert found.answer is Answer.UNKNOWN
    assert found.reason == "the target of the $dynamicRef '#n' depends on the way to it"


def test_possible_targets_that_apply_to_one_value_come_to_an_end():
    """`other` refers to `part`, which refers back in place where the way leads through `other`."""
    part = {"$schema": NEWEST, "$dynamicAnchor": "n", "anyOf": [{"type": "null"}, {"items": {"$dynamicRef": "#n"}}]}
    other = {"$schema": NEWEST, "$dynamicAnchor": "n", "$ref": "part.json", "not": {"$dynamicRef": "part.json#n"}}
    used = [Dependency("part.json", json.dumps(part)), Dependency("other.json", json.dumps(other))]
    root = {"$schema": NEWEST, "properties": {"a": {"$ref": "part.json"}, "b": {"$ref": "other.json"}}}
    schema, same = FORMAT.parse(json.dumps(root), used, strict=False), parsed({**root, "title": "t"}, *used)
    assert not list(breaking_differences(schema, same, Policy.STRICT, Budget()))
    assert FORMAT.outline(schema)
    assert FORMAT.tags(schema) is not None
    assert next(FORMAT.samples(schema)) is not None
