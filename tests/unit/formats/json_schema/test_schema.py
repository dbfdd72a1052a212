import json

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError, SchemaType
from llm_schema_registry.formats.json_schema import FORMAT

DRAFTS = (
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
)
NEWEST = DRAFTS[-1]


def parse(schema, *dependencies, strict=True):
    return FORMAT.parse(json.dumps(schema), [Dependency(*pair) for pair in dependencies], strict=strict)


def accepts(schema, value):
    return FORMAT.validator(schema).check_value(value) == []


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_draft_is_read(draft):
    schema = parse({"$schema": draft, "type": "object", "properties": {"a": {"type": "string"}}})
    assert schema.schema_type is SchemaType.JSON
    assert accepts(schema, {"a": "x"})
    assert not accepts(schema, {"a": 1})


def test_without_schema_keyword_it_is_draft_7():
    assert accepts(parse({"prefixItems": [{"type": "string"}]}), [1])
    assert not accepts(parse({"items": [{"type": "string"}]}), [1])


def test_an_unknown_schema_keyword_is_read_as_draft_7():
    assert not accepts(parse({"$schema": "https://example.com/own", "items": [{"type": "string"}]}), [1])


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "strng"}, "#/type"),
        ({"properties": {"a/b": {"minLength": -1}}}, "#/properties/a~1b/minLength"),
        ({"pattern": "("}, "#/pattern"),
        ({"required": "a"}, "#/required"),
        ({"$schema": NEWEST, "items": [{}]}, "#/items"),
    ],
)
def test_the_metaschema_is_enforced_with_the_place(schema, path):
    with pytest.raises(InvalidSchemaError) as caught:
        parse(schema)
    assert [(finding.code, finding.path) for finding in caught.value.findings] == [("json.METASCHEMA", path)]


def test_stored_schemas_are_read_without_the_metaschema():
    schema = parse({"type": "strng", "minLength": "3"}, strict=False)
    with pytest.raises(InvalidSchemaError):
        FORMAT.validator(schema)


@pytest.mark.parametrize("reference", ["http://example.com/x.json", "file:///etc/passwd", "other.json#/a", "urn:x:y"])
@pytest.mark.parametrize("place", ["root", "properties", "definitions"])
def test_unknown_references_are_refused_with_the_way_out(reference, place):
    schema = {"$ref": reference}
    if place != "root":
        schema = {place: {"a": schema}}
    with pytest.raises(InvalidSchemaError) as caught:
        parse(schema)
    assert reference in caught.value.message
    assert "declare it in 'references'" in caught.value.message


@pytest.mark.parametrize("reference", ["#/definitions/none", "#none", "#/properties/a/3", "#/enum/9"])
def test_references_to_nothing_are_refused(reference):
    with pytest.raises(InvalidSchemaError, match="does not exist"):
        parse({"properties": {"a": {"$ref": reference}}, "enum": [1]})


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {
            "$ref": "#/definitions/a",
            "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}},
        },
    ],
)
def test_circles_of_references_are_refused(schema):
    with pytest.raises(InvalidSchemaError, match="circle"):
        parse(schema)


@pytest.mark.parametrize(
    ("schema", "dependencies"),
    [
        ({"definitions": {"a": {"type": "string"}}, "$ref": "#/definitions/a"}, ()),
        ({"definitions": {"a/b": {"type": "string"}}, "$ref": "#/definitions/a~1b"}, ()),
        ({"definitions": {"a b": {"type": "string"}}, "$ref": "#/definitions/a%20b"}, ()),
        ({"definitions": {"a": {"$id": "#name", "type": "string"}}, "$ref": "#name"}, ()),
        ({"definitions": {"a": {"$id": "inner.json", "type": "string"}}, "allOf": [{"$ref": "inner.json"}]}, ()),
        ({"$schema": NEWEST, "$defs": {"a": {"$anchor": "name", "type": "string"}}, "$ref": "#name"}, ()),
        ({"$ref": "string.json"}, [("string.json", '{"type":"string"}')]),
        ({"$ref": "all.json#/definitions/a"}, [("all.json", '{"definitions":{"a":{"type":"string"}}}')]),
        ({"$ref": "http://example.com/s.json"}, [("http://example.com/s.json", '{"type":"string"}')]),
        ({"$id": "http://example.com/r.json", "allOf": [{"$ref": "s.json"}]}, [("s.json", '{"type":"string"}')]),
        (
            {"$id": "http://example.com/r.json", "allOf": [{"$ref": "s.json"}]},
            [("http://example.com/s.json", '{"type":"string"}')],
        ),
        ({"$ref": "b.json"}, [("a.json", '{"type":"string"}'), ("b.json", '{"$ref":"a.json"}')]),
        ({"$ref": "http://example.com/own"}, [("x", '{"$id":"http://example.com/own","type":"string"}')]),
    ],
)
def test_references_are_followed(schema, dependencies):
    parsed = parse(schema, *dependencies)
    plain = parse({"type": "string"})
    assert accepts(parsed, "x")
    assert not accepts(parsed, 1)
    kinds = [difference.type.name for difference in FORMAT.compare(parse({"type": "integer"}), parsed)]
    assert kinds == ["TYPE_CHANGED"]
    assert {difference.type.name for difference in FORMAT.compare(plain, parsed)} <= {
        "ID_CHANGED",
        "PRODUCT_TYPE_NARROWED",
    }


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_metaschemas_are_bundled(draft):
    schema = parse({"$schema": draft, "properties": {"parameters": {"$ref": draft}}})
    assert accepts(schema, {"parameters": {"type": "object"}})
    assert not accepts(schema, {"parameters": {"type": 3}})
    other = parse({"$schema": draft, "properties": {"parameters": {"$ref": draft}}, "title": "other"})
    assert [difference.type.name for difference in FORMAT.compare(other, schema)] == ["TITLE_CHANGED"]


@pytest.mark.parametrize(("draft", "hidden"), [(DRAFTS[2], True), (NEWEST, False)])
def test_old_drafts_hide_what_stands_beside_a_reference(draft, hidden):
    key = "definitions"
    schema = parse(
        {"$schema": draft, key: {"a": {"type": "string"}}, "allOf": [{"$ref": f"#/{key}/a", "maxLength": 2}]}
    )
    assert accepts(schema, "long") is hidden


def test_references_inside_data_mean_nothing():
    parse({"enum": [{"$ref": "http://example.com"}], "default": {"$ref": "x"}, "x-other": {"$ref": "y"}})
    parse({"properties": {"$ref": {"type": "string"}}})


def test_work_is_bounded():
    schema = json.dumps({"properties": {f"p{index}": {"type": "string"} for index in range(100)}})
    with pytest.raises(BudgetExceededError):
        FORMAT.parse(schema, budget=Budget(50))
    with pytest.raises(BudgetExceededError):
        FORMAT.parse(" " * 1024 * 1024, budget=Budget(1024 * 1024 // 64 - 1))


def test_long_chains_of_definitions_are_read():
    chain = {str(index): {"properties": {"next": {"$ref": f"#/definitions/{index + 1}"}}} for index in range(2000)}
    chain["2000"] = {"type": "string"}
    parse({"definitions": chain, "$ref": "#/definitions/0"})


def test_equivalence_sees_the_references():
    one = parse({"$ref": "a"}, ("a", '{"type":"string"}'))
    other = parse({"$ref": "a"}, ("a", '{"type":"integer"}'))
    assert FORMAT.equivalent(one, parse({"$ref": "a"}, ("a", '{"type":"string"}')))
    assert not FORMAT.equivalent(one, other)
