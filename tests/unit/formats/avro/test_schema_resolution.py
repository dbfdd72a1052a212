"""Reading through another schema: what compatibility promises, seen on real bytes."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.formats.avro import FORMAT, InvalidPayloadError, UnreadableError, read_as

VECTORS = Path(__file__).parents[3] / "vectors" / "avro"
EVOLUTION = json.loads((VECTORS / "evolution" / "expected.json").read_text())
SAMPLE = json.loads((VECTORS / "samples" / "cost.token-usage.v1.avro-valid.json").read_text())


def schema(text):
    return FORMAT.parse(text)


@pytest.mark.parametrize(("variant", "verdicts"), EVOLUTION["verdicts"].items())
def test_backward_verdicts_hold_on_real_bytes(variant, verdicts):
    old, new = (schema((VECTORS / "evolution" / name).read_text()) for name in (EVOLUTION["base"], variant))
    data = FORMAT.validator(old).encode(SAMPLE)
    if verdicts["BACKWARD"]:
        assert read_as(new, old, data)
    else:
        with pytest.raises(UnreadableError):
            read_as(new, old, data)


def test_values_are_plain():
    writer = schema(
        '{"type":"record","name":"R","fields":[{"name":"t","type":{"type":"int","logicalType":"date"}},'
        '{"name":"b","type":"bytes"},{"name":"f","type":"double"}]}'
    )
    data = FORMAT.validator(writer).encode({"t": 1, "b": "ÿ", "f": "-Infinity"})
    assert read_as(writer, writer, data) == {"t": 1, "b": "ÿ", "f": "-Infinity"}


@pytest.mark.timeout(5)
def test_hostile_bytes_never_reach_the_codec():
    linked = schema('{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}')
    with pytest.raises(InvalidPayloadError):
        read_as(linked, linked, b"\x02" * 1_000_000 + b"\x00")
