"""Samples of a schema, and what becomes of them under another one."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Impact, Outcome
from llm_schema_registry.formats.avro import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors" / "avro"
COMPATIBILITY = json.loads((VECTORS / "compatibility.json").read_text())


def parsed(schema):
    return FORMAT.parse(json.dumps(schema))


def record(*fields, name="R", **attributes):
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": n, "type": t, **dict(*rest)} for n, t, *rest in fields],
        **attributes,
    }


def all_samples(schema):
    return list(FORMAT.samples(parsed(schema)))


@pytest.mark.parametrize("path", sorted((VECTORS / "samples").glob("*.avsc")), ids=lambda path: path.stem)
def test_samples_of_real_schemas_are_valid_and_can_be_read_back(path):
    schema = FORMAT.parse(path.read_text())
    checker = FORMAT.validator(schema)
    found = list(FORMAT.samples(schema))
    assert len(found) > 10
    assert found == list(FORMAT.samples(schema))
    for value in found:
        assert checker.check_value(value) == []
        assert FORMAT.read(schema, schema, value).outcome is Outcome.READ


def test_samples_take_every_choice():
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    schema = record(
        ("e", enum),
        ("u", ["string", "null", "boolean"]),
        ("l", {"type": "array", "items": "E"}),
        ("m", {"type": "map", "values": "boolean"}, {"default": {}}),
    )
    found = all_samples(schema)
    assert found[0] == {"e": "A", "u": None, "l": [], "m": {}}
    assert {value["e"] for value in found} == {"A", "B"}
    assert [value["u"] for value in found if value["u"] is not None] == [
        {"string": ""},
        {"string": "text"},
        {"string": "é☃😀"},
        {"boolean": False},
        {"boolean": True},
    ]
    assert [value["l"] for value in found if value["l"]] == [["A"], ["B"]]
    assert [value["m"] for value in found if value.get("m")] == [{"key": False}, {"key": True}]
    assert any("m" not in value for value in found)


def test_samples_reach_the_edges_of_ranges():
    assert {2**31 - 1, -(2**31)} <= set(all_samples("int"))
    assert {2**63 - 1, -(2**63)} <= set(all_samples("long"))
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    assert {"0", "99.99", "-99.99"} <= set(all_samples(decimal))


def test_samples_of_recursive_types_end():
    assert all_samples(record(("n", ["null", "R"]))) == [{"n": None}, {"n": {"n": None}}]
    assert all_samples(record(("n", {"type": "array", "items": "R"}))) == [{"n": []}, {"n": [{"n": []}]}]
    assert all_samples(record(("n", "R"))) == []
    assert all_samples([]) == []


@pytest.mark.timeout(5)
def test_the_budget_bounds_the_samples():
    chain = [record(("a", f"R{n + 1}"), ("b", f"R{n + 1}"), name=f"R{n}") for n in range(60)]
    schema = parsed([*chain, record(("x", "int"), name="R60")])
    with pytest.raises(BudgetExceededError):
        list(FORMAT.samples(schema, budget=Budget(10_000)))
    assert next(FORMAT.samples(schema))


# fastavro compares aliases without their namespace, so it reads what Avro's rules refuse.
# It also matches fields by name first, so that an ambiguous alias inside a union does no harm.
READ_BY_THE_CODEC_ALL_THE_SAME = {
    "record alias of the wrong namespace",
    "an equal record inside a changed union is resolved",
}


def shows_by_data(row):
    """Whether data can show the verdict of a row: an ambiguous alias is read, in one way or another."""
    ambiguous = any(item["type"] == "READER_FIELD_AMBIGUOUS" for item in row["expected"])
    return not (ambiguous or "dependencies" in row or row["description"] in READ_BY_THE_CODEC_ALL_THE_SAME)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["description"]) for row in COMPATIBILITY if shows_by_data(row)]
)
def test_samples_show_what_compatibility_says(row):
    reader, writer = parsed(row["reader"]), parsed(row["writer"])
    # Compatibility is a promise about types: bytes that are no UTF-8 cannot be read as a string all the same.
    values = [value for value in FORMAT.samples(writer) if "\x80" not in json.dumps(value, ensure_ascii=False)]
    found = {FORMAT.read(reader, writer, value).outcome for value in values}
    # The codec gets no logical types: it reads what stands below them.
    if any(FORMAT.difference_types[item["type"]].impact is Impact.INCOMPATIBLE for item in row["expected"]):
        assert found & {Outcome.REFUSED, Outcome.MISREAD}
    else:
        assert found <= {Outcome.READ}
        assert bool(found) == bool(values)


def test_a_value_that_does_not_fit_its_writer_says_nothing():
    reading = FORMAT.read(parsed("int"), parsed("int"), "x")
    assert (reading.outcome, reading.encoded) == (Outcome.UNWRITABLE, b"")
    assert "is a string" in reading.problem


def test_a_refused_value_comes_with_its_bytes_and_the_reason():
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    reading = FORMAT.read(parsed({**enum, "symbols": ["A"]}), parsed(enum), "B")
    assert (reading.outcome, reading.encoded) == (Outcome.REFUSED, b"\x02")
    assert reading.problem


def test_promotions_and_enum_defaults_are_no_misreadings():
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    writer = record(("f", "long"), ("s", "string"), ("b", "bytes"), ("e", enum), ("u", ["null", "int"]))
    lax = {**enum, "symbols": ["A"], "default": "A"}
    reader = record(("f", "float"), ("s", "bytes"), ("b", "string"), ("e", lax), ("u", ["null", "double"]))
    value = {"f": 2**63 - 1, "s": "é", "b": "Ã©", "e": "B", "u": 7}
    assert FORMAT.read(parsed(reader), parsed(writer), value).outcome is Outcome.READ
