"""Branches that read the same are found, whatever the order of their parts."""

import json

import pytest

from llm_schema_registry.formats import SchemaType, format_of

FORMAT = format_of(SchemaType.JSON)
TEXT, NUMBER = {"type": "string"}, {"type": "number"}
PERMUTED = [
    ({"enum": [None, "t"]}, {"enum": ["t", None]}),
    ({"type": ["string", "null"]}, {"type": ["null", "string"]}),
    ({"required": ["a", "b"]}, {"required": ["b", "a"]}),
    ({"anyOf": [TEXT, NUMBER]}, {"anyOf": [NUMBER, TEXT]}),
    ({"items": {"oneOf": [TEXT, NUMBER]}}, {"items": {"oneOf": [NUMBER, TEXT]}}),
    ({"properties": {"enum": {"enum": [1, 2]}}}, {"properties": {"enum": {"enum": [2, 1]}}}),
    ({"dependentRequired": {"a": ["x", "y"]}}, {"dependentRequired": {"a": ["y", "x"]}}),
    ({"dependentRequired": {"required": ["a", "b"]}}, {"dependentRequired": {"required": ["b", "a"]}}),
    ({"dependencies": {"a": ["x", "y"]}}, {"dependencies": {"a": ["y", "x"]}}),
    ({"items": {"dependencies": {"a": ["x", "y"]}}}, {"items": {"dependencies": {"a": ["y", "x"]}}}),
]
DIFFERENT = [
    ({"const": {"enum": [1, 2]}}, {"const": {"enum": [2, 1]}}),
    ({"enum": [[1, 2]]}, {"enum": [[2, 1]]}),
    ({"prefixItems": [TEXT, NUMBER]}, {"prefixItems": [NUMBER, TEXT]}),
]


def differences(writer: object, reader: object) -> set[str]:
    return {
        each.type.name for each in FORMAT.compare(FORMAT.parse(json.dumps(reader)), FORMAT.parse(json.dumps(writer)))
    }


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
@pytest.mark.parametrize(("one", "other"), PERMUTED)
def test_a_repeated_branch_counts_once_in_any_order(keyword: str, one: object, other: object) -> None:
    repeated, equal, single = {keyword: [one, other, TEXT]}, {keyword: [one, one, TEXT]}, {keyword: [other, TEXT]}
    for writer in (repeated, equal, single):
        for reader in (repeated, equal, single):
            assert not {name for name in differences(writer, reader) if "TYPE_" in name}


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_an_order_that_means_something_keeps_branches_apart(one: object, other: object) -> None:
    assert "SUM_TYPE_EXTENDED" in differences({"anyOf": [one, TEXT]}, {"anyOf": [one, other, TEXT]})
