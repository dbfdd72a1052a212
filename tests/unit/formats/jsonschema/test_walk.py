import contextlib
import json
import time

import pytest

from llm_schema_registry.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.jsonschema import FORMAT
from llm_schema_registry.formats.jsonschema.compatibility.matching import maximum_matching


def parse(schema):
    return FORMAT.parse(json.dumps(schema))


def names(writer, reader, **options):
    return {one.type.name for one in FORMAT.compare(parse(reader), parse(writer), **options)}


def finishes(writer, reader):
    """Whether the comparison ends soon, with an answer or by giving up."""
    start = time.monotonic()
    with contextlib.suppress(BudgetExceededError):
        FORMAT.compare(parse(reader), parse(writer))
    return time.monotonic() - start < 20


def ladder(keyword, leaf, height=40):
    """Each definition refers twice to the next one: doubling work for whoever follows every path."""
    step = {str(n): {keyword: [{"type": "object", "properties": {"l": {"$ref": f"#/definitions/{n + 1}"}}},
                               {"type": "object", "properties": {"r": {"$ref": f"#/definitions/{n + 1}"}}}]}
            for n in range(height)}  # fmt: skip
    return {"definitions": {**step, str(height): leaf}, "$ref": "#/definitions/0"}


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf", "allOf"])
@pytest.mark.parametrize("leaf", [{"type": "string"}, {"type": "integer"}])
def test_ladders_of_references_end(keyword, leaf):
    assert finishes(ladder(keyword, {"type": "string"}), ladder(keyword, leaf))


@pytest.mark.parametrize(("keyword", "name"), [("anyOf", "SUM_TYPE_EXTENDED"), ("allOf", "PRODUCT_TYPE_NARROWED")])
def test_ladders_of_combinations_beside_a_plain_type_end(keyword, name):
    # Two branches that do not fit, each by way of the next definition, before the one that does.
    step = {
        str(n): {keyword: [{"$ref": f"#/definitions/{n + 1}"}, {keyword: [{"$ref": f"#/definitions/{n + 1}"}]}]}
        for n in range(40)
    }
    combined = {
        "definitions": {**step, "40": {"type": "object"}},
        keyword: [{"$ref": "#/definitions/0"}, {"type": "string"}],
    }
    sides = ({"type": "string"}, combined) if keyword == "anyOf" else (combined, {"type": "string"})
    assert names(*sides, budget=Budget(1_000)) == {name}


def test_ladders_of_properties_end():
    def properties(leaf, height=40):
        step = {
            str(n): {"properties": {side: {"$ref": f"#/definitions/{n + 1}"} for side in "lr"}} for n in range(height)
        }
        return {"definitions": {**step, str(height): leaf}, "$ref": "#/definitions/0"}

    assert names(properties({"type": "string"}), properties({"type": "string"})) == set()
    with pytest.raises(BudgetExceededError):
        names(properties({"type": "string"}), properties({"type": "integer"}))


def test_one_walk_is_enough_where_nothing_recurs():
    def properties(leaf):
        return {"properties": {str(n): {"properties": {"a": {"type": leaf}}} for n in range(10)}}

    # Four steps for each of the objects, and one for each of the innermost properties.
    assert names(properties("number"), properties("integer"), budget=Budget(54)) == {"TYPE_NARROWED"}
    with pytest.raises(BudgetExceededError):
        names(properties("number"), properties("integer"), budget=Budget(53))


def test_repeating_many_differences_costs_more_than_one():
    def places(leaf, count):
        shared = {"properties": {str(n): {"type": leaf} for n in range(50)}}
        places = {str(n): {"$ref": "#/definitions/shared"} for n in range(count)}
        return {"definitions": {"shared": shared}, "properties": places}

    assert names(places("number", 2), places("integer", 2), budget=Budget(1_000)) == {"TYPE_NARROWED"}
    with pytest.raises(BudgetExceededError):
        names(places("number", 4), places("integer", 4), budget=Budget(1_000))


def test_recursive_unions_end():
    def expression(number):
        kinds = [{"type": "object", "properties": {key: {"$ref": "#"}}, "required": [key]} for key in "abcdef"]
        return {"oneOf": [*kinds, {"type": number}]}

    assert names(expression("number"), expression("number")) == set()
    assert names(expression("integer"), expression("number")) == {"TYPE_EXTENDED"}
    assert "COMBINED_TYPE_SUBSCHEMAS_CHANGED" in names(expression("number"), expression("integer"))


def test_wide_unions_end():
    def union(offset):
        return {"anyOf": [{"type": "string", "maxLength": n + offset, "minLength": n} for n in range(1000)]}

    assert finishes(union(0), union(1))
    assert names(union(0), union(0)) == set()
    grown = union(0)
    grown["anyOf"].insert(500, {"type": "integer"})
    assert names(union(0), grown, budget=Budget(5_000)) == {"SUM_TYPE_EXTENDED"}


def test_long_chains_are_given_up_not_crashed():
    chain = {str(index): {"properties": {"next": {"$ref": f"#/definitions/{index + 1}"}}} for index in range(3000)}
    writer = {"definitions": {**chain, "3000": {"type": "string"}}, "$ref": "#/definitions/0"}
    reader = {"definitions": {**chain, "3000": {"type": "integer"}}, "$ref": "#/definitions/0"}
    with pytest.raises(BudgetExceededError, match="The compatibility check was given up"):
        names(writer, reader)


def test_the_budget_is_kept():
    schema = {"properties": {str(index): {"type": "string"} for index in range(100)}}
    with pytest.raises(BudgetExceededError):
        names(schema, {**schema, "title": "other"}, budget=Budget(50))


def test_mutual_recursion_is_refuted_where_it_breaks():
    def lists(value):
        return {
            "definitions": {
                "a": {
                    "type": "object",
                    "properties": {"b": {"oneOf": [{"$ref": "#/definitions/b"}, {"type": "null"}]}},
                },
                "b": {
                    "type": "object",
                    "properties": {"a": {"oneOf": [{"$ref": "#/definitions/a"}, {"type": "null"}]}, "v": value},
                },
            },
            "$ref": "#/definitions/a",
        }

    assert names(lists({"type": "integer"}), lists({"type": "number"})) == {"TYPE_EXTENDED"}
    assert names(lists({"type": "number"}), lists({"type": "integer"})) == {"COMBINED_TYPE_SUBSCHEMAS_CHANGED"}


def test_a_schema_is_equal_to_itself():
    schema = parse({"oneOf": [{"type": "object", "properties": {"a": {"$ref": "#"}}}, {"type": "null"}]})
    assert FORMAT.compare(schema, schema) == []


@pytest.mark.parametrize(
    ("edges", "right", "size"),
    [([[0], [0]], 1, 1), ([[0, 1], [0]], 2, 2), ([[0], [0, 1], [1, 2]], 3, 3), ([[], [0]], 1, 1), ([], 0, 0)],
)
def test_matchings_are_maximal(edges, right, size):
    partners = maximum_matching(edges, right)
    chosen = [partner for partner in partners if partner is not None]
    assert len(chosen) == len(set(chosen)) == size
    assert all(partner is None or partner in edges[left] for left, partner in enumerate(partners))
