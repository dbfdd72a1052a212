import json

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.format import Impact
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.compatibility.bipartite import maximum_matching


def parse(schema):
    return FORMAT.parse(json.dumps(schema))


def differences(writer, reader, **options):
    return FORMAT.compare(parse(reader), parse(writer), **options)


def names(writer, reader, **options):
    return {one.type.name for one in differences(writer, reader, **options)}


def breaking(writer, reader):
    return [
        (one.type.name, one.path, one.places)
        for one in differences(writer, reader)
        if one.type.impact is Impact.INCOMPATIBLE
    ]


def compare_within(steps, writer, reader):
    """Compares two schemas; raises `BudgetExceededError` if that takes more steps."""
    FORMAT.compare(parse(reader), parse(writer), budget=Budget(steps))


def ladder(keyword, leaf, height=40):
    """Each definition refers twice to the next one: doubling work for whoever follows every path."""
    step = {str(n): {keyword: [{"type": "object", "properties": {"l": {"$ref": f"#/definitions/{n + 1}"}}},
                               {"type": "object", "properties": {"r": {"$ref": f"#/definitions/{n + 1}"}}}]}
            for n in range(height)}  # fmt: skip
    return {"definitions": {**step, str(height): leaf}, "$ref": "#/definitions/0"}


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf", "allOf"])
@pytest.mark.parametrize("leaf", [{"type": "string"}, {"type": "integer"}])
def test_ladders_of_references_end(keyword, leaf):
    compare_within(2_000, ladder(keyword, {"type": "string"}), ladder(keyword, leaf))


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
    found = differences(properties({"type": "string"}), properties({"type": "integer"}))
    assert [(one.type.name, one.path, one.places) for one in found] == [("TYPE_CHANGED", "#" + 40 * "/properties/l", 2)]


def test_one_walk_is_enough_where_nothing_recurs():
    def properties(leaf):
        return {"properties": {str(n): {"properties": {"a": {"type": leaf}}} for n in range(10)}}

    # Four steps for each of the objects, one for each of the innermost properties, and one for each difference.
    assert names(properties("number"), properties("integer"), budget=Budget(64)) == {"TYPE_NARROWED"}
    with pytest.raises(BudgetExceededError):
        names(properties("number"), properties("integer"), budget=Budget(63))


def shared(leaf, properties, places):
    definition = {"properties": {str(n): {"type": leaf} for n in range(properties)}}
    uses = {str(n): {"$ref": "#/definitions/shared"} for n in range(places)}
    return {"definitions": {"shared": definition}, "properties": uses}


def test_a_difference_in_several_places_is_counted_at_its_shortest_path():
    def nested(leaf):
        return {"properties": {"deep": shared(leaf, 1, 1), "a": {"$ref": "#/definitions/shared"}}} | {
            "definitions": shared(leaf, 1, 1)["definitions"]
        }

    found = differences(nested("number"), nested("integer"))
    assert [(one.path, one.places) for one in found] == [
        ("#/properties/deep/properties/0/properties/0", 0),
        ("#/properties/a/properties/0", 2),
    ]


def test_differences_are_repeated_in_so_many_places_and_no_more():
    repeated = differences(shared("number", 1, 1002), shared("integer", 1, 1002))
    assert [one.places for one in repeated] == [1002] + 1001 * [0]
    (once,) = differences(shared("number", 1, 1003), shared("integer", 1, 1003))
    assert (once.path, once.places) == ("#/properties/0/properties/0", 1003)


def test_accepted_differences_do_not_keep_breaking_ones_from_being_repeated():
    def both(number, title):
        definition = {"properties": {"n": {"type": number}, "t": {"title": title}}}
        uses = {str(n): {"$ref": "#/definitions/shared"} for n in range(600)}
        return {"definitions": {"shared": definition}, "properties": uses}

    found = differences(both("number", "a"), both("integer", "b"))
    assert [(one.type.name, one.places) for one in found[:2]] == [("TYPE_NARROWED", 600), ("TITLE_CHANGED", 600)]
    assert {(one.type.name, one.places) for one in found[2:]} == {("TYPE_NARROWED", 0)}
    assert len(found) == 601


def test_recursive_unions_end():
    def expression(number):
        kinds = [{"type": "object", "properties": {key: {"$ref": "#"}}, "required": [key]} for key in "abcdef"]
        return {"oneOf": [*kinds, {"type": number}]}

    assert names(expression("number"), expression("number")) == set()
    assert names(expression("integer"), expression("number")) == {"TYPE_EXTENDED"}
    assert "COMBINED_TYPE_SUBSCHEMAS_CHANGED" in names(expression("number"), expression("integer"))


@pytest.mark.slow
def test_wide_unions_end():
    def union(offset):
        return {"anyOf": [{"type": "string", "maxLength": n + offset, "minLength": n} for n in range(1000)]}

    compare_within(1_100_000, union(0), union(1))
    assert names(union(0), union(0)) == set()
    grown = union(0)
    grown["anyOf"].insert(500, {"type": "integer"})
    assert names(union(0), grown, budget=Budget(5_000)) == {"SUM_TYPE_EXTENDED"}


@pytest.mark.slow
@pytest.mark.parametrize("length", [100, 3000])
def test_chains_of_references_may_be_long(length):
    def chain(leaf):
        links = {str(n): {"properties": {"n": {"$ref": f"#/definitions/{n + 1}"}}} for n in range(length)}
        return {"definitions": {**links, str(length): {"type": leaf}}, "$ref": "#/definitions/0"}

    place = "#" + length * "/properties/n"
    assert breaking(chain("string"), chain("integer")) == [("TYPE_CHANGED", place, 1)]


@pytest.mark.slow
def test_long_chains_in_branches_are_followed():
    def chain(leaf):
        links = {str(n): {"anyOf": [{"$ref": f"#/definitions/{n + 1}"}, {"type": "null"}]} for n in range(1000)}
        return {"definitions": {**links, "1000": {"properties": {"a": {"type": leaf}}}}, "$ref": "#/definitions/0"}

    assert breaking(chain("string"), chain("string")) == []
    assert breaking(chain("string"), chain("integer")) == [("COMBINED_TYPE_SUBSCHEMAS_CHANGED", "#/anyOf", 1)]


@pytest.mark.slow
def test_many_changes_in_a_long_chain_are_given_up():
    def chain(leaf):
        step = {"properties": {"next": None, **{str(n): {"type": leaf} for n in range(10)}}}
        links = {
            str(n): {"properties": {**step["properties"], "next": {"$ref": f"#/definitions/{n + 1}"}}}
            for n in range(2000)
        }
        return {"definitions": {**links, "2000": {}}, "$ref": "#/definitions/0"}

    with pytest.raises(BudgetExceededError, match="The compatibility check was given up"):
        names(chain("string"), chain("integer"))


def unions(keyword, count, leaf="integer", new=None):
    """Closed types, each with four properties that are one of the others."""
    types = {}
    for index in range(count):
        others = [{"$ref": f"#/definitions/T{other}"} for other in range(count) if other != index]
        properties = {f"rel{number}": {keyword: others} for number in range(4)}
        properties |= {"kind": {"const": f"T{index}"}, "value": {"type": "integer"}}
        types[f"T{index}"] = {"type": "object", "properties": properties, "additionalProperties": False}
    types["T5"]["properties"]["value"] = {"type": leaf}
    types["T5"]["properties"] |= new or {}
    return {"definitions": types, "properties": {"root": {"$ref": "#/definitions/T0"}}, "additionalProperties": False}


@pytest.mark.slow
@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
@pytest.mark.parametrize(("count", "steps"), [(12, 15_000), (20, 50_000), (30, 160_000)])
def test_recursive_unions_of_many_types_are_compared(keyword, count, steps):
    old = unions(keyword, count)
    assert breaking(old, unions(keyword, count, new={"new": {"type": "string"}})) == []
    found = differences(old, unions(keyword, count, "string"), budget=Budget(steps))
    failed = [one for one in found if one.type.impact is Impact.INCOMPATIBLE]
    assert [(one.type.name, one.path, one.places) for one in failed] == [
        ("COMBINED_TYPE_SUBSCHEMAS_CHANGED", f"#/properties/root/properties/rel{number}/{keyword}", 1)
        for number in range(4)
    ]
    assert "differ by TYPE_CHANGED at properties/value" in failed[0].detail


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


def cyclic(leaf, first, **places):
    """Two definitions that form a cycle, and the places that refer to them."""
    return {
        "definitions": {
            "Node": {"properties": {"link": {"$ref": "#/definitions/Link"}, "x": {"type": leaf}}},
            "Link": {"properties": {"to": {"$ref": "#/definitions/Node"}}},
        },
        "properties": {name: places[name] for name in sorted(places, key=lambda name: name != first)},
    }


NODE, LINK = {"$ref": "#/definitions/Node"}, {"$ref": "#/definitions/Link"}


@pytest.mark.parametrize("first", ["p", "q"])
@pytest.mark.parametrize(
    "rescued", [{"anyOf": [NODE, {}]}, {"oneOf": [{"allOf": [NODE, LINK]}, True]}, {"anyOf": [LINK, NODE, {}]}]
)
def test_a_pair_that_is_rescued_in_one_place_is_refused_in_another(first, rescued):
    old, new = cyclic("string", first, p=NODE, q=LINK), cyclic("integer", first, p=rescued, q=LINK)
    assert breaking(old, new) == [("TYPE_CHANGED", "#/properties/q/properties/to/properties/x", 1)]
    assert breaking(old, cyclic("integer", first, p=rescued, q={})) == []


def test_every_place_of_a_cycle_is_reported_whatever_comes_first():
    found = [
        differences(cyclic("string", first, p=NODE, q=LINK), cyclic("integer", first, p=NODE, q=LINK)) for first in "pq"
    ]
    assert [sorted((one.path, one.places) for one in each) for each in found] == 2 * [
        [("#/properties/p/properties/x", 2), ("#/properties/q/properties/to/properties/x", 0)]
    ]


@pytest.mark.parametrize(
    "inner",
    [
        {"additionalProperties": NODE},
        {"items": NODE},
        {"items": [{}, NODE]},
        {"items": [{}], "additionalItems": NODE},
        {"not": {"properties": {"n": NODE}}},
        {"dependencies": {"a": {"properties": {"b": NODE}}}},
        {"allOf": [{"properties": {"n": NODE}}, {"minProperties": 1}]},
        {"properties": {"n": {"properties": {"m": {"properties": {"o": NODE}}}}}},
    ],
    ids=str,
)
def test_cycles_lead_through_every_keyword(inner):
    def cycle(leaf, place, other):
        definition = {"properties": {"x": leaf, "link": inner}}
        return {"definitions": {"Node": definition}, "properties": {"p": place, "q": other}}

    # What is negated breaks when more is allowed.
    leaves = ({}, {"type": "string"}) if "not" not in inner else ({"type": "string"}, {})
    old, new = cycle(leaves[0], NODE, inner), cycle(leaves[1], {"anyOf": [NODE, {}]}, inner)
    assert {path[:14] for _, path, _ in breaking(old, new)} == {"#/properties/q"}


@pytest.mark.parametrize(
    ("edges", "right", "known", "size"),
    [
        ([[0], [0]], 1, {}, 1),
        ([[0, 1], [0]], 2, {}, 2),
        ([[0, 1], [0]], 2, {0: 0}, 2),
        ([[0], [0, 1], [1, 2]], 3, {1: 0, 2: 1}, 3),
        ([[0], [0, 1], [1, 2]], 3, {}, 3),
        ([[], [0]], 1, {}, 1),
        ([], 0, {}, 0),
    ],
)
def test_matchings_are_maximal(edges, right, known, size):
    partners = maximum_matching(len(edges), right, edges.__getitem__, known)
    chosen = [partner for partner in partners if partner is not None]
    assert len(chosen) == len(set(chosen)) == size
    assert all(partner is None or partner in edges[left] for left, partner in enumerate(partners))


def test_edges_are_not_asked_for_where_known_partners_suffice():
    assert maximum_matching(2, 3, None, {0: 2, 1: 0}) == [2, 0]
