"""A bounded share of `make fuzz`, and the laxities of the reference that it knows."""

import pytest

from llm_schema_registry.formats import SchemaType
from property.fuzzing import run
from property.laxities import contradicted, laxity, listed
from property.materials import MATERIALS

CASES = {SchemaType.AVRO: 400, SchemaType.JSON: 400, SchemaType.PROTOBUF: 40}
LAXITIES = [
    pytest.param(schema_type, row, id=f"{schema_type.lower()}: {row['name']}")
    for schema_type in SchemaType
    for row in listed(schema_type)
]


@pytest.mark.parametrize(("schema_type", "cases"), CASES.items())
def test_no_change_that_is_called_compatible_breaks_a_reader(schema_type, cases):
    report = run(MATERIALS[schema_type], range(cases))
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
