"""A bounded share of `make fuzz`, and the laxities of the reference that it knows."""

import pytest

from llm_schema_registry.formats import SchemaType
from property.fuzzing import KINDS, run
from property.laxities import contradicted, laxity, listed

CASES = [
    ("random", SchemaType.AVRO, 400),
    ("random", SchemaType.JSON, 400),
    ("random", SchemaType.PROTOBUF, 40),
    ("recursive", SchemaType.AVRO, 100),
    ("recursive", SchemaType.JSON, 200),
    ("recursive", SchemaType.PROTOBUF, 40),
    ("exact", SchemaType.JSON, 150),
]
LAXITIES = [
    pytest.param(schema_type, row, id=f"{schema_type.lower()}: {row['name']}")
    for schema_type in SchemaType
    for row in listed(schema_type)
]


@pytest.mark.parametrize(("kind", "schema_type", "cases"), CASES)
def test_no_change_that_is_called_compatible_breaks_a_reader(kind, schema_type, cases):
    report = run(KINDS[kind][schema_type], range(cases))
    assert [str(each) for each in report.unlisted] == []
    # The run is worth something: verdicts of both kinds, payloads that were read, differences shown by witnesses.
    assert report.counts["compatible"] > cases / 4
    assert report.counts["incompatible"] > cases / 4
    assert report.counts["payloads"] > cases
    assert report.counts["witnesses"] > report.counts["incompatible"] / 3


@pytest.mark.parametrize(("schema_type", "row"), LAXITIES)
def test_a_listed_laxity_is_called_compatible_and_contradicted_by_its_payload(schema_type, row):
    case = (row["writer"], row["reader"], row["payload"])
    assert contradicted(schema_type, *case)
    assert laxity(schema_type, *case) == row["name"]
    assert row["why"].endswith(".")
