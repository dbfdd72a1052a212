"""Patterns mean what ECMA-262 says, in the validator library's engine."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.ecma import Grammar, PatternError, translate
from llm_schema_registry.formats.json_schema.pattern_cost import pattern_cost
from llm_schema_registry.formats.json_schema.patterns import matches

URIS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}
ROWS = json.loads((Path(__file__).parents[3] / "vectors/json/patterns.json").read_text())
READ = [(row, draft) for row in ROWS if "matches" in row for draft in URIS if draft < 2019 or "plain" not in row]
REFUSED = [(row, draft) for row in ROWS if "refused" in row for draft in URIS if draft >= row.get("since", 4)]


def parse(schema, draft=7, *dependencies, strict=True):
    named = [Dependency(name, json.dumps(text)) for name, text in dependencies]
    return FORMAT.parse(json.dumps({"$schema": URIS[draft], **schema}), named, strict=strict)


def errors(schema, value):
    return FORMAT.validator(schema).check_value(value)


def labelled(cases):
    return [pytest.param(row, draft, id=f"{draft}-{row['pattern']!a}") for row, draft in cases]


@pytest.mark.parametrize(("row", "draft"), labelled(READ))
def test_patterns_match_as_ecma_262_says(row, draft):
    schema = parse({"pattern": row["pattern"]}, draft)
    names = parse({"patternProperties": {row["pattern"]: {"not": {}}}}, draft)
    for text in row["matches"]:
        assert errors(schema, text) == []
        assert errors(names, {text: 1})
    for text in row["misses"]:
        assert [finding.code for finding in errors(schema, text)] == ["json.pattern"]
        assert errors(names, {text: 1}) == []
    assert schema.raw["pattern"] == row["pattern"]


@pytest.mark.parametrize(("row", "draft"), labelled(REFUSED))
def test_other_patterns_are_refused_with_the_part(row, draft):
    for keyword in ({"pattern": row["pattern"]}, {"patternProperties": {row["pattern"]: {}}}):
        with pytest.raises(InvalidSchemaError) as caught:
            parse({"properties": {"a": keyword}}, draft)
        finding = caught.value.findings[0]
        assert (finding.code, finding.path[:15]) == ("json.METASCHEMA", "#/properties/a/")
        assert f"of ECMA-262: '{row['refused']}" in finding.message


def test_compatibility_reads_patterns_as_validation_does():
    assert matches("^[\\w-.]$", "-")
    assert not matches("^.$", "\u2028")
    assert not matches("(", "(")


def test_patterns_of_referenced_schemas_are_translated():
    schema = parse({"properties": {"a": {"$ref": "t"}}}, 2020, ("t", {"pattern": "^[\\w-.]+$"}))
    assert errors(schema, {"a": "x-y"}) == []
    assert errors(schema, {"a": "x y"})


def test_findings_show_the_pattern_as_it_was_written():
    schema = parse({"anyOf": [{"pattern": "^a.b$"}, {"type": "integer"}]})
    assert "the pattern ^a.b$" in errors(schema, "x")[0].message
    closed = parse({"properties": {"name": {}}, "patternProperties": {"^a.$": {}}, "additionalProperties": False})
    assert errors(closed, {"nam": 1})[0].fix == "Did you mean 'name'?"


def test_two_notations_of_one_pattern_both_count():
    schema = parse({"patternProperties": {"[]": {}, "[^\\u{0}-\\u{10FFFF}]": {}, "^.$": {"minimum": 1}}})
    assert errors(schema, {"a": 0})
    same = parse({"patternProperties": {"^.$": {"minimum": 1}, "^[^\\n\\r\\u{2028}\\u{2029}]$": {"maximum": 2}}})
    assert errors(same, {"a": 0})
    assert errors(same, {"a": 3})
    assert errors(same, {"a": 2}) == []


def test_values_that_look_like_patterns_stay():
    schema = parse({"enum": [{"pattern": "a.b", "$ref": "#/x", "patternProperties": {".": 1}}]})
    assert errors(schema, {"pattern": "a.b", "$ref": "#/x", "patternProperties": {".": 1}}) == []


def test_metaschemas_in_schemas_accept_patterns_of_payloads():
    schema = parse({"$ref": "http://json-schema.org/draft-07/schema#"})
    assert errors(schema, {"pattern": "^a.b$"}) == []


def test_every_fault_of_a_schema_has_its_finding():
    with pytest.raises(InvalidSchemaError) as caught:
        parse({"properties": {"a": {"pattern": "("}, "b": {"pattern": "["}}})
    assert [finding.path for finding in caught.value.findings] == ["#/properties/a/pattern", "#/properties/b/pattern"]


def test_stored_patterns_that_only_the_engine_knows_are_still_run():
    schema = parse({"pattern": "^(?>a+)b$"}, 2020, strict=False)
    assert errors(parse({"pattern": "^a++b$"}, 2020, strict=False), "aab") == []
    with pytest.raises(InvalidSchemaError):
        parse({"pattern": "^(?>a+)b$"}, 2020)
    assert schema.raw["pattern"] == "^(?>a+)b$"


def test_a_pattern_that_is_too_large_says_so():
    with pytest.raises(InvalidSchemaError, match="more memory than one may take"):
        parse({"pattern": "[\\p{L}\\p{N}]" * 600})


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("^[\\p{L}\\p{N}]{1,512}$", ["é", "é" * 512], ["", "é" * 513, "é" * 511 + "-"]),
        ("^.{0,65535}$", ["", "é" * 65_535], ["é" * 65_536, "a\n"]),
        ("^[^\\x00-\\x1f]{16384}$", ["a" * 16_384], ["a" * 16_383, "a" * 16_385]),
        ("^(?:[\\p{L}]{2,255}\\.){1,100}$", ["ab.", "ab." * 100], ["a.", "ab." * 101]),
        ("^([^\\s]{1,2048}?-){1,50}\\1$", ["ab-cd-cd-"], ["ab-cd-ab-"]),
        ("^\\p{L}{1,4294967295}$", ["é" * 70_000], ["", "1"]),
        ("^\\p{L}{4294967295,}$", [], ["é" * 70_000]),
        ("(?<=\\p{L}{1,3})\\p{N}{1,9999}$", ["a1", "a" + "1" * 9_999], ["1", "a" + "1" * 10_000]),
    ],
)
def test_counts_beyond_the_size_of_an_automaton_are_read(pattern, matches, misses):
    schema = parse({"pattern": pattern})
    assert [text for text in matches if errors(schema, text)] == []
    assert [text for text in misses if not errors(schema, text)] == []


def test_counted_repetitions_cost_no_size():
    assert pattern_cost(translate("^\\p{L}{1,99999}$", Grammar.UNICODE)).size < 200_000


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("(" * 150 + ")" * 150, "nested more than"), ("(a)" * 2000 + "\\1", "a pattern with backreferences")],
)
def test_reading_is_bounded(pattern, reason):
    with pytest.raises(PatternError, match=reason):
        translate(pattern, Grammar.UNICODE)


def test_long_patterns_are_work():
    with pytest.raises(BudgetExceededError):
        FORMAT.parse(json.dumps({"pattern": "a.b" * 1000}), budget=Budget(100))


@pytest.mark.parametrize("grammar", Grammar)
@pytest.mark.parametrize(
    ("pattern", "engine"),
    [
        ("a{" + "9" * 5000 + "}", "(?:(?=)a){99999999}"),
        ("a{0," + "9" * 5000 + "}?", "a*?"),
        ("a{00001,2147483647}", "a+"),
        ("a{2,2147483647}", "(?:(?=)a){2,}"),
        ("a{00,0}", "a{00,0}"),
    ],
)
def test_numbers_of_any_length_are_read(grammar, pattern, engine):
    assert translate(pattern, grammar) == engine


@pytest.mark.parametrize("pattern", ["^[a-z]{3}-\\d+$", "^https?://", "a|b", "(?:a|é)+", "[^a-z0-9_]", "\\.json$"])
def test_what_the_engine_reads_alike_stays(pattern):
    assert translate(pattern, Grammar.UNICODE) == pattern
