"""The example of the one finding that belongs to no format."""

import json
from pathlib import Path

from llm_schema_registry.compatibility import CompatibilityLevel, check
from llm_schema_registry.formats import SchemaType, format_of

(EXAMPLE,) = json.loads((Path(__file__).parents[2] / "vectors" / "schema" / "examples.json").read_text())


def parsed(side):
    return format_of(SchemaType(EXAMPLE[f"{side}Type"])).parse(json.dumps(EXAMPLE[side]))


def test_another_type_is_refused_and_the_same_type_is_not():
    history = [(1, parsed("writer"))]
    (found,) = check(parsed("reader"), history, CompatibilityLevel.BACKWARD).findings
    assert found.code == f"schema.{EXAMPLE['code']}"
    assert check(parsed("fixed"), history, CompatibilityLevel.BACKWARD).compatible
