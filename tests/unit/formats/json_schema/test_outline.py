import json
from pathlib import Path

from llm_schema_registry.formats.format import OutlineField
from llm_schema_registry.formats.json_schema import FORMAT

EVENTS = json.loads((Path(__file__).parents[3] / "vectors/json/events.json").read_text())


def outline(schema):
    return FORMAT.outline(FORMAT.parse(json.dumps(schema)))


def types(schema):
    return {field.path: field.type for field in outline(schema)}


def test_fields_have_all_their_facts():
    schema = {
        "type": "object",
        "properties": {
            "ssn": {"type": "string", "description": "Secret.", "confluent:tags": ["PII", "SENSITIVE"]},
            "count": {"type": "integer", "default": 0, "title": "Count"},
        },
        "required": ["ssn"],
    }
    assert outline(schema) == [
        OutlineField(path="ssn", type="string", required=True, doc="Secret.", tags=("PII", "SENSITIVE")),
        OutlineField(path="count", type="integer", required=False, default="0", doc="Count"),
    ]


def test_types_are_short():
    properties = {
        "a": {"type": ["string", "null"]},
        "b": {"type": "array", "items": {"type": "number"}},
        "c": {"type": "string", "enum": ["x"]},
        "d": {"enum": [1]},
        "e": {"oneOf": [{"type": "boolean"}, {"type": "object", "title": "Thing"}]},
        "f": {},
        "g": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
        "h": {"type": "array"},
        "i": False,
        "j": {"type": "object", "if": {}, "then": {}},
    }
    assert types({"properties": properties}) == {
        "a": "union<string, null>",
        "b": "array<number>",
        "c": "string",
        "d": "enum",
        "e": "union<boolean, Thing>",
        "f": "any",
        "g": "array<string, integer>",
        "h": "array<any>",
        "i": "never",
        "j": "object",
    }


def test_paths_lead_through_objects_arrays_maps_and_references():
    schema = {
        "definitions": {"item": {"type": "object", "title": "Item", "properties": {"price": {"type": "number"}}}},
        "properties": {
            "latency": {"type": "object", "properties": {"total_ms": {"type": "number"}}},
            "items": {"type": "array", "items": {"$ref": "#/definitions/item"}},
            "tags": {"type": "object", "additionalProperties": {"$ref": "#/definitions/item"}},
        },
    }
    assert types(schema) == {
        "latency": "object",
        "latency.total_ms": "number",
        "items": "array<Item>",
        "items[].price": "number",
        "tags": "object",
        "tags{}.price": "number",
    }


def test_branches_are_joined():
    schema = {
        "allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}],
        "properties": {"c": {"anyOf": [{"properties": {"d": {"type": "null"}}}, {"type": "null"}]}},
    }
    assert [field.path for field in outline(schema)] == ["a", "b", "c", "c.d"]


def test_recursion_is_cut_at_the_second_occurrence():
    node = {"properties": {"value": {"type": "string"}, "next": {"$ref": "#"}}}
    assert [field.path for field in outline(node)] == ["value", "next"]


def test_shared_definitions_do_not_multiply_without_end():
    steps = {str(n): {"properties": {side: {"$ref": f"#/definitions/{n + 1}"} for side in "lr"}} for n in range(40)}
    assert 80 <= len(outline({"definitions": {**steps, "40": {}}, "$ref": "#/definitions/0"})) < 10_000


def test_a_schema_without_fields_has_no_outline():
    assert outline(True) == outline({"type": "string"}) == []


def test_events_have_outlines():
    for schema in EVENTS["schemas"].values():
        assert outline(schema)
