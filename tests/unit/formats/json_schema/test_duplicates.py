"""Duplicate keys in the text of a JSON Schema."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_schema_registry.core.findings import Severity
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.canonical import canonical_text, read_json
from llm_schema_registry.formats.json_schema.duplicates import MAX_DUPLICATES, duplicate_keys


def places(text: str) -> list[str]:
    return [finding.path for finding in duplicate_keys(text, canonical_text(read_json(text)))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", []),
        ("true", []),
        ('{"a":1,"b":{"a":1}}', []),
        ('{"a":1,"a":1}', ["#/a"]),
        ('{"a" \t\r\n: 1, "a":2, "a":3}', ["#/a"]),
        ('{"a":1,"\\u0061":2}', ["#/a"]),
        ('  [{"x/~":1,"x/~":2}]', ["#/0/x~1~0"]),
        ('{"":{"é":1,"é":2}}', ["#//é"]),
        ('{"a":{"b":1,"b":2,"c":[{"d":1,"d":2}]},"a":1}', ["#/a", "#/a/b", "#/a/c/0/d"]),
        # Both decoders: NaN is read by the tolerant one.
        ('{"a":NaN,"a":1}', ["#/a"]),
        # What looks like a member in a string neither hides a duplicate nor is one.
        ('{"a":"\\":","b":"\\"a\\" :"}', []),
        ('{"a":"\\":","a":1}', ["#/a"]),
        ('{":":1,":":2}', ["#/:"]),
        ('{"a":"\\u003a","b":1,"b":2}', ["#/b"]),
        ('{"a":"\\u003A"}', []),
        ('{"a":"\\u003a","a":"\\\\u003a"}', ["#/a"]),
        # Half of a surrogate pair in a value that does not count.
        ('{"a":{"\\ud800":1,"\\ud800":2},"a":1}', ["#/a", "#/a/\\ud800"]),
        ('{"a":1e400,"b":1,"b":' + "9" * 100 + "}", ["#/b"]),
    ],
)
def test_places(text: str, expected: list[str]) -> None:
    assert places(text) == expected


def test_the_finding() -> None:
    (finding,) = FORMAT.parse('{"title":"x","title":"y","title":"z"}').warnings
    assert (finding.code, finding.severity, finding.path) == ("json.DUPLICATE_KEY", Severity.WARNING, "#/title")
    assert finding.message == 'Duplicate key "title" in one JSON object, 3 times: only the last value counts.'
    assert finding.docs == "reference/findings/json.md#duplicate_key"
    assert finding.fix


def test_findings_are_bounded() -> None:
    members = ",".join(f'"k{index}":1,"k{index}":2' for index in range(MAX_DUPLICATES + 7))
    findings = FORMAT.parse(f'{{"default":{{{members}}}}}').warnings
    assert len(findings) == MAX_DUPLICATES + 1
    assert findings[-1].message.startswith("7 more duplicate keys")
    key = "k" * 100_000
    (finding,) = FORMAT.parse(f'{{"{key}":1,"{key}":2}}').warnings
    assert len(finding.path) + len(finding.message) < 3_000


def test_only_the_text_of_a_new_schema_is_examined() -> None:
    text = '{"$ref":"other.json","description":"a","description":"b"}'
    other = Dependency("other.json", '{"type":"string","type":"integer"}')
    assert [each.path for each in FORMAT.parse(text, [other]).warnings] == ["#/description"]
    assert FORMAT.parse(text, [other], strict=False).warnings == ()
    assert FORMAT.parse(FORMAT.parse(text, [other]).normalized(), [other]).warnings == ()


def test_deep_nesting_is_no_defect() -> None:
    depth = 50_000
    text = f'{{"a":1,"a":2,"default":{"[" * depth}{"]" * depth}}}'
    with pytest.raises(InvalidSchemaError):
        FORMAT.parse(text)


VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(alphabet=':" \\a\n', max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.tuples(st.text(alphabet=':" \\a', max_size=2), inner), max_size=3).map(tuple),
    ),
    max_leaves=12,
)


def written(value: object, space: str, escaped: bool) -> str:
    """JSON in which a tuple of pairs is an object, duplicates included."""
    if isinstance(value, tuple):
        members = (f"{written(key, space, escaped)}{space}:{written(part, space, escaped)}" for key, part in value)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(part, space, escaped) for part in value) + "]"
    text = json.dumps(value)
    return text.replace(":", "\\u003a") if escaped else text


def has_duplicates(value: object) -> bool:
    if isinstance(value, tuple):
        keys = [key for key, _ in value]
        return len(set(keys)) < len(keys) or any(has_duplicates(part) for _, part in value)
    return isinstance(value, list) and any(map(has_duplicates, value))


@given(value=VALUES, space=st.sampled_from(["", " ", "\r\n\t"]), escaped=st.booleans())
def test_none_is_missed_and_none_is_made_up(value: object, space: str, escaped: bool) -> None:
    assert bool(places(written(value, space, escaped))) == has_duplicates(value)
