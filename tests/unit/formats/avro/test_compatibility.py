"""Compatibility: the verdicts and texts of the reference implementation, and our own vectors."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Dependency, Impact
from llm_schema_registry.formats.avro import FORMAT
from llm_schema_registry.formats.avro.compatibility import readable

VECTORS = Path(__file__).parents[3] / "vectors" / "avro"
REFERENCE = json.loads((VECTORS / "reference_compatibility.json").read_text())
OWN = json.loads((VECTORS / "compatibility.json").read_text())
EVOLUTION = json.loads((VECTORS / "evolution" / "expected.json").read_text())


def by_description(rows):
    return [pytest.param(row, id=row["description"]) for row in rows]


def deciding(found):
    return [item for item in found if item.type.impact is Impact.INCOMPATIBLE]


@pytest.mark.parametrize("row", by_description(REFERENCE))
def test_differences_are_those_of_the_reference(row):
    found = deciding(FORMAT.compare(FORMAT.parse(row["reader"]), FORMAT.parse(row["writer"])))
    expected = [(item["type"], item["location"], item["message"]) for item in row["incompatibilities"]]
    assert [(item.type.name, item.path, item.detail) for item in found] == expected
    assert [FORMAT.describe(item, "new", "old") for item in found] == row["messages"]
    assert (not found) == row["compatible"]
    assert readable(FORMAT.parse(row["reader"]), FORMAT.parse(row["writer"]), Budget()) == row["compatible"]


@pytest.mark.parametrize("row", by_description(OWN))
def test_differences_of_own_vectors(row):
    dependencies = [Dependency(item["name"], json.dumps(item)) for item in row.get("dependencies", [])]
    reader = FORMAT.parse(json.dumps(row["reader"]), dependencies)
    writer = FORMAT.parse(json.dumps(row["writer"]))
    found = FORMAT.compare(reader, writer)
    assert [{"type": item.type.name, "path": item.path} for item in found] == row["expected"]
    assert readable(reader, writer, Budget()) == (not deciding(found))
    assert FORMAT.compare(writer, writer) == []


def test_own_vectors_cover_every_type():
    used = {item["type"] for row in OWN for item in row["expected"]}
    assert used == set(FORMAT.difference_types)


@pytest.mark.parametrize(("variant", "verdicts"), EVOLUTION["verdicts"].items())
def test_evolution_of_a_real_schema(variant, verdicts):
    old, new = (FORMAT.parse((VECTORS / "evolution" / name).read_text()) for name in (EVOLUTION["base"], variant))
    backward, forward = not FORMAT.compare(new, old), not FORMAT.compare(old, new)
    assert {"BACKWARD": backward, "FORWARD": forward, "FULL": backward and forward} == verdicts


def test_every_type_of_difference_says_why_and_what_to_do():
    for name, kind in FORMAT.difference_types.items():
        assert kind.name == name
        assert kind.impact in (Impact.INCOMPATIBLE, Impact.LOGICAL)
        assert kind.why.endswith(".")
        assert kind.fix.endswith(".")


def record(*fields, **more):
    return {"type": "record", "name": "R", **more, "fields": [{"name": name, "type": kind} for name, kind in fields]}


BELOW = {"date": "int", "time-millis": "int", "uuid": "string", "big-decimal": "bytes"}


def logical(name):
    return {"type": BELOW.get(name, "long"), "logicalType": name}


def decimal(precision, scale, **below):
    return {"type": "bytes", **below, "logicalType": "decimal", "precision": precision, "scale": scale}


SIDES = {
    "NAME_MISMATCH": (record(), record() | {"name": "S"}, ("R", "S")),
    "FIXED_SIZE_MISMATCH": (
        {"type": "fixed", "name": "F", "size": 4},
        {"type": "fixed", "name": "F", "size": 8},
        ("4", "8"),
    ),
    "MISSING_ENUM_SYMBOLS": (
        {"type": "enum", "name": "E", "symbols": ["A", "B"]},
        {"type": "enum", "name": "E", "symbols": ["A", "C"]},
        ("A, B", "A, C"),
    ),
    "READER_FIELD_MISSING_DEFAULT_VALUE": (record(("a", ["null", "int"])), record(), ("a: union<null, int>", None)),
    "READER_FIELD_AMBIGUOUS": (
        {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "aliases": ["b"]}]},
        record(("a", "int"), ("b", "int")),
        ("a: int", "a, b"),
    ),
    "TYPE_MISMATCH": ("int", {"type": "array", "items": "long"}, ("int", "array<long>")),
    "MISSING_UNION_BRANCH": (["null", "int"], ["null", "string"], ("union<null, int>", "string")),
    "LOGICAL_TYPE_CHANGED": (logical("date"), logical("time-millis"), ("int(date)", "int(time-millis)")),
    "LOGICAL_UNIT_CHANGED": (
        logical("timestamp-nanos"),
        logical("timestamp-millis"),
        ("long(timestamp-nanos)", "long(timestamp-millis)"),
    ),
    "DECIMAL_SCALE_CHANGED": (decimal(9, 4), decimal(9, 2), ("bytes(decimal(9, 4))", "bytes(decimal(9, 2))")),
    "DECIMAL_PRECISION_CHANGED": (decimal(9, 2), decimal(7, 2), ("bytes(decimal(9, 2))", "bytes(decimal(7, 2))")),
}


@pytest.mark.parametrize("name", FORMAT.difference_types)
def test_a_difference_shows_both_sides(name):
    reader, writer, sides = SIDES[name]
    (found,) = FORMAT.compare(FORMAT.parse(json.dumps(reader)), FORMAT.parse(json.dumps(writer)))
    assert found.type.name == name
    assert (found.reader, found.writer) == sides


def test_an_ambiguous_field_is_described():
    reader, writer, _ = SIDES["READER_FIELD_AMBIGUOUS"]
    (found,) = FORMAT.compare(FORMAT.parse(json.dumps(reader)), FORMAT.parse(json.dumps(writer)))
    assert found.detail == "a"
    assert FORMAT.describe(found, "new", "old") == (
        "{errorType:'READER_FIELD_AMBIGUOUS', description:'The field 'a' at path '/fields/0' in the new schema cannot "
        "be matched with exactly one field of the old schema', additionalInfo:'a'}"
    )


def test_a_missing_branch_says_what_is_wrong_with_the_branch_that_was_meant():
    old = '["null",{"type":"record","name":"R","fields":[]}]'
    new = '["null",{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}]'
    (found,) = FORMAT.compare(FORMAT.parse(new), FORMAT.parse(old))
    assert found.reader == "union<null, R>; READER_FIELD_MISSING_DEFAULT_VALUE a at /fields/0"


def test_sides_are_named_as_the_caller_says():
    (found,) = FORMAT.compare(FORMAT.parse('"int"'), FORMAT.parse('"long"'))
    text = FORMAT.describe(found, "old", "new")
    assert "in the old schema does not match with the new schema" in text


def ring(length):
    """A recursive schema whose cycle has `length` different records."""
    inner = '"n0.R"'
    for index in reversed(range(length)):
        fields = f'[{{"name":"f","type":["null",{inner}]}}]'
        inner = f'{{"type":"record","name":"R","namespace":"n{index}","fields":{fields}}}'
    return FORMAT.parse(inner)


def test_recursion_of_different_periods_ends():
    assert FORMAT.compare(ring(5), ring(7)) == []
    with pytest.raises(BudgetExceededError):
        FORMAT.compare(ring(37), ring(41))


@pytest.mark.slow
def test_the_budget_bounds_the_work():
    branches = ",".join(f'{{"type":"record","name":"R{n}","fields":[]}}' for n in range(200))
    reader, writer = FORMAT.parse(f"[{branches}]"), FORMAT.parse(f"[{branches.replace('R', 'S')}]")
    with pytest.raises(BudgetExceededError):
        FORMAT.compare(reader, writer, budget=Budget(1000, "The check"))
    assert len(FORMAT.compare(reader, writer)) == 200


def doubling(levels, leaf):
    """A record that has two fields of a record that has two fields … of `leaf`."""
    node = again = leaf
    for level in range(levels):
        fields = [{"name": "a", "type": node}, {"name": "b", "type": again}]
        again = f"R{level}"
        node = {"type": "record", "name": again, "fields": fields}
    return FORMAT.parse(json.dumps(node))


@pytest.mark.parametrize(("levels", "count"), [(2, 4), (5, 32), (20, 1002), (60, 1002)])
def test_repetitions_are_listed_up_to_a_limit(levels, count):
    found = FORMAT.compare(doubling(levels, "int"), doubling(levels, "string"))
    assert len({item.path for item in found}) == 2
    assert len(found) == count


def test_a_branch_whose_differences_were_cut_is_not_explained():
    def schema(leaf):
        def level(number):
            inner = leaf if number == 0 else level(number - 1)
            again = leaf if number == 0 else f"R{number - 1}"
            return record(("a", inner), ("b", again)) | {"name": f"R{number}"}

        branch = record(("x", "R0")) | {"name": "S"}
        return FORMAT.parse(json.dumps(record(("a", level(12)), ("b", ["null", branch]))))

    found = FORMAT.compare(schema("int"), schema("string"))
    assert found[-1].type.name == "MISSING_UNION_BRANCH"
    assert found[-1].reader == "union<null, S>"


@pytest.mark.parametrize("verdict", [True, False])
def test_every_field_counts_against_the_budget(verdict):
    fields = [(f"f{number}", "int") for number in range(500)]
    reader = FORMAT.parse(json.dumps(record(*fields)))
    writer = reader if verdict else FORMAT.parse(json.dumps(record(*fields[:-1])))
    with pytest.raises(BudgetExceededError):
        FORMAT.compare(reader, writer, budget=Budget(400))
    assert (FORMAT.compare(reader, writer, budget=Budget(600)) == []) == verdict


@pytest.mark.parametrize(("steps", "enough"), [(20, False), (60, True)])
def test_every_level_counts_against_the_budget(steps, enough):
    def nested(leaf):
        return FORMAT.parse('{"type":"array","items":' * 30 + f'"{leaf}"' + "}" * 30)

    if enough:
        assert FORMAT.compare(nested("long"), nested("int"), budget=Budget(steps)) == []
    else:
        with pytest.raises(BudgetExceededError):
            FORMAT.compare(nested("long"), nested("int"), budget=Budget(steps))


# The types of the reader and the writer, and what is said of them.
TYPE, UNIT, SCALE, PRECISION = (
    "LOGICAL_TYPE_CHANGED",
    "LOGICAL_UNIT_CHANGED",
    "DECIMAL_SCALE_CHANGED",
    "DECIMAL_PRECISION_CHANGED",
)
FIXED = {"type": "fixed", "name": "F", "size": 16}
LOGICAL = [
    (logical("timestamp-millis"), logical("timestamp-millis"), None),
    (logical("timestamp-micros"), logical("timestamp-millis"), UNIT),
    (logical("timestamp-nanos"), logical("timestamp-micros"), UNIT),
    (logical("time-micros"), logical("time-millis"), UNIT),
    (logical("local-timestamp-nanos"), logical("local-timestamp-millis"), UNIT),
    (logical("local-timestamp-millis"), logical("timestamp-millis"), TYPE),
    (logical("timestamp-millis"), logical("date"), TYPE),
    (logical("timestamp-millis"), "long", TYPE),
    ("long", logical("timestamp-millis"), TYPE),
    ("double", logical("timestamp-millis"), TYPE),
    (logical("timestamp-millis"), "int", TYPE),
    ("string", logical("uuid"), None),
    (logical("uuid"), "string", TYPE),
    (FIXED | {"logicalType": "uuid"}, FIXED, TYPE),
    (FIXED, FIXED | {"logicalType": "uuid"}, TYPE),
    (FIXED | {"size": 12, "logicalType": "duration"}, FIXED | {"size": 12}, TYPE),
    (decimal(9, 2), decimal(9, 4), SCALE),
    (decimal(9, 2), decimal(12, 4), SCALE),
    (decimal(9, 2), decimal(12, 2), PRECISION),
    (decimal(9, 2), {"type": "bytes", "logicalType": "decimal", "precision": 9}, SCALE),
    (decimal(9, 2, **FIXED), decimal(9, 3, **FIXED), SCALE),
    (logical("big-decimal"), decimal(9, 2), TYPE),
    ("string", decimal(9, 2), TYPE),
    # What is unknown or not valid where it stands is ignored.
    (logical("colour"), "long", None),
    ("long", logical("colour"), None),
    ({"type": "int", "logicalType": "timestamp-millis"}, "int", None),
    ({"type": "long", "logicalType": 7}, "long", None),
    (decimal(0, 0), "bytes", None),
    (decimal(2, 3), decimal(2, 4), None),
    (FIXED | {"size": 4, "logicalType": "duration"}, FIXED | {"size": 4}, None),
    # Where the types below do not match, that is what is wrong.
    (logical("date"), logical("timestamp-millis"), "TYPE_MISMATCH"),
]
PLACES = {
    "/": lambda kind, name: kind,
    "/fields/0/type": lambda kind, name: record(("a", kind)),
    "/items": lambda kind, name: {"type": "array", "items": kind},
    "/values": lambda kind, name: {"type": "map", "values": kind},
    "/fields/0/type/1": lambda kind, name: record(("a", ["null", kind])),
    "/fields/0/type/fields/0/type/items": lambda kind, name: record(
        ("o", record(("a", {"type": "array", "items": kind})) | {"name": "I"})
    ),
}


@pytest.mark.parametrize(("reader", "writer", "expected"), LOGICAL)
def test_logical_types_are_compared_by_what_they_mean(reader, writer, expected):
    for path, inside in PLACES.items():
        sides = [FORMAT.parse(json.dumps(inside(side, path))) for side in (reader, writer)]
        found = FORMAT.compare(*sides)
        if expected == "TYPE_MISMATCH":
            assert all(item.type.impact is Impact.INCOMPATIBLE for item in found)
        else:
            assert [(item.type.name, item.path) for item in found] == ([(expected, path)] if expected else [])
            assert readable(*sides, Budget())


def test_a_branch_is_compared_with_the_one_that_reads_it():
    old = [{"type": "record", "name": "A", "fields": [{"name": "t", "type": logical("timestamp-millis")}]}, "null"]
    new = ["null", {"type": "record", "name": "A", "fields": [{"name": "t", "type": logical("timestamp-micros")}]}]
    (found,) = FORMAT.compare(FORMAT.parse(json.dumps(new)), FORMAT.parse(json.dumps(old)))
    assert (found.type.name, found.path) == (UNIT, "/1/fields/0/type")
    assert found.detail == "expected: long(timestamp-millis), found: long(timestamp-micros)"


def test_a_type_that_occurs_often_is_reported_once_at_its_shallowest_place():
    def schema(unit):
        inner = {"type": "record", "name": "T", "fields": [{"name": "t", "type": logical(unit)}]}
        deep = {"type": "record", "name": "D", "fields": [{"name": "a", "type": inner}, {"name": "d", "type": ["D"]}]}
        return FORMAT.parse(json.dumps(record(("deep", deep), ("flat", "T"))))

    found = FORMAT.compare(schema("timestamp-micros"), schema("timestamp-millis"))
    assert [item.path for item in found] == ["/fields/1/type/fields/0/type"]


def test_a_renamed_field_is_compared_too():
    old = record(("a", logical("timestamp-millis")))
    new = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "b", "aliases": ["a"], "type": logical("timestamp-micros")}],
    }
    (found,) = FORMAT.compare(FORMAT.parse(json.dumps(new)), FORMAT.parse(json.dumps(old)))
    assert (found.type.name, found.path) == (UNIT, "/fields/0/type")


def test_an_incompatible_type_is_reported_after_any_number_of_repetitions():
    def schema(leaf, *rescue):
        fields = [{"name": "f", "type": {"type": "record", "name": "a.Leaf", "fields": [{"name": "x", "type": leaf}]}}]
        fields += [{"name": f"f{number}", "type": "a.Leaf"} for number in range(1100)]
        many = {"type": "record", "name": "a.N", "fields": fields}
        places = [{"name": "p", "type": [many, *rescue]}, {"name": "q", "type": "a.Leaf"}]
        return FORMAT.parse(json.dumps({"type": "record", "name": "Root", "fields": places}))

    # A branch of the same short name rescues the first place, after all repetitions are used up.
    found = FORMAT.compare(schema("int", {"type": "record", "name": "b.N", "fields": []}), schema("string"))
    assert [item.type.name for item in found] == ["TYPE_MISMATCH"]
