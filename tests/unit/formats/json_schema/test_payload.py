import itertools
import json
from pathlib import Path

import pytest

from llm_schema_registry.formats.format import Impact
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.payload import MAX_FINDINGS

EVENTS = json.loads((Path(__file__).parents[3] / "vectors/json/events.json").read_text())
NEWEST = "https://json-schema.org/draft/2020-12/schema"


def check(schema, value):
    return FORMAT.validator(FORMAT.parse(json.dumps(schema))).check_value(value)


def check_bytes(schema, data):
    return FORMAT.validator(FORMAT.parse(json.dumps(schema))).check_bytes(data)


@pytest.mark.parametrize("row", EVENTS["samples"], ids=lambda row: f"{row['schema']}-{row['sample']}")
def test_samples_of_events(row):
    findings = check_bytes(EVENTS["schemas"][row["schema"]], json.dumps(row["payload"]).encode())
    assert (findings == []) is row["valid"]
    for finding in findings:
        assert finding.code.startswith("json.")
        assert finding.message


@pytest.mark.parametrize("pair", list(itertools.permutations(EVENTS["drift"], 2)), ids=" to ".join)
def test_drifted_views_of_one_event_are_told_apart(pair):
    writer, reader = (FORMAT.parse(json.dumps(EVENTS["drift"][name])) for name in pair)
    differences = FORMAT.compare(reader, writer)
    assert any(one.type.impact is not Impact.COMPATIBLE for one in differences)


PERSON = {
    "type": "object",
    "properties": {
        "session_id": {"type": "string"},
        "age": {"type": "integer", "minimum": 0},
        "kind": {"enum": ["admin", "guest"]},
        "mail": {"type": "string", "format": "email"},
        "a/b~c": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "uniqueItems": True},
        "score": {"type": "number", "multipleOf": 0.01},
    },
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "code", "path", "message"),
    [
        ({"age": "7"}, "json.type", "/age", 'The value at /age must be integer, but it is string: "7"'),
        ({"age": -1}, "json.minimum", "/age", "The value at /age must be at least 0, but it is -1"),
        ({"mail": "x"}, "json.format", "/mail", 'The value at /mail must be a valid email, but it is "x"'),
        (
            {"kind": "admim"},
            "json.enum",
            "/kind",
            'The value at /kind must be one of "admin", "guest", but it is "admim"',
        ),
        ({"a/b~c": 1}, "json.type", "/a~1b~0c", "The value at /a~1b~0c must be string, but it is integer: 1"),
        (
            {"tags": ["long"]},
            "json.maxLength",
            "/tags/0",
            'The value at /tags/0 must have at most 3 characters, but it is "long"',
        ),
        (
            {"tags": ["a", "a"]},
            "json.uniqueItems",
            "/tags",
            'The value at /tags must have no two equal items, but it is ["a","a"]',
        ),
        (
            {"score": 0.005},
            "json.multipleOf",
            "/score",
            "The value at /score must be a multiple of 0.01, but it is 0.005",
        ),
        ([], "json.type", "", "The payload must be object, but it is array: []"),
        (None, "json.type", "", "The payload must be object, but it is null: null"),
    ],
)
def test_findings_say_what_is_wrong(value, code, path, message):
    (finding,) = check(PERSON, value)
    assert (finding.code, finding.path, finding.message) == (code, path, message)


def test_unknown_properties_come_one_by_one_with_what_may_be_meant():
    findings = check(PERSON, {"sesion_id": "x", "sessionId": "x", "other": 1})
    assert [(one.code, one.path, one.fix) for one in findings] == [
        ("json.additionalProperties", "/sesion_id", "Did you mean 'session_id'?"),
        ("json.additionalProperties", "/sessionId", "Did you mean 'session_id'?"),
        ("json.additionalProperties", "/other", "Remove it, or declare it in the schema."),
    ]


def test_missing_properties_say_which_one_may_be_misspelt():
    schema = {"properties": {"user": {"required": ["organization_id"]}}}
    (finding,) = check(schema, {"user": {"organizationId": 1}})
    assert (finding.code, finding.path) == ("json.required", "/user")
    assert finding.message == "The required property 'organization_id' is missing in the object at /user"
    assert finding.fix == "Rename 'organizationId' to 'organization_id'."


def test_unions_name_the_closest_alternative():
    schema = {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "integer"}}}]}
    (finding,) = check(schema, {"a": "x"})
    assert finding.code == "json.oneOf"
    assert finding.message.startswith("The payload fits none of the 2 alternatives of 'oneOf'")
    assert "The value at /a must be integer" in finding.message
    (finding,) = check({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 1)
    assert finding.message == "The payload fits 2 of the 2 alternatives of 'oneOf', but must fit one"


@pytest.mark.parametrize(
    ("schema", "value", "code"),
    [
        ({"const": 1}, 2, "json.const"),
        ({"not": {"type": "string"}}, "x", "json.not"),
        ({"contains": {"type": "string"}}, [1], "json.contains"),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "json.propertyNames"),
        ({"items": [{}], "additionalItems": False}, [1, 2], "json.additionalItems"),
        ({"properties": {"a": False}}, {"a": 1}, "json.falseSchema"),
        ({"dependencies": {"a": ["b"]}}, {"a": 1}, "json.required"),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, "json.required"),
        ({"pattern": "^a$"}, "b", "json.pattern"),
        ({"pattern": "(?i)^a$"}, "b", "json.pattern"),
        ({"exclusiveMaximum": 3}, 3, "json.exclusiveMaximum"),
        ({"minProperties": 1}, {}, "json.minProperties"),
        ({"anyOf": [{"type": "string"}, False]}, 1, "json.anyOf"),
        ({"$schema": NEWEST, "unevaluatedProperties": False}, {"a": 1}, "json.unevaluatedProperties"),
        ({"$schema": NEWEST, "prefixItems": [{}], "unevaluatedItems": False}, [1, 2], "json.unevaluatedItems"),
        ({"contentEncoding": "base64"}, "%", "json.contentEncoding"),
        (False, 1, "json.falseSchema"),
    ],
)
def test_every_keyword_has_a_message(schema, value, code):
    (finding,) = check(schema, value)
    assert finding.code == code
    assert "{" not in finding.message.partition(", but it is")[0]


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"", 1, 1), (b'{\n "a": x}', 2, 7), (b"NaN", 1, 1), (b"[1,\n\n2,]", 3, 3)],
)
def test_what_is_no_json_is_located(data, line, column):
    (finding,) = check_bytes(True, data)
    assert (finding.code, finding.line, finding.column) == ("json.SYNTAX", line, column)


def test_what_is_no_utf8_is_a_finding():
    (finding,) = check_bytes(True, b'"\xff"')
    assert finding.code == "json.SYNTAX"


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 900 + b"]" * 900, b"1e999", b"9" * 10_000])
def test_hostile_bytes_are_findings(data):
    assert all(finding.code.startswith("json.") for finding in check_bytes({"type": "object"}, data))
    assert check_bytes({"type": "object"}, data)


@pytest.mark.parametrize("value", [object(), {1: 2}, "\ud800"], ids=["object", "integer key", "surrogate"])
def test_values_that_are_no_json_are_findings(value):
    (finding,) = check({"type": "object"}, value)
    assert finding.code == "json.UNREADABLE"


def test_the_number_of_findings_is_bounded():
    assert len(check({"items": {"type": "string"}}, list(range(10_000)))) == MAX_FINDINGS
    closed = {"properties": {"a": {}}, "additionalProperties": False}
    assert len(check(closed, {str(n): n for n in range(10_000)})) == MAX_FINDINGS


def test_a_schema_that_allows_no_property_says_so():
    (finding,) = check({"properties": {"a": {"additionalProperties": False}}}, {"a": {"x": 1}})
    assert (finding.code, finding.path) == ("json.additionalProperties", "/a")


@pytest.mark.parametrize(
    "dialect", ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]
)
def test_patterns_may_start_with_flags(dialect):
    schema = {
        "$schema": dialect,
        "properties": {"a": {"pattern": "(?i)^x$"}, "pattern": {"const": {"pattern": "(?i)x"}}},
        "patternProperties": {"(?i)^n": {"type": "null"}},
    }
    validator = FORMAT.validator(FORMAT.parse(json.dumps(schema)))
    assert validator.check_value({"a": "X", "N": None, "pattern": {"pattern": "(?i)x"}}) == []
    assert len(validator.check_value({"a": "y", "N": 1, "pattern": {"pattern": "(?i:x)"}})) == 3


def test_catastrophic_patterns_end():
    check({"pattern": "^(a+)+$"}, "a" * 5000 + "!")


def test_recursive_schemas_check_deep_payloads():
    schema = {"type": "object", "additionalProperties": {"$ref": "#"}}
    assert check_bytes(schema, b'{"a":' * 100 + b"{}" + b"}" * 100) == []
    (finding,) = check_bytes(schema, b'{"a":' * 100 + b"1" + b"}" * 100)
    assert finding.path == "/a" * 100
