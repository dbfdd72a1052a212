"""Parsing: what is refused, where, in which words; and what must never be refused or hang."""

import base64
import json
import re
import time
from pathlib import Path

import pytest

from llm_schema_registry.core.budget import DEFAULT_STEPS, BudgetExceededError
from llm_schema_registry.formats import Dependency, InvalidSchemaError, SchemaType
from llm_schema_registry.formats.protobuf import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors" / "protobuf"
ROWS = json.loads((VECTORS / "invalid.json").read_text())


@pytest.mark.parametrize("row", [pytest.param(row, id=row["description"]) for row in ROWS])
def test_invalid(row):
    dependencies = [Dependency(item["name"], item["text"]) for item in row.get("dependencies", [])]
    with pytest.raises(InvalidSchemaError) as caught:
        FORMAT.parse(row["schema"], dependencies)
    places = [(item.line, item.column) for item in caught.value.findings]
    messages = [item.message for item in caught.value.findings]
    if row["message"]:
        assert row["message"] in messages
    if row["column"]:
        assert (row["line"], row["column"]) in places
    assert row["line"] in {line for line, _ in places}
    for text in (caught.value.message, *messages):
        assert "/sources" not in text
        assert "protoc-" not in text


def test_all_problems_are_told_at_once():
    with pytest.raises(InvalidSchemaError) as caught:
        FORMAT.parse('syntax = "proto3";\nmessage M {\n  A a = 1;\n  B b = 2;\n}')
    assert caught.value.message == '3:3: "A" is not defined.; 4:3: "B" is not defined.'
    assert [(item.code, item.line) for item in caught.value.findings] == [
        ("protobuf.INVALID", 3),
        ("protobuf.INVALID", 4),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "google/protobuf/any.proto",
        "google/protobuf/descriptor.proto",
        "google/protobuf/timestamp.proto",
        "google/protobuf/wrappers.proto",
        "google/type/date.proto",
        "google/type/interval.proto",
        "google/type/money.proto",
        "confluent/meta.proto",
        "confluent/type/decimal.proto",
        "confluent/type/variant.proto",
        "confluent/types/decimal.proto",
    ],
)
def test_bundled_imports_need_no_reference(path):
    schema = FORMAT.parse(f'syntax = "proto3"; import "{path}";')
    assert path in schema.canonical


def test_names_of_the_confluent_files():
    text = """
    syntax = "proto3";
    import "confluent/meta.proto";
    import "confluent/type/decimal.proto";
    import "confluent/type/variant.proto";
    option (confluent.file_meta).doc = "file";
    message M {
      option (confluent.message_meta).params = { key: "k" value: "v" };
      confluent.type.Decimal d = 1 [(confluent.field_meta).tags = "PII"];
      confluent.type.Variant v = 2 [(confluent.field_meta).rules = { name: "n" expr: "this > 0" }];
    }
    enum E {
      option (confluent.enum_meta).doc = "enum";
      Z = 0 [(confluent.enum_value_meta).doc = "zero"];
    }
    """
    schema = FORMAT.parse(text)
    assert FORMAT.validator(schema).check_value({"d": {"value": "AQ==", "precision": 3, "scale": 1}}) == []


def test_dependencies_are_found_through_dependencies():
    dependencies = [
        Dependency("a.proto", 'syntax = "proto3"; message A { string x = 1; }'),
        Dependency("dir/b.proto", 'syntax = "proto3"; import "a.proto"; message B { A a = 1; }'),
        Dependency("unused.proto", "this is no schema"),
    ]
    schema = FORMAT.parse('syntax = "proto3"; import "dir/b.proto"; message M { B b = 1; }', dependencies)
    assert FORMAT.validator(schema).check_value({"b": {"a": {"x": "1"}}}) == []
    with pytest.raises(InvalidSchemaError, match=r'1:54: "A" .* not imported by this file'):
        FORMAT.parse('syntax = "proto3"; import "dir/b.proto"; message M { A a = 1; }', dependencies)


def test_an_error_in_a_dependency_names_it():
    dependencies = [Dependency("d.proto", 'syntax = "proto3"; message D { Nope n = 1; }')]
    with pytest.raises(InvalidSchemaError, match=r'd\.proto:1:32: "Nope" is not defined'):
        FORMAT.parse('syntax = "proto3"; import "d.proto"; message M {}', dependencies)


def test_a_dependency_may_have_the_name_of_the_compiled_file():
    dependencies = [Dependency("default", 'syntax = "proto3"; message D {}')]
    schema = FORMAT.parse('syntax = "proto3"; import "default"; message M { D d = 1; }', dependencies)
    assert FORMAT.validator(schema).check_value({"d": {}}) == []


def test_stored_schemas_are_read_leniently():
    text = 'syntax = "proto3"; import "gone.proto"; message M { Gone g = 1; string a = 2; }'
    with pytest.raises(InvalidSchemaError):
        FORMAT.parse(text)
    schema = FORMAT.parse(text, strict=False)
    assert schema.schema_type is SchemaType.PROTOBUF
    assert "Gone g = 1;" in schema.canonical
    assert ".Gone" not in schema.normalized()
    assert [item.path for item in FORMAT.outline(schema)] == ["g", "a"]
    assert FORMAT.compare(schema, FORMAT.parse(text.replace("string", "bytes"), strict=False)) == []
    with pytest.raises(InvalidSchemaError):
        FORMAT.validator(schema)


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(b"\xff\xff\xff").decode(),
        "aGVsbG8gd29ybGQ=",
        "abcd",
        base64.b64encode(b"\x0a" + b"\xff" * 40).decode(),
    ],
)
def test_base64_of_something_else(text):
    with pytest.raises(InvalidSchemaError):
        FORMAT.parse(text)


def test_a_descriptor_with_strings_that_are_no_text():
    broken = base64.b64encode(b"\x0a\x01d\x22\x04\x0a\x02\xff\xfe").decode()
    with pytest.raises(InvalidSchemaError):
        FORMAT.parse(broken)


@pytest.mark.parametrize("place", ["%s", "oneof k { %s }", "message N { %s }", "optional group G = 2 { %s }"])
def test_a_string_default_that_is_not_utf8(place):
    field = 'string s = 1 [default = "\\377"];'
    body = place % (field if "oneof" in place else "optional " + field)
    with pytest.raises(InvalidSchemaError, match=r'default of field "s" .* is not UTF-8'):
        FORMAT.parse(f'syntax = "proto2"; message M {{ {body} }}')
    FORMAT.parse(f'syntax = "proto2"; message M {{ {body.replace("string", "bytes")} }}')


INVALID_STRINGS = [
    ('message M { int32 a = 1 [json_name = "%s"]; }', 'The json_name of field "a" in message "M" is not UTF-8.'),
    ('message M { message N { int32 a = 1 [json_name = "%s"]; } }', 'The json_name of field "a" in message "N" is'),
    ('option java_package = "%s";', "The java_package of the file is not UTF-8."),
    ('option go_package = "a%sb";', "The go_package of the file is not UTF-8."),
    ('message M { reserved "%s"; }', 'The reserved_name of message "M" is not UTF-8.'),
    ('message M { enum E { reserved "%s"; A = 0; } }', 'The reserved_name of enum "E" in message "M" is not UTF-8.'),
]


@pytest.mark.parametrize("escape", ["\\xff", "\\377", "\\ud800", "\\U0000dfff", "\\xc3", "\\XED\\XA0\\x80"])
@pytest.mark.parametrize(("body", "message"), INVALID_STRINGS)
def test_strings_that_are_not_utf8(body, message, escape):
    text = 'syntax = "proto3"; ' + body % escape
    with pytest.raises(InvalidSchemaError, match=re.escape(message)):
        FORMAT.parse(text)
    stored = FORMAT.parse(text, strict=False)
    with pytest.raises(InvalidSchemaError, match=re.escape(message)):
        FORMAT.validator(stored)
    with pytest.raises(InvalidSchemaError, match="is not UTF-8"):
        FORMAT.parse('syntax = "proto3"; import "d.proto"; message X {}', [Dependency("d.proto", stored.canonical)])
    valid = FORMAT.parse('syntax = "proto3"; ' + body % "\\xc3\\xa9\\u00e9\\ud83d\\ude00")
    assert FORMAT.parse(valid.rendered("serialized")).canonical


def test_options_of_edition_2024_imports_survive_a_descriptor():
    text = """
        edition = "2024"; import option "google/protobuf/cpp_features.proto";
        message M { string a = 1 [features.(pb.cpp).string_type = STRING]; }
    """
    schema = FORMAT.parse(text)
    again = FORMAT.parse(schema.rendered("serialized"))
    assert 'import option "google/protobuf/cpp_features.proto";' in again.canonical
    assert FORMAT.profile_differences(again, schema) == []


def test_a_custom_option_in_the_encoding_of_another_type():
    declared = (
        'syntax = "proto2"; import "google/protobuf/descriptor.proto"; '
        "message O { optional O o = 1; } extend google.protobuf.MessageOptions { optional %s o = 50001; }"
    )
    text = 'syntax = "proto2"; import "o.proto"; message M { option (o) = "\\001"; }'
    serialized = FORMAT.parse(text, [Dependency("o.proto", declared % "string")]).rendered("serialized")
    with pytest.raises(InvalidSchemaError, match="not encoded as its declaration says"):
        FORMAT.parse(serialized, [Dependency("o.proto", declared % "O")])


def test_an_unknown_option_of_a_descriptor_is_refused():
    text = (
        'syntax = "proto2"; import "o.proto"; message M { optional string a = 1 [(o) = "x"]; }',
        'syntax = "proto2"; import "google/protobuf/descriptor.proto"; '
        "extend google.protobuf.FieldOptions { optional string o = 50001; }",
    )
    serialized = FORMAT.parse(text[0], [Dependency("o.proto", text[1])]).rendered("serialized")
    assert '(o) = "x"' in FORMAT.parse(serialized, [Dependency("o.proto", text[1])]).canonical
    with pytest.raises(InvalidSchemaError, match="declared in none of its imports"):
        FORMAT.parse(serialized, [Dependency("o.proto", 'syntax = "proto2";')])


@pytest.mark.parametrize(
    "text",
    [
        " " * 300_000 + "\x01",
        "/*" + "*a" * 200_000,
        '"' + "\\" * 300_001,
        "option a = " + "[" * 100_000,
        "a." * 100_000,
        'syntax = "proto3"; option a = ' + '"x" ' * 50_000,
        'syntax = "proto3"; message M { reserved ' + "9" * 100_000 + "; }",
        'syntax = "proto3"; message A\ud800 {}',
        'syntax = "proto3"; message A\x00 {}',
        "\x00" * 1000,
        'syntax = "proto3"; import "' + "a/" * 5000 + 'b.proto";',
    ],
    ids=range(11),
)
def test_hostile_texts_are_refused_quickly(text):
    start = time.perf_counter()
    with pytest.raises(InvalidSchemaError):
        FORMAT.parse(text)
    assert time.perf_counter() - start < 3


def test_too_long_a_text_is_given_up():
    with pytest.raises(BudgetExceededError):
        FORMAT.parse("// " + "x" * 4 * (DEFAULT_STEPS + 1))


def test_large_schemas_are_read():
    fields = "".join(f"  string field_{number} = {number};\n" for number in range(1, 5001))
    schema = FORMAT.parse(f'syntax = "proto3";\nmessage M {{\n{fields}}}\n')
    assert len(FORMAT.outline(schema)) == 5000
