"""Each type of difference has an example that shows it, which the reference pages print too."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.formats import Impact, SchemaType, format_of

VECTORS = Path(__file__).parents[2] / "vectors"
EXAMPLES = {
    schema_type: json.loads((VECTORS / schema_type.lower() / "examples.json").read_text()) for schema_type in SchemaType
}
SHOWN = [
    pytest.param(schema_type, row, id=f"{schema_type.lower()}.{row['code']}")
    for schema_type, rows in EXAMPLES.items()
    for row in rows
    if "writer" in row
]


def differences(schema_type, reader, writer):
    """By the name of their type; of several of one type the first."""
    format_ = format_of(schema_type)
    sides = [format_.parse(side if isinstance(side, str) else json.dumps(side)) for side in (reader, writer)]
    found = {}
    for difference in format_.compare(*sides):
        found.setdefault(difference.type.name, difference)
    return found


def breaking(found):
    return [name for name, difference in found.items() if difference.type.impact is not Impact.COMPATIBLE]


@pytest.mark.parametrize("schema_type", SchemaType)
def test_every_type_has_an_example_or_the_reason_why_not(schema_type):
    assert [row["code"] for row in EXAMPLES[schema_type]] == list(format_of(schema_type).difference_types)
    assert all(("writer" in row) != ("unreachable" in row) for row in EXAMPLES[schema_type])


@pytest.mark.parametrize("schema_type", SchemaType)
def test_every_type_that_breaks_says_what_why_and_the_way_out(schema_type):
    for name, kind in format_of(schema_type).difference_types.items():
        assert kind.name == name
        assert kind.why.endswith(".")
        if kind.impact is not Impact.COMPATIBLE:
            assert kind.description
            assert kind.fix.endswith(".")


@pytest.mark.parametrize(("schema_type", "row"), SHOWN)
def test_an_example_shows_its_type(schema_type, row):
    found = differences(schema_type, row["reader"], row["writer"])
    shown = found[row["code"]]
    text = format_of(schema_type).describe(shown, "new", "old")
    assert {"path": shown.path, "reader": shown.reader, "writer": shown.writer, "text": text} == row["found"]
    if shown.type.impact is Impact.COMPATIBLE:
        assert breaking(found) == []
    else:
        assert breaking(differences(schema_type, row["fixed"], row["writer"])) == []
