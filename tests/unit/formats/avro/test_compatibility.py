"""Compatibility against the verdicts and texts of the reference implementation."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.formats.avro import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors" / "avro"
REFERENCE = json.loads((VECTORS / "reference_compatibility.json").read_text())


@pytest.mark.parametrize("row", [pytest.param(row, id=row["description"]) for row in REFERENCE])
def test_differences_are_those_of_the_reference(row):
    found = FORMAT.compare(FORMAT.parse(row["reader"]), FORMAT.parse(row["writer"]))
    expected = [(item["type"], item["location"], item["message"]) for item in row["incompatibilities"]]
    assert [(item.type.name, item.path, item.detail) for item in found] == expected
    assert [FORMAT.describe(item, "new", "old") for item in found] == row["messages"]
    assert (not found) == row["compatible"]
