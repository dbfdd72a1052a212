import json
from collections import Counter
from pathlib import Path

import pytest

from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.compatibility.witnesses import find_witness
from llm_schema_registry.formats.format import Certainty, Dependency, Impact
from llm_schema_registry.formats.json_schema import FORMAT, differences

ROWS = json.loads((Path(__file__).parents[3] / "vectors/json/compatibility.json").read_text())
CONTAINS = '{"$schema":"https://json-schema.org/draft/2020-12/schema","contains":true%s}'
# In the table for completeness: the first two belong to a check of metadata, the last was replaced by finer types.
NOT_REPORTED = {
    "RESERVED_PROPERTY_REMOVED",
    "RESERVED_PROPERTY_CONFLICTS_WITH_PROPERTY",
    "PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
}


def parse(row, side):
    dependencies = row.get("dependencies", {}).get(side, {})
    return FORMAT.parse(
        json.dumps(row[side]), [Dependency(name, json.dumps(schema)) for name, schema in dependencies.items()]
    )


def found(differences):
    return Counter((difference.type.name, difference.path) for difference in differences)


def expected(rows):
    return Counter((row["type"], row["path"]) for row in rows)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["description"])
def test_vectors(row):
    reader, writer = parse(row, "reader"), parse(row, "writer")
    differences = FORMAT.compare(reader, writer)
    assert found(differences) == expected(row["differences"])
    assert all(one.type.impact is Impact.COMPATIBLE for one in differences) is row["strict"]
    lenient = FORMAT.compare(reader, writer, lenient=True)
    assert found(lenient) == expected(row.get("lenientDifferences", row["differences"]))
    assert all(one.type.impact is not Impact.INCOMPATIBLE for one in lenient) is row["lenient"]


def test_every_type_is_seen_in_a_compatible_context_and_in_another():
    contexts = {name: set() for name in FORMAT.difference_types}
    counts = Counter()
    for row in ROWS:
        for difference in row["differences"]:
            contexts[difference["type"]].add(row["strict"])
            counts[difference["type"]] += 1
    assert {name for name, count in counts.items() if count >= 2} == set(FORMAT.difference_types) - NOT_REPORTED
    for name, row in FORMAT.difference_types.items():
        if name not in NOT_REPORTED:
            assert contexts[name] == ({True, False} if row.impact is Impact.COMPATIBLE else {False})


def test_the_table_has_what_the_reference_has():
    impacts = Counter(row.impact for row in FORMAT.difference_types.values())
    assert impacts == {Impact.COMPATIBLE: 65, Impact.LENIENT: 9, Impact.INCOMPATIBLE: 58}
    for name, row in FORMAT.difference_types.items():
        assert row.name == name
        assert row.why.endswith(".")
        assert bool(row.fix) is bool(row.description) is (row.impact is not Impact.COMPATIBLE)
        row.description.format(reader="new", writer="old", path="#/", detail="")


@pytest.mark.parametrize(
    ("writer", "reader", "text"),
    [
        (
            {"type": "object", "properties": {}},
            {"type": "object", "properties": {"a": {"type": "string"}}},
            '{errorType:"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", description:"The new schema has an open '
            "content model and has a property or item at path '#/properties/a' which is missing in the old schema'}",
        ),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            {"type": "object", "properties": {}, "additionalProperties": False},
            '{errorType:"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", description:"The new has a closed content model '
            "and is missing a property or item present at path '#/properties/a' in the old schema'}",
        ),
        (
            {"type": "string", "maxLength": 5},
            {"type": "string", "maxLength": 3},
            '{errorType:"MAX_LENGTH_DECREASED", description:"The value at path \'#/maxLength\' in the new schema is '
            "less than its value in the old schema'}",
        ),
        (
            {"type": "string"},
            {"type": "integer"},
            '{errorType:"TYPE_CHANGED", description:"A type at path \'#/\' is different between the new schema and the '
            "old schema'}",
        ),
        (
            {"type": "object", "properties": {"{a}%s": {"type": "string"}}},
            {"type": "object", "properties": {"{a}%s": {"type": "integer"}}},
            '{errorType:"TYPE_CHANGED", description:"A type at path \'#/properties/{a}%s\' is different between the '
            "new schema and the old schema'}",
        ),
    ],
)
def test_texts(writer, reader, text):
    (difference,) = FORMAT.compare(FORMAT.parse(json.dumps(reader)), FORMAT.parse(json.dumps(writer)))
    assert FORMAT.describe(difference, "new", "old") == text


def test_differences_name_both_sides():
    def one(writer, reader):
        (difference,) = FORMAT.compare(FORMAT.parse(json.dumps(reader)), FORMAT.parse(json.dumps(writer)))
        return difference.writer, difference.reader, difference.detail

    assert one({"type": "number", "maximum": 10}, {"type": "number", "maximum": 5.50}) == ("10", "5.5", "")
    assert one({"enum": ["a", "b"]}, {"enum": ["a"]}) == ('["a","b"]', '["a"]', "b")
    assert one({"type": "string"}, {"type": ["integer", "null"]}) == ("string", '["integer","null"]', "")
    assert one({"properties": {}}, {"properties": {"a": {"type": "string"}}}) == (
        None,
        None,
        "the content model is open because additionalProperties is absent",
    )


@pytest.mark.parametrize(("additional", "said"), [({}, "absent"), ({"additionalProperties": True}, "true")])
def test_an_addition_says_why_the_model_is_open(additional, said):
    writer = FORMAT.parse(json.dumps({"type": "object", "properties": {}, **additional}))
    reader = FORMAT.parse(json.dumps({"type": "object", "properties": {"a": {"type": "string"}}, **additional}))
    (found,) = FORMAT.compare(reader, writer)
    assert found.detail == f"the content model is open because additionalProperties is {said}"


@pytest.mark.parametrize(
    ("writer", "reader", "name", "sides"),
    [
        ('{"minLength":1}', '{"type":"string","minLength":1}', "TYPE_NARROWED", ("string", "any type")),
        ('{"maximum":1}', '{"type":"integer","maximum":1}', "TYPE_NARROWED", ("integer", "any type")),
        ('{"type":"number"}', '{"type":"integer"}', "TYPE_NARROWED", ("integer", "number")),
        ('{"const":1}', '{"const":2}', "ENUM_ARRAY_CHANGED", ("2", "1")),
        (CONTAINS % ',"minContains":0', CONTAINS % "", "MIN_CONTAINS_INCREASED", ("1", "0")),
        ('{"oneOf":[{"type":"null"},{"const":1}]}', '{"type":"string"}', "TYPE_CHANGED", ("string", "oneOf")),
    ],
)
def test_a_difference_shows_both_sides(writer, reader, name, sides):
    (found,) = FORMAT.compare(FORMAT.parse(reader), FORMAT.parse(writer))
    assert (found.type.name, found.reader, found.writer) == (name, *sides)


def test_enum_values_are_listed():
    (found,) = FORMAT.compare(FORMAT.parse('{"enum":["a"]}'), FORMAT.parse('{"enum":["a","c","b"]}'))
    assert (found.type.name, found.detail) == ("ENUM_ARRAY_NARROWED", "b, c")


@pytest.mark.parametrize(("writer", "reader"), [("0", "5"), ("5", "0")])
def test_a_stored_divisor_of_zero_has_no_multiples(writer, reader):
    sides = [FORMAT.parse(f'{{"type":"number","multipleOf":{number}}}', strict=False) for number in (reader, writer)]
    (found,) = FORMAT.compare(*sides)
    assert found.type.name == "MULTIPLE_OF_CHANGED"


@pytest.mark.parametrize(("writer", "reader"), [("1", "1e-9000"), ("1e3000", "1e-3000"), ("1e-3000", "1e3000")])
def test_divisors_of_absurd_size_are_not_worked_out(writer, reader):
    sides = [FORMAT.parse(f'{{"type":"number","multipleOf":{number}}}') for number in (reader, writer)]
    (found,) = FORMAT.compare(*sides)
    assert found.type.name == "MULTIPLE_OF_CHANGED"


def kind_of(name, **properties):
    return {"type": "object", "properties": {"kind": {"const": name}, **properties}}


@pytest.mark.parametrize(
    ("writer", "reader", "text"),
    [
        (
            {"oneOf": [kind_of("a", x={"type": "integer"}), kind_of("b", y={"type": "integer"})]},
            {"oneOf": [kind_of("b", y={"type": "string"}), kind_of("a", x={"type": "integer"}), kind_of("c")]},
            "oneOf/1 of the writer and oneOf/0 of the reader are the nearest, and differ by TYPE_CHANGED at "
            "properties/y (writer: integer, reader: string)",
        ),
        (
            {"allOf": [{"type": "integer"}, {"type": "string"}, {"minimum": 1}]},
            {"allOf": [{"type": "integer"}, {"minimum": 3}]},
            "allOf/2 of the writer and allOf/1 of the reader are the nearest, and differ by MINIMUM_INCREASED at "
            "minimum (writer: 1, reader: 3)",
        ),
        (
            {"type": ["string", "null"]},
            {"type": ["boolean", "null"]},
            "string of the writer and boolean of the reader are the nearest, and differ by TYPE_CHANGED "
            "(writer: string, reader: boolean)",
        ),
        (
            {"oneOf": [{"oneOf": [{"type": "string"}]}]},
            {"oneOf": [{"oneOf": [{"type": "boolean"}]}]},
            "oneOf/0 of the writer and oneOf/0 of the reader are the nearest, and differ by "
            "COMBINED_TYPE_SUBSCHEMAS_CHANGED at oneOf (oneOf/0 of the writer and oneOf/0 of the reader are the "
            "nearest, and differ by TYPE_CHANGED (writer: string, reader: boolean))",
        ),
        (
            {"anyOf": [{"minimum": 2}, {"minimum": 3}]},
            {"anyOf": [{"minimum": 1}, {"type": "string"}]},
            "anyOf/1 of the writer and anyOf/0 of the reader are the nearest, but a branch counts for one other branch "
            "only",
        ),
    ],
)
def test_changed_subschemas_name_the_branch_that_fails(writer, reader, text):
    (difference,) = [
        each
        for each in FORMAT.compare(FORMAT.parse(json.dumps(reader)), FORMAT.parse(json.dumps(writer)))
        if each.type.name == "COMBINED_TYPE_SUBSCHEMAS_CHANGED"
    ]
    assert difference.detail == text
    assert text not in FORMAT.describe(difference, "new", "old")


HARMLESS = json.loads((Path(__file__).parents[3] / "vectors/json/harmless.json").read_text())


@pytest.mark.parametrize("row", HARMLESS, ids=lambda row: f"{json.dumps(row['writer'])} {json.dumps(row['reader'])}")
def test_refused_changes_that_keep_all_data_valid_are_known_as_such(row):
    reader, writer = parse(row, "reader"), parse(row, "writer")
    refused = [each for each in FORMAT.compare(reader, writer) if each.type.impact is not Impact.COMPATIBLE]
    assert [[each.type.name, each.path] for each in refused] == row["refused"]
    assert all(each.type.certainty is Certainty.NONE for each in refused) is row["harmless"]
    assert all(each.type.certainty is not Certainty.CERTAIN for each in refused)
    if row["harmless"]:
        assert find_witness(reader, writer, CompatibilityLevel.BACKWARD) is None


def test_a_harmless_form_keeps_what_the_rules_say():
    for name, row in FORMAT.difference_types.items():
        if row.impact is not Impact.COMPATIBLE:
            form = differences.ROWS[differences.harmless(name)]
            assert (form.name, form.impact, form.description, form.fix) == (name, row.impact, row.description, row.fix)
    assert FORMAT.difference_types.keys() == {row.name for row in differences.ROWS.values()}


def test_a_harmless_change_passes_under_lenient_where_the_rule_does():
    closed = {"type": "object", "additionalProperties": {}}
    sides = FORMAT.parse(json.dumps(closed)), FORMAT.parse('{"type": "object"}')
    (difference,) = FORMAT.compare(*sides, lenient=True)
    assert (difference.type.name, difference.type.impact) == ("ADDITIONAL_PROPERTIES_NARROWED", Impact.LENIENT)
