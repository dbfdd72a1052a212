"""Parsing: places of errors, what strict means, references, hostile texts."""

import json

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Dependency, InvalidSchemaError
from llm_schema_registry.formats.avro import FORMAT


def record(*fields, **attributes):
    return json.dumps({"type": "record", "name": "R", **attributes, "fields": list(fields)})


def refused(text, **options):
    with pytest.raises(InvalidSchemaError) as raised:
        FORMAT.parse(text, **options)
    (finding,) = raised.value.findings
    assert finding.message == raised.value.message
    assert finding.fix
    return finding


# code, path, message, text
REFUSED = [
    ("avro.MISSING_ATTRIBUTE", "", "No type: {}", "{}"),
    ("avro.MISSING_ATTRIBUTE", "/fields/0", 'No field name: {"type":"int"}', record({"type": "int"})),
    ("avro.MISSING_ATTRIBUTE", "/fields/0", 'No field name: "a"', record("a")),
    ("avro.MISSING_ATTRIBUTE", "/fields/0", 'No field type: {"name":"a"}', record({"name": "a"})),
    ("avro.MISSING_ATTRIBUTE", "", 'No items type: {"type":"array"}', '{"type":"array"}'),
    ("avro.MISSING_ATTRIBUTE", "", 'No values type: {"type":"map"}', '{"type":"map"}'),
    (
        "avro.MISSING_ATTRIBUTE",
        "",
        'Enum has no symbols: {"type":"enum","name":"E"}',
        '{"type":"enum","name":"E"}',
    ),
    (
        "avro.MISSING_ATTRIBUTE",
        "",
        'Invalid or no size: {"type":"fixed","name":"F","size":"16"}',
        '{"type":"fixed","name":"F","size":"16"}',
    ),
    (
        "avro.MISSING_ATTRIBUTE",
        "",
        'Record has no fields: {"type":"record","name":"R"}',
        '{"type":"record","name":"R"}',
    ),
    (
        "avro.INVALID_ATTRIBUTE",
        "/size",
        "Malformed data. Length is negative: -1",
        '{"type":"fixed","name":"F","size":-1}',
    ),
    ("avro.INVALID_ATTRIBUTE", "/0", "Schema not yet supported: 5", "[5]"),
    (
        "avro.INVALID_ATTRIBUTE",
        "/fields/0/order",
        "No enum constant org.apache.avro.Schema.Field.Order.UP",
        record({"name": "a", "type": "int", "order": "up"}),
    ),
    (
        "avro.INVALID_ATTRIBUTE",
        "/aliases",
        'aliases not an array: {"type":"fixed","name":"F","size":1,"aliases":"G"}',
        '{"type":"fixed","name":"F","size":1,"aliases":"G"}',
    ),
    (
        "avro.INVALID_NAME",
        "/fields/1/name",
        "Illegal initial character: 9a",
        record({"name": "a", "type": "int"}, {"name": "9a", "type": "int"}),
    ),
    ("avro.INVALID_NAME", "/name", "Empty name", '{"type":"fixed","name":"","size":1}'),
    (
        "avro.INVALID_NAME",
        "/name",
        "Schemas may not be named after primitives: string",
        '{"type":"record","name":"string","fields":[]}',
    ),
    (
        "avro.INVALID_NAME",
        "",
        'Namespace part "" is invalid: Empty name',
        '{"type":"record","name":"R","namespace":"a..b","fields":[]}',
    ),
    (
        "avro.INVALID_NAME",
        "/symbols/1",
        "Illegal character in: a b",
        '{"type":"enum","name":"E","symbols":["A","a b"]}',
    ),
    (
        "avro.DUPLICATE_SYMBOL",
        "/symbols/1",
        "Duplicate enum symbol: A",
        '{"type":"enum","name":"E","symbols":["A","A"]}',
    ),
    (
        "avro.DUPLICATE_FIELD",
        "/fields/1",
        "Duplicate field a in record n.R: a type:LONG pos:1 and a type:INT pos:0.",
        record({"name": "a", "type": "int"}, {"name": "a", "type": "long"}, namespace="n"),
    ),
    (
        "avro.UNDEFINED_TYPE",
        "/fields/0/type/items",
        "Undefined schema: n.Nope",
        record({"name": "a", "type": {"type": "array", "items": "Nope"}}, namespace="n"),
    ),
    (
        "avro.REDEFINED_TYPE",
        "/1",
        "Can't redefine: F",
        '[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":2}]',
    ),
    (
        "avro.INVALID_UNION",
        "/1",
        "Duplicate in union:array",
        '[{"type":"array","items":"int"},{"type":"array","items":"long"}]',
    ),
    (
        "avro.INVALID_DEFAULT",
        "/fields/0/default",
        'Invalid default for field a: 2147483648 not a "int"',
        record({"name": "a", "type": "int", "default": 2147483648}),
    ),
    (
        "avro.INVALID_DEFAULT",
        "/fields/0/default",
        'Invalid default for field a: 1.0 not a "long"',
        record({"name": "a", "type": "long", "default": 1.0}),
    ),
    (
        "avro.INVALID_DEFAULT",
        "/fields/0/default",
        'Invalid default for field a: true not a ["int","null"]',
        record({"name": "a", "type": ["int", "null"], "default": True}),
    ),
    (
        "avro.INVALID_DEFAULT",
        "/fields/0/default",
        "Invalid default for field a: {} not a "
        '{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}}]}',
        record({"name": "a", "type": "R", "default": {}}),
    ),
    (
        "avro.INVALID_DEFAULT",
        "/fields/0/default",
        'For input string: "much"',
        record({"name": "a", "type": "double", "default": "much"}),
    ),
    ("avro.DUPLICATE_KEY", "", 'Duplicate key "type" in one JSON object', '{"type":"int","type":"long"}'),
    ("avro.INVALID_JSON", "", "Cannot parse <null> schema", " "),
    ("avro.INVALID_JSON", "", "dangling content after end of schema: 1", '"int" 1'),
    (
        "avro.INVALID_TEXT",
        "",
        "Schema contains an unpaired surrogate, which UTF-8 cannot carry",
        '{"type":"int","p":"\\ud800"}',
    ),
]


@pytest.mark.parametrize(("code", "path", "message", "text"), REFUSED)
def test_refused_with_message_and_place(code, path, message, text):
    finding = refused(text)
    assert (finding.code, finding.path, finding.message) == (code, path, message)


def test_a_syntax_error_knows_line_and_column():
    finding = refused('{"type": "record",\n "name": R}')
    assert (finding.code, finding.line, finding.column) == ("avro.INVALID_JSON", 2, 11)
    assert "Unrecognized token 'R'" in finding.message
    assert "Unexpected character ('}'" in refused('{"type":}').message
    assert "Unexpected end-of-input" in refused('{"type":"int"').message
    assert "Non-standard token 'NaN'" in refused('{"type":"int","p":NaN}').message


LENIENT = [
    record({"name": "a", "type": "int", "default": "x"}),
    record({"name": "ä", "type": "int"}),
    '{"type":"enum","name":"E","symbols":["a-b"]}',
    '{"type":"int","type":"long"}',
]


@pytest.mark.parametrize("text", LENIENT)
def test_stored_schemas_are_read_leniently(text):
    refused(text)
    schema = FORMAT.parse(text, strict=False)
    assert FORMAT.parse(schema.canonical, strict=False).canonical == schema.canonical


def test_comments_and_forward_names_are_allowed():
    schema = FORMAT.parse(
        """// the whole
        {"type": "record", "name": "n.R", "fields": [
            {"name": "a", "type": {"type": "array", "items": "Later"}}, /* "quoted" */
            {"name": "b", "type": {"type": "fixed", "name": "Later", "size": 2}, "doc": "http://x/*y*/"}]}"""
    )
    assert schema.canonical == (
        '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"array","items":'
        '{"type":"fixed","name":"Later","size":2}}},{"name":"b","type":"Later","doc":"http://x/*y*/"}]}'
    )


def test_an_unqualified_name_falls_back_to_the_null_namespace():
    schema = FORMAT.parse(
        '[{"type":"fixed","name":"F","size":2},{"type":"record","name":"n.R","fields":[{"name":"a","type":"F"}]}]'
    )
    assert schema.canonical.endswith('[{"name":"a","type":"F"}]}]')


def test_the_same_definition_twice_is_one_type():
    text = '{"type":"fixed","name":"F","size":2}'
    schema = FORMAT.parse(record({"name": "a", "type": "@"}, {"name": "b", "type": "@"}).replace('"@"', text))
    assert schema.canonical.count('"fixed"') == 1


def test_numbers_are_printed_as_the_reference_prints_them():
    props = {"a": 1e10, "b": 0.0001, "c": -0.0, "d": 12345678901234567890, "e": 1.5e-9, "f": 9999999.0}
    schema = FORMAT.parse(json.dumps({"type": "int", **props}))
    assert schema.canonical == (
        '{"type":"int","a":1.0E10,"b":1.0E-4,"c":-0.0,"d":12345678901234567890,"e":1.5E-9,"f":9999999.0}'
    )


def test_the_normal_form_gives_numbers_the_form_of_their_type():
    def field(kind, default):
        return {"name": "f", "type": kind, "default": default}

    for kind, default, text in [
        ("float", 0.123456789, "0.12345679"),
        ("float", 16777217, "1.6777216E7"),
        ("float", 1e39, '"Infinity"'),
        ("double", "NaN", '"NaN"'),
        ("double", 10**400, '"Infinity"'),
        ("long", 5, "5"),
    ]:
        assert FORMAT.parse(record(field(kind, default))).normalized().endswith(f'"default":{text}}}]}}')


def test_control_characters_are_escaped_in_upper_case():
    assert FORMAT.parse('{"type":"int","a":"\\u001f\\\\u001f\\u007f"}').canonical == (
        '{"type":"int","a":"\\u001F\\\\u001f\x7f"}'
    )


MONEY = '{"type":"record","name":"Money","namespace":"d","fields":[{"name":"unit","type":"d.Unit"}]}'
UNIT = '{"type":"enum","name":"Unit","namespace":"d","symbols":["EUR"]}'


def test_references_resolve_transitively():
    dependencies = [Dependency("unit", UNIT), Dependency("money", MONEY)]
    one = FORMAT.parse(record({"name": "m", "type": "d.Money"}), dependencies)
    assert '"type":"d.Money"' in one.canonical
    assert '"symbols":["EUR"]' in one.rendered("resolved")
    inlined = FORMAT.parse(one.rendered("resolved"))
    assert FORMAT.equivalent(one, inlined)
    assert not FORMAT.equivalent(one, FORMAT.parse(MONEY, dependencies[:1]))
    assert one.rendered("no such form") == one.canonical


def test_a_type_inside_a_reference_is_written_out():
    # As the reference implementation does: only the type that a reference is as a whole stays a name.
    money = MONEY.replace('"d.Unit"', UNIT)
    schema = FORMAT.parse(record({"name": "u", "type": "d.Unit"}), [Dependency("money", money)])
    assert '"symbols":["EUR"]' in schema.canonical
    assert FORMAT.parse(schema.canonical, [Dependency("money", money)]).canonical == schema.canonical


def test_a_reference_of_another_content_cannot_be_redefined():
    other = UNIT.replace("EUR", "USD")
    with pytest.raises(InvalidSchemaError, match=r"Can't redefine: d\.Unit"):
        FORMAT.parse(f"[{other}]", [Dependency("unit", UNIT)])


DEEP = 10_000
HOSTILE = [
    '{"type":"array","items":' * DEEP + '"int"' + "}" * DEEP,
    "[" * DEEP + "]" * DEEP,
    '{"type":"int","p":' + "[" * DEEP + "]" * DEEP + "}",
    json.dumps(
        [{"type": "record", "name": f"R{n}", "fields": [{"name": "f", "type": f"R{n + 1}"}]} for n in range(2000)]
        + [{"type": "fixed", "name": "R2000", "size": 1}]
    ),
]


@pytest.mark.timeout(5)
@pytest.mark.parametrize("text", HOSTILE, ids=["arrays", "unions", "property", "chain of names"])
def test_deep_schemas_are_refused(text):
    finding = refused(text)
    assert finding.code == "avro.TOO_DEEP"
    assert "deeper than 200 levels" in finding.message


@pytest.mark.timeout(5)
def test_strings_do_not_count_as_depth():
    assert FORMAT.parse(json.dumps({"type": "int", "p": "[{" * 5000 + '"\\'})).canonical
    refused('"' + '\\"[' * 300_000)


def test_messages_do_not_repeat_a_large_schema():
    assert len(refused(json.dumps({"type": "record", "p": "x" * 100_000})).message) == 10_000
    assert len(refused('"int" ' + "x" * 100_000).message) == 10_000


def test_the_budget_bounds_the_work():
    with pytest.raises(BudgetExceededError):
        FORMAT.parse(json.dumps([{"type": "fixed", "name": f"F{n}", "size": n} for n in range(50)]), budget=Budget(20))
    with pytest.raises(BudgetExceededError):
        FORMAT.parse(json.dumps({"type": "int", "p": "x" * 1024 * 1024}), budget=Budget(1024 * 1024 // 64))
