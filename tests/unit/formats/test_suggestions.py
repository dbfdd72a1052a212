"""Suggestions: the closest name, for the first few names of a payload."""

import json

import pytest

from llm_schema_registry.formats import SchemaType, format_of
from llm_schema_registry.formats.suggestions import MAX_SUGGESTIONS, begin_suggestions, similar


def test_the_closest_name_is_suggested() -> None:
    begin_suggestions()
    assert similar("sesion", ["season", "session", "x"]) == "session"
    assert similar("sesion", ["other", "s" * 100]) is None
    assert similar("x" * 10_000, ["x" * 64]) == "x" * 64


def test_the_first_few_names_get_suggestions() -> None:
    begin_suggestions()
    found = [similar("nme", ["name"]) for _ in range(MAX_SUGGESTIONS + 2)]
    assert found == ["name"] * MAX_SUGGESTIONS + [None] * 2
    begin_suggestions()
    assert similar("nme", ["name"]) == "name"


_FIELDS = [f"property_number_{n}" for n in range(300)]
_SCHEMAS = {
    SchemaType.JSON: json.dumps({"properties": {name: {} for name in _FIELDS}, "additionalProperties": False}),
    SchemaType.AVRO: json.dumps(
        {
            "type": "record",
            "name": "R",
            "fields": [{"name": name, "type": ["null", "int"], "default": None} for name in _FIELDS],
        }
    ),
    SchemaType.PROTOBUF: 'syntax = "proto3"; message M { '
    + " ".join(f"int32 {name} = {n};" for n, name in enumerate(_FIELDS, 1))
    + "}",
}


@pytest.mark.parametrize("schema_type", SchemaType)
def test_a_payload_of_unknown_names_gets_few_findings_and_fewer_suggestions(schema_type: SchemaType) -> None:
    format_ = format_of(schema_type)
    payload = {f"proprty_nmber_{n}": 1 for n in range(5_000)}
    for _ in range(2):
        findings = format_.validator(format_.parse(_SCHEMAS[schema_type])).check_value(payload)
        assert 1 <= len(findings) <= 100
        suggested = [each for each in findings if "id you mean" in f"{each.message} {each.fix}"]
        assert len(suggested) == MAX_SUGGESTIONS
