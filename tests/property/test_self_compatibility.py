"""Every schema may follow itself, in every format, under every level, policy and profile."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_schema_registry.compatibility import CompatibilityLevel, Policy, Profile, check
from llm_schema_registry.formats import Dependency, InvalidSchemaError, SchemaType, format_of
from property import protobuf_schemas
from property.avro_schemas import Generator
from property.json_schemas import Schemas

VECTORS = Path(__file__).parents[1] / "vectors"
FOLDERS = {SchemaType.AVRO: "avro", SchemaType.JSON: "json", SchemaType.PROTOBUF: "protobuf"}
SIDES = ("schema", "reader", "writer", "old", "kept", "broken", "fixed")
TERMS = [
    (CompatibilityLevel.FULL_TRANSITIVE, Policy.STRICT, Profile.CONFLUENT),
    (CompatibilityLevel.FULL, Policy.LENIENT, Profile.SOURCE),
]

bounded = settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)
randoms = st.randoms(use_true_random=False)


def findings_of_itself(schema_type, text, dependencies=()):
    """What is said about a schema that follows itself, parsed twice; nothing for what is no schema."""
    try:
        one, again = (format_of(schema_type).parse(text, dependencies, strict=False) for _ in range(2))
    except InvalidSchemaError:
        return []
    verdicts = [
        check(one, [(1, again)], level, policy, profile=profile, annotate=True) for level, policy, profile in TERMS
    ]
    # Warnings of profiles are about the schema, not about a change of it.
    return [finding for verdict in verdicts if not verdict.compatible for finding in verdict.findings]


def rows():
    for schema_type, folder in FOLDERS.items():
        for file in sorted((VECTORS / folder).glob("*.json")):
            content = json.loads(file.read_text())
            if isinstance(content, list):
                yield pytest.param(schema_type, content, id=f"{folder}/{file.stem}")


def text_of(schema_type, schema):
    return schema if schema_type is SchemaType.PROTOBUF or isinstance(schema, str) else json.dumps(schema)


def dependencies_of(row, side):
    found = row.get("dependencies", row.get("references", ()))
    if isinstance(found, dict):
        return [Dependency(name, json.dumps(schema)) for name, schema in found[side].items()]
    if row.get("dependencies") and "text" in found[0]:
        return [Dependency(**one) for one in found]
    texts = [one if isinstance(one, str) else json.dumps(one) for one in found]
    return [Dependency(str(index), text) for index, text in enumerate(texts)]


@pytest.mark.parametrize(("schema_type", "content"), list(rows()))
def test_vectors_are_compatible_with_themselves(schema_type, content):
    for row in content:
        for side in SIDES:
            if isinstance(row.get(side), (str, dict, list)):
                text = text_of(schema_type, row[side])
                assert findings_of_itself(schema_type, text, dependencies_of(row, side)) == [], (row, side)


def with_aliases(node, random):
    """A schema whose records and fields have aliases, also ones that name other fields and types."""
    if isinstance(node, list):
        return [with_aliases(branch, random) for branch in node]
    if not isinstance(node, dict):
        return node
    changed = {
        key: with_aliases(value, random) if key in ("type", "items", "values") else value for key, value in node.items()
    }
    if "fields" in node:
        names = [field["name"] for field in node["fields"]] + ["gone"]
        changed["fields"] = [with_aliases(field, random) for field in node["fields"]]
        for field in changed["fields"]:
            if random.random() < 0.5:
                field["aliases"] = random.sample(names, random.randint(1, len(names)))
    if {"fields", "symbols", "size"} & node.keys() and random.random() < 0.3:
        changed["aliases"] = ["T1", "T2"]
    return changed


@bounded
@given(randoms)
def test_avro_schemas_are_compatible_with_themselves(random):
    schema = with_aliases(Generator(random, sharing=0.3).record(4), random)
    assert findings_of_itself(SchemaType.AVRO, json.dumps(schema)) == []


@bounded
@given(randoms, st.booleans())
def test_json_schemas_are_compatible_with_themselves(random, newest):
    assert findings_of_itself(SchemaType.JSON, json.dumps(Schemas(random, newest).document())) == []


@bounded
@given(randoms)
def test_protobuf_schemas_are_compatible_with_themselves(random):
    assert findings_of_itself(SchemaType.PROTOBUF, protobuf_schemas.text(protobuf_schemas.schema(random))) == []
