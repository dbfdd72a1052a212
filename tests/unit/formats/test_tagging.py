"""Inline tags in all formats, as data: `tests/vectors/tags/*.json`.

A case names entities as `[path, kind, tags]`. It says which entities a schema has (`tags`), or what adding and
removing tags makes of its text (`result`), or which path the refusal names (`error`).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Entity, EntityKind, InvalidSchemaError, SchemaType, format_of

_CASES = json.loads((Path(__file__).parents[2] / "vectors" / "tags" / "tags.json").read_text())


def _tagged(entities: list[tuple[str, str, list[str]]]) -> dict[Entity, tuple[str, ...]]:
    return {Entity(path, EntityKind(kind)): tuple(tags) for path, kind, tags in entities}


@pytest.mark.parametrize("case", [pytest.param(each, id=each["name"].replace(" ", "-")) for each in _CASES])
def test_case(case: dict[str, Any]) -> None:
    found = format_of(SchemaType(case["type"]))
    schema = found.parse(case["schema"])
    if "tags" in case:
        tags = found.tags(schema)
        assert tags == _tagged(case["tags"])
        assert list(tags) == list(_tagged(case["tags"]))
        return
    add, remove = _tagged(case.get("add", [])), _tagged(case.get("remove", []))
    if "error" in case:
        with pytest.raises(InvalidSchemaError) as caught:
            found.with_tags(schema, add, remove)
        assert case["error"] in caught.value.message
        assert caught.value.findings[0].path == case["error"]
        return
    text = found.with_tags(schema, add, remove)
    assert text == case["result"]
    assert found.parse(text).canonical == text


@pytest.mark.parametrize(
    ("schema_type", "text"),
    [
        (SchemaType.AVRO, '{"type":"record","name":"N","fields":[FIELDS]}'),
        (SchemaType.JSON, '{"properties":{FIELDS}}'),
        (SchemaType.PROTOBUF, 'syntax = "proto3"; message N {FIELDS}'),
    ],
)
def test_paths_cannot_take_more_memory_than_the_budget_allows(schema_type: SchemaType, text: str) -> None:
    name = "N" * 10_000
    field = {
        SchemaType.AVRO: '{{"name":"f{}","type":"int"}}',
        SchemaType.JSON: '"f{}":{{}}',
        SchemaType.PROTOBUF: "int32 f{} = {};",
    }[schema_type]
    joint = "" if schema_type is SchemaType.PROTOBUF else ","
    text = text.replace("FIELDS", joint.join(field.format(number, number) for number in range(1, 200)))
    text = text.replace('"N"', f'"{name}"').replace("message N", f"message {name}")
    if schema_type is SchemaType.JSON:
        text = f'{{"properties":{{"{name}":{text}}}}}'
    found = format_of(schema_type)
    schema = found.parse(text, strict=False)
    with pytest.raises(BudgetExceededError):
        found.tags(schema, budget=Budget(10_000))
