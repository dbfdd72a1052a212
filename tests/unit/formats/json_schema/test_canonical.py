import hashlib
import json
import uuid
from pathlib import Path

import pytest

from llm_schema_registry.formats.format import InvalidSchemaError
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.canonical import canonical_text, normalized_text, read_json

ROWS = json.loads((Path(__file__).parents[3] / "vectors/json/canonical.json").read_text())
TEXTS = [row for row in ROWS if "error" not in row]
# Valid JSON, but no schema: a number, a string, null, and a limit that is no number.
NO_SCHEMAS = {"string schema", "number schema", "null literal", "NaN accepted", "Infinity accepted"}

# Schemas that may have been stored, but are not registered here.
ONLY_STORED = {"trailing garbage ignored"}


def guid(text: str) -> str:
    return str(uuid.UUID(bytes=hashlib.md5(text.encode(), usedforsecurity=False).digest()))


@pytest.mark.parametrize("row", TEXTS, ids=lambda row: row["description"])
def test_texts_have_the_reference_forms(row):
    value = read_json(row["schema"])
    canonical, normalized = canonical_text(value), normalized_text(value)
    assert (canonical, normalized) == (row["canonical"], row["normalized"])
    assert (guid(canonical), guid(normalized)) == (row["guid"], row["guid_normalized"])


@pytest.mark.parametrize(
    "row", [row for row in TEXTS if row["description"] not in NO_SCHEMAS], ids=lambda row: row["description"]
)
def test_parsed_schemas_have_the_reference_forms(row):
    schema = FORMAT.parse(row["schema"], strict=row["description"] not in ONLY_STORED)
    assert (schema.canonical, schema.normalized()) == (row["canonical"], row["normalized"])
    assert schema.rendered("resolved") == row["canonical"]


@pytest.mark.parametrize(
    "text", [row["schema"] for row in ROWS if "error" in row or row["description"] in NO_SCHEMAS], ids=str
)
def test_what_is_no_schema_is_refused(text):
    with pytest.raises(InvalidSchemaError) as caught:
        FORMAT.parse(text)
    assert caught.value.findings


def test_syntax_errors_have_line_and_column():
    with pytest.raises(InvalidSchemaError) as caught:
        FORMAT.parse('{\n  "type": "string",\n}')
    (finding,) = caught.value.findings
    assert (finding.code, finding.line, finding.column) == ("json.SYNTAX", 3, 1)


def test_control_characters_are_escaped_with_upper_case_digits():
    assert (
        canonical_text(read_json('["\\u001f", "\\\\u001f", "\\\\\\u000b"]')) == '["\\u001F","\\\\u001f","\\\\\\u000B"]'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        '"\\ud800"',
        "1" * 4301,
        "[1." + "0" * 4300 + "]",
        "01",
        "1x",
        "1e99999999999999999999",
        "[-1E-99999999999999999999]",
    ],
)
def test_hostile_texts_are_refused(text):
    with pytest.raises(InvalidSchemaError):
        read_json(text)


@pytest.mark.parametrize("opening", ["[", '{"not":'])
def test_deep_nesting_is_refused(opening):
    closing = "]" if opening == "[" else "}"
    text = opening * 10_000 + "1" + closing * 10_000
    with pytest.raises(InvalidSchemaError, match="nested too deeply"):
        FORMAT.parse(text)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{"type":"string"} trailing', 1, 19), ("{}\n\n {}", 3, 2), ("{}}", 1, 3), ("true false", 1, 6), ('{},"a"', 1, 3)],
)
def test_text_after_a_new_schema_is_refused_with_its_place(text, line, column):
    with pytest.raises(InvalidSchemaError, match="Text after the end of the schema") as caught:
        FORMAT.parse(text)
    finding = caught.value.findings[0]
    assert (finding.code, finding.line, finding.column) == ("json.SYNTAX", line, column)
    assert FORMAT.parse(text, strict=False).canonical in ("{}", "true", '{"type":"string"}')


def test_white_space_around_a_schema_is_no_text():
    assert FORMAT.parse(' \n{"minimum": 1}\n\t').canonical == '{"minimum":1}'
    assert FORMAT.parse(' {"default": NaN} \n').canonical == '{"default":"NaN"}'
