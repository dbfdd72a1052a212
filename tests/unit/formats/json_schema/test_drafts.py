"""Each resource is read by its own draft, wherever it stands and whoever refers to it."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.formats.format import Dependency, InvalidSchemaError
from llm_schema_registry.formats.json_schema import FORMAT

URIS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}
ROWS = json.loads((Path(__file__).parents[3] / "vectors/json/drafts.json").read_text())


def parse(schema, *dependencies):
    return FORMAT.parse(json.dumps(schema), [Dependency(name, json.dumps(text)) for name, text in dependencies])


def errors(schema, value):
    return FORMAT.validator(schema).check_value(value)


def check(schema, row, wrapped=lambda value: {"a": value}):
    for value in row["valid"]:
        assert errors(schema, wrapped(value)) == []
    for value in row["invalid"]:
        assert errors(schema, wrapped(value)) != []


def identified(row, uri):
    return {"id" if row["draft"] == 4 else "$id": uri, "$schema": URIS[row["draft"]], **row["schema"]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["description"])
@pytest.mark.parametrize("referrer", URIS)
def test_a_referenced_schema_is_read_by_its_own_draft(row, referrer):
    text = {"$schema": URIS[row["draft"]], **row["schema"]}
    schema = parse({"$schema": URIS[referrer], "properties": {"a": {"$ref": "other.json"}}}, ("other.json", text))
    check(schema, row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["description"])
@pytest.mark.parametrize("between", URIS)
def test_a_schema_behind_another_one_is_read_by_its_own_draft(row, between):
    text = {"$schema": URIS[row["draft"]], **row["schema"]}
    middle = {"$schema": URIS[between], "definitions": {"k": {"properties": {"z": {"$ref": "other.json"}}}}}
    for root in (4, 2020):
        schema = parse(
            {"$schema": URIS[root], "properties": {"a": {"$ref": "middle.json#/definitions/k"}}},
            ("other.json", text),
            ("middle.json", middle),
        )
        check(schema, row, lambda value: {"a": {"z": value}})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["description"])
@pytest.mark.parametrize("around", URIS)
@pytest.mark.parametrize("keyword", ["definitions", "$defs", "x-unknown"])
def test_a_part_with_its_own_uri_is_read_by_its_own_draft(row, around, keyword):
    part = identified(row, "http://example.com/part")
    for reference in ("http://example.com/part", f"#/{keyword}/part"):
        schema = parse({"$schema": URIS[around], keyword: {"part": part}, "properties": {"a": {"$ref": reference}}})
        check(schema, row)
    check(parse({"$schema": URIS[around], "properties": {"a": part}}), row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["description"])
def test_it_has_its_own_draft_by_its_name_and_by_its_own_uri(row):
    text = identified(row, "http://example.com/own.json")
    for reference in ("http://example.com/own.json", "other.json"):
        schema = parse(
            {"$id": "http://example.org/root.json", "properties": {"a": {"$ref": reference}}}, ("other.json", text)
        )
        check(schema, row)


def test_a_reference_without_a_draft_is_read_by_the_draft_it_was_registered_under():
    text = {"items": [{"type": "string"}]}
    for root in URIS:
        schema = parse({"$schema": URIS[root], "properties": {"a": {"$ref": "t"}}}, ("t", text))
        assert errors(schema, {"a": ["x"]}) == []
        assert errors(schema, {"a": [1]})


def test_a_part_without_a_draft_is_read_by_the_one_around_it():
    schema = parse(
        {"$schema": URIS[2020], "$defs": {"p": {"$id": "p", "prefixItems": [{"type": "string"}]}}, "$ref": "p"}
    )
    assert errors(schema, [1])


def test_a_draft_without_a_uri_of_its_own_says_nothing():
    schema = parse({"properties": {"a": {"$schema": URIS[4], "exclusiveMinimum": 3}}})
    assert errors(schema, {"a": 3})


def test_a_part_is_checked_by_its_own_metaschema():
    part = {"id": "http://example.com/part", "$schema": URIS[4], "properties": {"a": {"exclusiveMinimum": 3}}}
    with pytest.raises(InvalidSchemaError) as caught:
        parse({"definitions": {"part": part}})
    assert caught.value.findings[0].path.startswith("#/definitions/part/properties/a")


def test_a_reference_may_lead_into_a_part_with_its_own_uri():
    part = {"$id": "http://example.com/part", "definitions": {"k": {"type": "string"}}}
    schema = parse({"definitions": {"p": part}, "properties": {"a": {"$ref": "#/definitions/p/definitions/k"}}})
    assert errors(schema, {"a": 1})
    assert errors(schema, {"a": "x"}) == []


def test_a_reference_may_lead_back_to_the_schema():
    back = {"properties": {"b": {"$ref": "http://example.com/root"}}}
    schema = parse(
        {"$id": "http://example.com/root", "type": "object", "properties": {"a": {"$ref": "back"}}}, ("back", back)
    )
    assert errors(schema, {"a": {"b": {"a": {"b": {}}}}}) == []
    assert errors(schema, {"a": {"b": {"a": {"b": 1}}}})


def test_two_references_may_call_themselves_the_same():
    schema = parse(
        {"properties": {"a": {"$ref": "a"}, "b": {"$ref": "b"}}},
        ("a", {"$id": "http://example.com/x", "type": "string"}),
        ("b", {"$id": "http://example.com/x", "type": "integer"}),
    )
    assert errors(schema, {"a": "x", "b": 1}) == []
    assert len(errors(schema, {"a": 1, "b": "x"})) == 2


@pytest.mark.parametrize(
    ("draft", "before", "after", "expected"),
    [
        (4, {"minimum": 3}, {"minimum": 3, "exclusiveMinimum": True}, "EXCLUSIVE_MINIMUM_ADDED"),
        (2019, {}, {"dependentRequired": {"p": ["q"]}}, "DEPENDENCY_ARRAY_ADDED"),
        (2020, {"prefixItems": [{"type": "string"}]}, {"prefixItems": [{"type": "integer"}]}, "TYPE_CHANGED"),
    ],
)
@pytest.mark.parametrize("referrer", URIS)
def test_verdicts_read_each_schema_by_its_own_draft(draft, before, after, expected, referrer):
    def version(text):
        kind = "array" if "prefixItems" in text else "object" if draft == 2019 else "number"
        return parse(
            {"$schema": URIS[referrer], "properties": {"a": {"$ref": "t"}}},
            ("t", {"$schema": URIS[draft], "type": kind, **text}),
        )

    found = [difference.type.name for difference in FORMAT.compare(version(after), version(before))]
    assert expected in found


def test_names_of_properties_are_no_keywords():
    part = {"$id": "http://example.com/part", "type": "string"}
    schema = parse({"properties": {"default": {"allOf": [part]}, "a": {"$ref": "http://example.com/part"}}})
    assert errors(schema, {"a": 1})


@pytest.mark.parametrize(
    "definitions",
    [
        {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}},
        {"a": {"$anchor": "x"}, "b": {"$dynamicAnchor": "x"}},
        {"a": {"$id": "http://example.com/p", "$defs": {"c": {"$anchor": "x"}, "d": {"$anchor": "x"}}}},
    ],
)
def test_an_anchor_names_one_place(definitions):
    with pytest.raises(InvalidSchemaError, match="the anchor 'x' is also that of"):
        parse({"$schema": URIS[2020], "$defs": definitions})


def test_resources_have_anchors_of_their_own():
    other = {"$id": "http://example.com/p", "$anchor": "x", "type": "integer"}
    schema = parse(
        {"$schema": URIS[2020], "$defs": {"a": {"$anchor": "x", "type": "string"}, "b": other}, "$ref": "#x"}
    )
    assert errors(schema, "s") == []
    assert errors(schema, 1)
