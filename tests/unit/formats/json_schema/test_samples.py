import json
from pathlib import Path

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.format import Outcome
from llm_schema_registry.formats.json_schema import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors/json"
EVENTS = json.loads((VECTORS / "events.json").read_text())
PAIRS = json.loads((VECTORS / "compatibility.json").read_text())
NEWEST = "https://json-schema.org/draft/2020-12/schema"


def parse(schema):
    return FORMAT.parse(json.dumps(schema))


def samples(schema):
    return list(FORMAT.samples(parse(schema)))


@pytest.mark.parametrize("name", EVENTS["schemas"] | EVENTS["drift"])
def test_events_have_valid_samples_that_stay_the_same(name):
    schema = (EVENTS["schemas"] | EVENTS["drift"])[name]
    made = samples(schema)
    checker = FORMAT.validator(parse(schema))
    assert len(made) > 10
    assert all(checker.check_value(value) == [] for value in made)
    assert made == samples(schema)


def test_optional_properties_are_there_and_not_there_and_take_every_symbol():
    made = samples(
        {
            "type": "object",
            "properties": {
                "kind": {"enum": ["a", "b"]},
                "note": {"type": ["string", "null"]},
                "id": {"type": "string"},
            },
            "required": ["id"],
            "additionalProperties": False,
        }
    )
    assert made[0].keys() == {"id"}
    assert {value.get("kind") for value in made} == {"a", "b", None}
    assert any("note" not in value for value in made)
    assert {type(value["note"]) for value in made if "note" in value} == {str, type(None)}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 3, "maximum": 5}, {3, 4, 5}),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {0.5, 1}),
        ({"type": "number", "multipleOf": 7, "minimum": 20}, {21}),
        ({"type": "string", "minLength": 2, "maxLength": 5}, {"xx", "xxxxx"}),
        ({"type": "string", "pattern": "^[A-Z]{3}$"}, {"ABC", "USD"}),
        ({"type": "string", "format": "date"}, {"2026-01-31"}),
        ({"type": "boolean"}, {True, False}),
        ({"oneOf": [{"type": "null"}, {"const": 4.5}]}, {None, 4.5}),
        ({"type": "string", "enum": ["a", 1]}, {"a"}),
        ({"minLength": 3}, {"text", 1, None}),
    ],
)
def test_edges_are_taken(schema, expected):
    assert expected <= set(filter(lambda value: not isinstance(value, (list, dict)), samples(schema)))


def test_collections_are_empty_and_filled():
    made = samples({"type": "array", "items": {"type": "boolean"}, "maxItems": 3})
    assert {len(value) for value in made} == {0, 1, 2, 3}
    assert samples({"$schema": NEWEST, "type": "array", "prefixItems": [{"const": 1}], "items": False}) == [[], [1]]
    merged = samples({"allOf": [{"required": ["a"]}, {"properties": {"b": {"const": 1}}, "required": ["b"]}]})
    assert {"a", "b"} <= next(value for value in merged if isinstance(value, dict)).keys()


def test_recursive_types_end():
    made = samples({"type": "object", "properties": {"next": {"$ref": "#"}, "value": {"type": "null"}}})
    assert made[0] == {}
    for payload in ({"value": None}, {"next": {}}, {"next": {"next": {"value": None}}}):
        assert payload in made
    assert samples({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}) == []
    assert samples(False) == []


@pytest.mark.slow
def test_work_is_bounded():
    steps = {str(n): {"properties": {side: {"$ref": f"#/definitions/{n + 1}"} for side in "lr"}} for n in range(40)}
    schema = parse({"definitions": {**steps, "40": {}}, "$ref": "#/definitions/0"})
    with pytest.raises(BudgetExceededError):
        list(FORMAT.samples(schema, budget=Budget(100)))


def test_types_that_meet_on_many_paths_are_made_once():
    names = [f"T{number}" for number in range(20)]
    others = {"oneOf": [{"$ref": f"#/definitions/{name}"} for name in names]}
    links = {"rel0": others, "rel1": others}
    types = {
        name: {"type": "object", "properties": {"kind": {"const": name}, **links}, "required": ["kind"]}
        | {"additionalProperties": False}
        for name in names
    }
    schema = parse({"definitions": types, "$ref": "#/definitions/T0"})
    made = list(FORMAT.samples(schema, budget=Budget(20_000)))
    assert {"kind": "T0", "rel0": {"kind": "T0", "rel1": {"kind": "T0"}}} in made


def test_a_property_without_known_values_hides_no_other_one():
    empty = {"type": "array", "items": {}, "minItems": 1, "contains": {"not": {}}}
    made = samples({"type": "object", "properties": {"a": empty, "b": {"type": ["null", "boolean"]}}})
    assert all(payload in made for payload in ({"b": None}, {"b": True}, {"b": False}))


def test_readings():
    number, integer = parse({"type": "number"}), parse({"type": "integer"})
    assert FORMAT.read(number, integer, 1).outcome is Outcome.READ
    assert FORMAT.read(number, integer, 1).encoded == b"1"
    assert FORMAT.read(integer, number, 1.5).outcome is Outcome.REFUSED
    assert FORMAT.read(integer, number, 1.5).problem == "The payload must be integer, but it is number: 1.5"
    assert FORMAT.read(number, integer, "x").outcome is Outcome.UNWRITABLE


def test_samples_show_most_incompatible_changes():
    broken = shown = 0
    for row in PAIRS:
        if row["strict"] or "dependencies" in row:
            continue
        reader, writer = parse(row["reader"]), parse(row["writer"])
        readings = (FORMAT.read(reader, writer, value) for value in FORMAT.samples(writer))
        broken += 1
        shown += any(reading.outcome is Outcome.REFUSED for reading in readings)
    assert shown / broken > 0.85


def test_names_that_depend_on_each_other_are_tried_together():
    schema = FORMAT.parse('{"type":"object","properties":{"a":{}},"dependencies":{"card":["address","a"]}}')
    found = list(FORMAT.samples(schema))
    assert any({"card", "address", "a"} <= value.keys() for value in found)
    closed = FORMAT.parse('{"type":"object","additionalProperties":false,"dependencies":{"card":["address"]}}')
    assert list(FORMAT.samples(closed)) == [{}]
