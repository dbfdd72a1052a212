"""The default work budget carries definitions of the largest size: steps grow in proportion to the text."""

import json
from collections.abc import Callable

import pytest

from llm_schema_registry.budget import DEFAULT_STEPS, MAX_SCHEMA_BYTES, Budget, default_steps, share_of_default
from llm_schema_registry.evolution import CompatibilityLevel, check
from llm_schema_registry.formats import SchemaType, format_of

_PARTS = 16
SIZE = MAX_SCHEMA_BYTES // _PARTS
FIELDS = 20


def avro(size: int, *, added: bool) -> str:
    records: list[object] = []
    text = ""
    while len(text) < size:
        fields: list[object] = [{"name": f"f{index}", "type": "int"} for index in range(FIELDS)]
        records.append(
            {"name": f"r{len(records)}", "type": {"type": "record", "name": f"R{len(records)}", "fields": fields}}
        )
        if len(records) % 20 == 0:
            text = json.dumps(records, separators=(",", ":"))
    if added:
        records.append({"name": "added", "type": ["null", "string"], "default": None})
    return json.dumps({"type": "record", "name": "Large", "fields": records}, separators=(",", ":"))


def protobuf(size: int, *, added: bool) -> str:
    members = "".join(f"int32 f{index}={index + 1};\n" for index in range(FIELDS))
    count = size // len(members)
    messages = "".join(f"message M{index} {{\n{members}}}\n" for index in range(count))
    return f'syntax="proto3";\n{messages}{"message Added { int32 a=1; }" if added else ""}'


def json_schema(size: int, *, added: bool) -> str:
    properties = {f"f{index}": {"type": "string"} for index in range(FIELDS)}
    part = {"type": "object", "properties": properties, "additionalProperties": False}
    count = size // len(json.dumps(part, separators=(",", ":")))
    definitions: dict[str, object] = {f"p{index}": part for index in range(count)}
    if added:
        definitions["p0"] = {**part, "properties": {**properties, "added": {"type": "string"}}}
    places = {name: {"$ref": f"#/definitions/{name}"} for name in definitions}
    return json.dumps(
        {"type": "object", "properties": places, "definitions": definitions, "additionalProperties": False},
        separators=(",", ":"),
    )


@pytest.mark.parametrize(
    ("schema_type", "written"),
    [(SchemaType.AVRO, avro), (SchemaType.PROTOBUF, protobuf), (SchemaType.JSON, json_schema)],
)
def test_an_honest_definition_is_within_the_budget(schema_type: SchemaType, written: Callable[..., str]) -> None:
    format_ = format_of(schema_type)
    old, new = (
        format_.parse(written(SIZE, added=added), budget=Budget(DEFAULT_STEPS // _PARTS)) for added in (False, True)
    )
    for level in (CompatibilityLevel.BACKWARD, CompatibilityLevel.FORWARD):
        verdict = check(new, [(1, old)], level, budget=Budget(DEFAULT_STEPS // _PARTS))
        assert verdict.compatible or level is CompatibilityLevel.FORWARD


def test_larger_definitions_have_more_steps() -> None:
    assert default_steps(1_000) == default_steps(MAX_SCHEMA_BYTES) == DEFAULT_STEPS
    assert default_steps(MAX_SCHEMA_BYTES + 1) == default_steps(2 * MAX_SCHEMA_BYTES) == 2 * DEFAULT_STEPS
    assert [share_of_default(size) for size in (1, MAX_SCHEMA_BYTES, MAX_SCHEMA_BYTES + 1)] == [1, 1, 2]
