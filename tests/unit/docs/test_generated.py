"""The reference pages say what the code says, and no finding is without an explanation."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from llm_schema_registry.formats import SchemaType, format_of
from llm_schema_registry.server.settings import Settings

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src/llm_schema_registry"
_CODE = re.compile(r'"((?:avro|json|protobuf|schema|payload)\.[A-Z][A-Z0-9_]*)"')
_DOCS = re.compile(r'"(reference/[^"{}]+)"')
_KEYWORDS = {
    "type": ({"type": "string"}, 1),
    "enum": ({"enum": [1]}, 2),
    "const": ({"const": 1}, 2),
    "required": ({"required": ["a"]}, {}),
    "additionalProperties": ({"additionalProperties": False}, {"a": 1}),
    "unevaluatedProperties": ({"unevaluatedProperties": False}, {"a": 1}),
    "propertyNames": ({"propertyNames": {"maxLength": 1}}, {"long": 1}),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, {"a": 1}),
    "minProperties": ({"minProperties": 1}, {}),
    "maxProperties": ({"maxProperties": 0}, {"a": 1}),
    "minimum": ({"minimum": 1}, 0),
    "maximum": ({"maximum": 1}, 2),
    "exclusiveMinimum": ({"exclusiveMinimum": 1}, 1),
    "exclusiveMaximum": ({"exclusiveMaximum": 1}, 1),
    "multipleOf": ({"multipleOf": 2}, 3),
    "minLength": ({"minLength": 1}, ""),
    "maxLength": ({"maxLength": 0}, "a"),
    "pattern": ({"pattern": "^a$"}, "b"),
    "format": ({"format": "date-time"}, "yesterday"),
    "minItems": ({"minItems": 1}, []),
    "maxItems": ({"maxItems": 0}, [1]),
    "uniqueItems": ({"uniqueItems": True}, [1, 1]),
    "contains": ({"contains": {"type": "string"}}, [1]),
    "unevaluatedItems": ({"unevaluatedItems": False}, [1]),
    "anyOf": ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1),
    "oneOf": ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 1),
    "not": ({"not": {"type": "integer"}}, 1),
    "properties": ({"properties": {"a": False}}, {"a": 1}),
}


@pytest.fixture(scope="module")
def findings() -> ModuleType:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return importlib.import_module("generating.findings")
    finally:
        sys.path.remove(str(ROOT / "docs"))


@pytest.mark.slow
def test_pages_are_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/generate.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_code_in_the_source_is_explained_and_no_other(findings: ModuleType) -> None:
    used = {code for file in SOURCE.rglob("*.py") for code in _CODE.findall(file.read_text(encoding="utf-8"))}
    explained = findings.described_codes()
    assert used - explained == set()
    differences = {
        f"{schema_type.lower()}.{name}"
        for schema_type in SchemaType
        for name in (*format_of(schema_type).difference_types, *getattr(format_of(schema_type), "profile_rules", ()))
    }
    constant = {code for code in explained - differences if code.rpartition(".")[2].isupper()}
    assert constant - used == set()


@pytest.mark.parametrize(("schema", "value"), _KEYWORDS.values(), ids=_KEYWORDS)
def test_every_keyword_finding_is_explained(findings: ModuleType, schema: dict[str, object], value: object) -> None:
    json_schema = format_of(SchemaType.JSON)
    text = json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    found = json_schema.validator(json_schema.parse(text)).check_value(value)
    assert found
    assert {finding.code for finding in found} - findings.described_codes() == set()


def test_docs_paths_of_findings_exist() -> None:
    for file in SOURCE.rglob("*.py"):
        for path in _DOCS.findall(file.read_text(encoding="utf-8")):
            page, _, anchor = path.partition("#")
            text = (ROOT / "docs" / page).read_text(encoding="utf-8")
            assert not anchor or re.search(rf"^#+ {re.escape(anchor)}$", text, re.MULTILINE | re.IGNORECASE), path


def test_docs_paths_of_differences_exist() -> None:
    for schema_type in SchemaType:
        page = (ROOT / f"docs/reference/findings/{schema_type.lower()}.md").read_text(encoding="utf-8")
        for name in format_of(schema_type).difference_types:
            assert f"\n### {name}\n" in page


def test_every_setting_has_a_row() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    for name in Settings.__struct_fields__:
        assert f"| `LSR_{name.upper()}` |" in page
