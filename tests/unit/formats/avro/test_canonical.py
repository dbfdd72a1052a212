"""The texts of a schema against what the reference implementation prints."""

import hashlib
import json
import uuid
from pathlib import Path

import fastavro
import pytest

from llm_schema_registry.formats import Dependency, InvalidSchemaError
from llm_schema_registry.formats.avro import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors" / "avro"
ROWS = json.loads((VECTORS / "canonical.json").read_text())
VALID = [pytest.param(row, id=row["description"]) for row in ROWS if "error" not in row]
REFERENCES = json.loads((VECTORS / "references.json").read_text())
INVALID = [pytest.param(row, id=row["description"]) for row in ROWS if "error" in row]


def guid(text):
    return str(uuid.UUID(bytes=hashlib.md5(text.encode(), usedforsecurity=False).digest()))


def parsed(row):
    dependencies = [Dependency(f"reference-{index}", text) for index, text in enumerate(row["references"])]
    return FORMAT.parse(row["schema"], dependencies, strict=row["strict"])


@pytest.mark.parametrize("row", VALID)
def test_texts_are_those_of_the_reference(row):
    schema = parsed(row)
    assert schema.canonical == row["canonical"]
    assert schema.rendered("resolved") == row["resolved"]
    assert schema.normalized() == row["normalized"]
    if not row["references"]:
        # References are part of the hash, which is not the business of a format.
        assert guid(schema.canonical) == row["guid"]
        assert guid(schema.normalized()) == row["guid_normalized"]


@pytest.mark.parametrize("row", INVALID)
def test_errors_are_those_of_the_reference(row):
    with pytest.raises(InvalidSchemaError) as raised:
        parsed(row)
    assert raised.value.message == row["error"]
    assert all(finding.code.startswith("avro.") and finding.fix for finding in raised.value.findings)


@pytest.mark.parametrize("row", [pytest.param(row, id=row["description"]) for row in REFERENCES])
def test_types_of_references_are_names_in_the_text_that_clients_read(row):
    dependencies = [Dependency(f"reference-{index}", text) for index, text in enumerate(row["references"])]
    schema = FORMAT.parse(row["schema"], dependencies)
    assert (schema.canonical, schema.rendered("resolved")) == (row["canonical"], row["resolved"])
    assert schema.rendered("") == row["readable"]
    for text in (row["readable"], row["canonical"]):
        assert FORMAT.parse(text, dependencies).rendered("") == row["readable"]
    # What the codec cannot find from inside a namespace, or takes for a second definition, no text helps.
    if row["description"] not in ("a nested type without a namespace", "the whole is nested in the reference"):
        known = {}
        for text in (*row["references"], row["readable"]):
            fastavro.parse_schema(json.loads(text), named_schemas=known)
