"""When a value that was read is the one that was written."""

import json

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.avro import FORMAT
from llm_schema_registry.formats.avro.round_trip import misread_at

RECORD = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "a", "type": "int", "aliases": ["old"]}, {"name": "b", "type": "int", "default": 0}],
}
ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "A"}
MAP = {"type": "map", "values": RECORD}

# reader's type, written, found, place
CASES = [
    ("long", 1, 1, None),
    ("long", 1, 2, ""),
    ("boolean", 1, True, ""),
    ("double", 2**53 + 1, float(2**53), None),
    ("float", 0.1, 0.10000000149011612, None),
    ("float", 0.1, 0.2, ""),
    ("double", "NaN", "NaN", None),
    ("bytes", "é", "Ã©", None),
    ("string", "Ã©", "é", None),
    ("string", "a", "b", ""),
    ("string", "a", "☃", ""),
    (ENUM, "C", "A", None),
    (ENUM, "C", "B", ""),
    (ENUM, "B", "A", ""),
    (RECORD, {"a": 1, "gone": 2}, {"a": 1, "b": 0}, None),
    (RECORD, {"old": 1}, {"a": 1, "b": 0}, None),
    (RECORD, {"a": 1, "b": 2}, {"a": 1, "b": 3}, "/b"),
    (RECORD, [1], {"a": 1, "b": 0}, ""),
    (MAP, {"x/y": {"a": 1}}, {"x/y": {"a": 2, "b": 0}}, "/x~1y/a"),
    (MAP, {"x": {"a": 1}}, {}, ""),
    ({"type": "array", "items": "int"}, [1, 2], [1, 3], "/1"),
    ({"type": "array", "items": "int"}, [1, 2], [1], ""),
    (["null", RECORD], {"a": 1}, {"a": 2, "b": 0}, "/a"),
    (["null", RECORD], None, None, None),
    (["null", "int"], 1, None, ""),
]


@pytest.mark.parametrize(("reader", "written", "found", "place"), CASES)
def test_where_values_part(reader, written, found, place):
    assert misread_at(FORMAT.parse(json.dumps(reader)).root, written, found, Budget()) == place


def test_the_budget_bounds_the_work():
    with pytest.raises(BudgetExceededError):
        misread_at(FORMAT.parse('{"type":"array","items":"int"}').root, [1] * 100, [1] * 100, Budget(50))
