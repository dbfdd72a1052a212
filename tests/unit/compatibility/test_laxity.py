"""Breaks that the rules overlook: warnings with a payload, which never decide."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.compatibility import CompatibilityLevel, Policy, check, laxity, overlooked_break
from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.core.findings import Finding, Severity
from llm_schema_registry.formats import ParsedSchema, SchemaType, format_of

VECTORS = Path(__file__).parents[2] / "vectors"
LISTED = [
    (schema_type, row)
    for schema_type in SchemaType
    for row in json.loads((VECTORS / schema_type.lower() / "laxities.json").read_text(encoding="utf-8"))
]
LEVEL = CompatibilityLevel


def json_schema(schema: object) -> ParsedSchema:
    return format_of(SchemaType.JSON).parse(json.dumps(schema))


def either(*types: str) -> ParsedSchema:
    return json_schema({"oneOf": [{"type": each} for each in types]})


INTEGER, OVERLAPPING = either("integer"), either("integer", "number")


def shown(candidate: ParsedSchema, previous: ParsedSchema, level: LEVEL = LEVEL.BACKWARD) -> Finding:
    warning = overlooked_break(candidate, [(4, previous)], level)
    assert warning is not None
    return warning


@pytest.mark.parametrize(("schema_type", "row"), LISTED)
def test_every_listed_laxity_is_warned_of(schema_type: SchemaType, row: dict[str, str]) -> None:
    format_ = format_of(schema_type)
    writer, reader = format_.parse(row["writer"]), format_.parse(row["reader"])
    verdict = check(reader, [(4, writer)], LEVEL.BACKWARD, annotate=True)
    assert verdict.compatible
    warning = shown(reader, writer)
    assert (warning.code, warning.severity) == ("schema.OVERLOOKED_BREAK", Severity.WARNING)
    assert (warning.direction, warning.against_version) == ("BACKWARD", 4)
    assert "This payload, valid under version 4, is " in warning.message


NEVER_KNOWN = {"type": "array", "minItems": 1, "contains": {"pattern": "^\\u0001{9}$"}, "items": {"type": "string"}}
PLACES = {
    "a property among others": lambda place: {
        "type": "object",
        "properties": {**{f"p{number}": {"type": ["null", "boolean"]} for number in range(12)}, "q": place},
    },
    "beside a property without known values": lambda place: {"properties": {"a": NEVER_KNOWN, "b": place}},
    "below a type that holds itself": lambda place: {
        "definitions": {"N": {"properties": {"n": {"$ref": "#/definitions/N"}, "v": place}}},
        "properties": {"r": {"$ref": "#/definitions/N"}},
    },
    "deep inside": lambda place: {"properties": {"a": {"type": "object", "properties": {"b": place}}}},
    "values of other properties": lambda place: {"type": "object", "additionalProperties": place},
    "of names": lambda place: {"type": "object", "properties": {"z": {"additionalProperties": place}}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("row", [row for schema_type, row in LISTED if schema_type is SchemaType.JSON])
def test_a_listed_laxity_is_warned_of_wherever_it_is(row: dict[str, str], place: str) -> None:
    sides = []
    for side in (row["writer"], row["reader"]):
        inner = json.loads(side)
        dialect = {"$schema": inner.pop("$schema")} if "$schema" in inner else {}
        sides.append(json_schema({**dialect, **PLACES[place](inner)}))
    writer, reader = sides
    if check(reader, [(4, writer)], LEVEL.BACKWARD).compatible:
        assert shown(reader, writer).severity is Severity.WARNING


def test_the_warning_shows_the_payload_and_names_the_nearest_difference() -> None:
    warning = shown(OVERLAPPING, INTEGER)
    assert warning.path == "#/oneOf"
    assert warning.message == (
        "The rules call this change compatible, but a payload breaks. The nearest difference is SUM_TYPE_EXTENDED at "
        "'#/oneOf'. This payload, valid under version 4, is refused by the new schema: 1 The payload fits 2 of the 2 "
        "alternatives of 'oneOf', but must fit one"
    )


def test_of_many_differences_the_one_at_the_place_of_the_payload_is_named() -> None:
    closed = {"type": "object", "additionalProperties": False}
    integer, overlapping = {"oneOf": [{"type": "integer"}]}, {"oneOf": [{"type": "integer"}, {"type": "number"}]}
    old = {"properties": {"a": {"type": "integer"}, "b": {"items": {**closed, "properties": {"c": integer}}}}}
    new = {"properties": {"a": {"type": "number"}, "b": {"items": {**closed, "properties": {"c": overlapping}}}}}
    assert shown(json_schema(new), json_schema(old)).path == "#/properties/b/items/properties/c/oneOf"


def test_without_a_difference_none_is_named() -> None:
    warning = shown(json_schema({"type": "string", "format": "date"}), json_schema({"type": "string"}))
    assert warning.path == ""
    assert "nearest" not in warning.message


@pytest.mark.parametrize("level", [LEVEL.BACKWARD, LEVEL.FULL, LEVEL.FULL_TRANSITIVE])
def test_every_promise_of_the_level_is_searched(level: LEVEL) -> None:
    text, date = json_schema({"type": "string"}), json_schema({"type": "string", "format": "date"})
    assert shown(date, text, level).direction == "BACKWARD"


def test_lenient_changes_are_warned_of() -> None:
    old, new = {"properties": {"a": {}}}, {"properties": {"a": {}, "b": {"type": "string"}}}
    verdict = check(json_schema(new), [(1, json_schema(old))], LEVEL.BACKWARD, Policy.LENIENT)
    assert verdict.compatible
    history = [(1, json_schema(old))]
    warning = overlooked_break(json_schema(new), history, LEVEL.BACKWARD, Policy.LENIENT, older="a.json")
    assert warning is not None
    assert warning.path == "#/properties/b"
    assert "valid under a.json" in warning.message


def test_what_breaks_nothing_has_no_warning() -> None:
    number = json_schema({"type": "number"})
    assert overlooked_break(number, [(1, json_schema({"type": "integer"})), (2, number)], LEVEL.BACKWARD) is None
    assert overlooked_break(OVERLAPPING, [(1, INTEGER)], LEVEL.NONE) is None
    assert overlooked_break(OVERLAPPING, [], LEVEL.FULL) is None


def test_the_newest_versions_are_searched() -> None:
    history = [(9 - number, OVERLAPPING) for number in range(laxity.VERSIONS_SEARCHED - 1)]
    warning = overlooked_break(OVERLAPPING, [*history, (1, INTEGER)], LEVEL.BACKWARD_TRANSITIVE)
    assert warning is not None
    assert warning.against_version == 1
    assert overlooked_break(OVERLAPPING, [*history, (2, OVERLAPPING), (1, INTEGER)], LEVEL.BACKWARD_TRANSITIVE) is None


def test_a_search_with_too_few_steps_is_not_taken_for_a_result() -> None:
    number, integer = json_schema({"type": "number"}), json_schema({"type": "integer"})
    with pytest.raises(BudgetExceededError):
        overlooked_break(number, [(1, integer)], LEVEL.BACKWARD, steps=20)
    assert overlooked_break(number, [(1, integer)], LEVEL.BACKWARD, steps=10_000) is None
