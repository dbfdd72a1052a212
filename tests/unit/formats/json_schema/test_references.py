"""What `$ref` may look like, and what is said if it leads nowhere."""

import json

import pytest

from llm_schema_registry.formats.format import Dependency, InvalidSchemaError
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.uris import forbidden, normal

DRAFTS = (
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
)
TEXT = {"type": "string"}
SPELLINGS = ["größe.json", "gr%C3%B6%C3%9Fe.json", "gr%c3%b6%c3%9fe.json", "gr%C3%B6ße.js%6Fn"]


def parse(schema, *dependencies, strict=True):
    named = [Dependency(name, json.dumps(text)) for name, text in dependencies]
    return FORMAT.parse(json.dumps(schema), named, strict=strict)


def reads_strings(schema):
    check = FORMAT.validator(schema).check_value
    return check({"a": "x"}) == [] and check({"a": 1}) != []


def refused(schema, *dependencies):
    with pytest.raises(InvalidSchemaError) as caught:
        parse(schema, *dependencies)
    finding = caught.value.findings[0]
    assert caught.value.message == finding.message
    return finding


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("name", ["größe", "Page[int]", "日本", "e\u0301", "Map[str,List[é]]"])
def test_letters_outside_ascii_and_brackets_may_stand_as_they_are(draft, name):
    schema = {"$schema": draft, "definitions": {name: TEXT}, "properties": {"a": {"$ref": f"#/definitions/{name}"}}}
    parsed = parse(schema)
    assert reads_strings(parsed)
    assert parsed.raw == schema


@pytest.mark.parametrize("reference", SPELLINGS)
@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("base", [None, "http://example.com/straße/root.json"])
def test_percent_encoded_and_plain_spellings_are_equal(reference, name, base):
    root = {} if base is None else {"$id": base}
    use = {"properties": {"a": {"$ref": f"{reference}#/definitions/ü"}}}
    assert reads_strings(parse({**root, **use}, (name, {"definitions": {"ü": TEXT}})))
    part = {"$id": name, "definitions": {"ü": TEXT}}
    assert reads_strings(parse({**root, **use, "definitions": {"part": part}}))


@pytest.mark.parametrize("reference", ["#größe", "#gr%C3%B6%C3%9Fe"])
@pytest.mark.parametrize("name", ["#größe", "#gr%c3%b6%c3%9fe"])
def test_anchors_are_compared_in_their_normal_form(reference, name):
    assert reads_strings(parse({"definitions": {"p": {"$id": name, **TEXT}}, "properties": {"a": {"$ref": reference}}}))


def test_unicode_normalization_is_not_applied():
    finding = refused({"definitions": {"\u00e9": TEXT}, "properties": {"a": {"$ref": "#/definitions/e\u0301"}}})
    assert finding.code == "json.UNRESOLVED_REF"


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize(
    ("reference", "written"),
    [
        ("#/definitions/Foo<Bar>", "#/definitions/Foo%3CBar%3E"),
        ("#/definitions/a b", "#/definitions/a%20b"),
        ("#/definitions/100%", "#/definitions/100%25"),
        ("#/definitions/{a}", "#/definitions/%7Ba%7D"),
        ("#/definitions/a|b", "#/definitions/a%7Cb"),
        ("#/definitions/C#", "#/definitions/C%23"),
        ("#/definitions/a\u00a0b", "#/definitions/a%C2%A0b"),
    ],
)
def test_other_characters_are_refused_with_how_to_write_them(draft, reference, written):
    schema = {"definitions": {reference[14:]: TEXT}, "properties": {"a": {"$ref": reference}}}
    finding = refused({"$schema": draft, **schema})
    assert (finding.code, finding.path) == ("json.METASCHEMA", "#/properties/a/$ref")
    assert f"write '{written}'" in finding.fix
    schema["properties"]["a"]["$ref"] = written
    assert reads_strings(parse({"$schema": draft, **schema}))
    schema["properties"]["a"]["$ref"] = reference
    assert reads_strings(parse({"$schema": draft, **schema}, strict=False))


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("http://[::1]:80/a[b]#c[d]", "http://[::1]:80/a%5Bb%5D#c%5Bd%5D"),
        ("//größe.de/x", "//gr%C3%B6%C3%9Fe.de/x"),
        ("a%2fb%7e", "a%2Fb~"),
        ("urn:x:y#z", "urn:x:y#z"),
        ("#a#b", "#a%23b"),
        ("%zz", "%25zz"),
    ],
)
def test_the_normal_form(written, form):
    assert normal(written) == form
    assert normal(form) == form
    assert not forbidden(form)


def test_an_unknown_reference_names_its_place_and_what_is_declared():
    use = {"properties": {"b/c": {"items": {"$ref": "Addres.json"}}}}
    finding = refused(use, ("address.json", TEXT), ("b.json", TEXT))
    assert finding.path == "#/properties/b~1c/items"
    assert "(at '#/properties/b~1c/items')" in finding.message
    assert finding.fix.startswith('Did you mean \'address.json\'? Add {"name": "Addres.json"')
    assert finding.fix.endswith("Declared are 'address.json', 'b.json'.")
    assert refused(use).fix.endswith("None is declared.")


def test_an_unknown_reference_in_another_text_names_that():
    finding = refused({"$ref": "m.json"}, ("m.json", {"properties": {"q": {"$ref": "none.json"}}}))
    assert finding.path == "#/properties/q"
    assert "of the referenced 'm.json'" in finding.message


@pytest.mark.parametrize(
    ("reference", "fix"),
    [
        ("#/definitions/address", "Did you mean '#/definitions/Address'?"),
        ("#/definitions/a/b", "Did you mean '#/definitions/a~1b'?"),
        ("#/definitions/größ", "Did you mean '#/definitions/gr%C3%B6%C3%9Fe'?"),
        ("#/defintions/Address", "Did you mean '#/definitions'?"),
        ("#anchr", "Did you mean '#anchor'?"),
        (
            "#/definitions/zzz",
            "There are 'Address', 'a/b', 'größe', 'c': refer to one of them, or add the missing one.",
        ),
        ("#/definitions/Address/type/x", "Correct the $ref, or add the schema it points to."),
        ("other.json#/definitions/Yy", "Did you mean 'other.json#/definitions/Yyy'?"),
    ],
)
def test_a_place_that_is_not_there_names_those_that_are(reference, fix):
    definitions = {"Address": TEXT, "a/b": TEXT, "größe": TEXT, "c": {"$id": "#anchor"}}
    use = {"definitions": definitions, "properties": {"a": {"$ref": reference}}}
    finding = refused(use, ("other.json", {"definitions": {"Yyy": TEXT, "Y": TEXT}}))
    assert (finding.code, finding.path, finding.fix) == ("json.UNRESOLVED_REF", "#/properties/a", fix)


@pytest.mark.parametrize(
    ("schema", "place", "fix"),
    [
        ({"exclusiveMinimum": True, "minimum": 1}, "#/exclusiveMinimum", "declare draft-04"),
        ({"properties": {"a": {"required": True}}}, "#/properties/a/required", "of the object that has them"),
        ({"$schema": DRAFTS[3], "items": [{}]}, "#/items", "'prefixItems'"),
        ({"$schema": DRAFTS[0], "minimum": 1, "exclusiveMinimum": 1}, "#/exclusiveMinimum", "a flag of 'minimum'"),
        ({"$schema": DRAFTS[0], "required": []}, "#/required", "at least one name"),
        ({"type": "any"}, "#/type", "one of array, boolean"),
    ],
)
def test_common_mistakes_have_a_fix_of_their_own(schema, place, fix):
    finding = refused(schema)
    assert (finding.code, finding.path) == ("json.METASCHEMA", place)
    assert fix in finding.fix


@pytest.mark.parametrize("name", ["a b.json", "Foo<Bar>.json", "x|y.json", "50%.json", "größe {1}.json"])
def test_the_fix_for_an_unknown_ref_that_is_not_a_uri_works_when_applied(name):
    fix = refused({"properties": {"a": {"$ref": name}}}).fix
    written = fix.partition("Write the $ref as '")[2].partition("'")[0]
    assert f'Add {{"name": "{written}"' in fix
    assert reads_strings(parse({"properties": {"a": {"$ref": written}}}, (written, TEXT)))
    assert "Write the $ref" not in refused({"properties": {"a": {"$ref": written}}}).fix
