"""The canonical and the normal text, and the other forms a schema is asked for."""

import base64
import importlib
import json
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from llm_schema_registry.formats import Dependency, InvalidSchemaError
from llm_schema_registry.formats.protobuf import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors" / "protobuf"


DESCRIPTOR_TEXT = """\
syntax = "proto3";
package p;

import "confluent/meta.proto";

message M {
  reserved 9;

  string long_name = 1 [
    (confluent.field_meta) = {
      doc: "d",
      params: {
        key: "k",
        value: "v"
      },
      tags: [
        "A",
        "B"
      ]
    },
    json_name = "x"
  ];
  repeated .p.M.MEntry m = 2;
  optional int32 o = 3;
  repeated .p.M.E e = 5;

  oneof k {
    bytes b = 4;
  }

  message MEntry {
    option map_entry = true;
\x20\x20
    string key = 1;
    .p.M value = 2;
  }
  enum E {
    Z = 0;
  }
}

service S {
  rpc R (.p.M) returns (stream .p.M);
}
"""


def rows(name):
    return [pytest.param(row, id=row["description"]) for row in json.loads((VECTORS / name).read_text())]


def dependencies(row):
    return [Dependency(item["name"], item["text"]) for item in row.get("dependencies", [])]


@pytest.mark.parametrize("row", rows("canonical.json"))
def test_canonical(row):
    schema = FORMAT.parse(row["schema"], dependencies(row))
    assert schema.canonical == row["canonical"]
    again = FORMAT.parse(schema.canonical, dependencies(row))
    assert again.canonical == schema.canonical


@pytest.mark.parametrize("row", rows("canonical.json"))
def test_canonical_text_means_the_same(row):
    written, printed = (FORMAT.parse(text, dependencies(row)) for text in (row["schema"], row["canonical"]))
    assert FORMAT.compare(written, printed) == []
    assert FORMAT.compare(printed, written) == []
    assert written.normalized() == printed.normalized()


@pytest.mark.parametrize("row", rows("normalized.json"))
def test_normalized(row):
    normal = FORMAT.parse(row["schema"], dependencies(row)).normalized()
    assert normal == row["normalized"]
    assert FORMAT.parse(normal, dependencies(row)).normalized() == normal


@pytest.mark.parametrize("row", rows("canonical.json"))
def test_normal_form_is_a_fixed_point(row):
    schema = FORMAT.parse(row["schema"], dependencies(row))
    normal = FORMAT.parse(schema.normalized(), dependencies(row))
    assert normal.normalized() == schema.normalized()
    assert FORMAT.compare(normal, schema) == []


@pytest.mark.parametrize("row", [*rows("canonical.json"), *rows("normalized.json")])
def test_serialized_is_the_same_schema(row):
    schema = FORMAT.parse(row["schema"], dependencies(row))
    text = schema.rendered("serialized")
    descriptor = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(text))
    assert descriptor.package == schema.file.package
    back = FORMAT.parse(text, dependencies(row))
    assert FORMAT.compare(back, schema) == []
    again = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(back.rendered("serialized")))
    assert sorted(message.name for message in again.message_type) == sorted(
        message.name for message in descriptor.message_type
    )


def test_a_descriptor_prints_as_text():
    text = (
        'syntax = "proto3"; package p; import "confluent/meta.proto"; '
        'message M { string long_name = 1 [json_name = "x", (confluent.field_meta) = { doc: "d" tags: ["A", "B"] '
        'params: { key: "k" value: "v" } }]; map<string, M> m = 2; optional int32 o = 3; oneof k { bytes b = 4; } '
        "repeated E e = 5; enum E { Z = 0; } reserved 9; } service S { rpc R (M) returns (stream M); }"
    )
    serialized = FORMAT.parse(text).rendered("serialized")
    assert FORMAT.parse(serialized).canonical == DESCRIPTOR_TEXT


NESTED = [
    'syntax = "proto3"; message M { message In { map<string, int32> z = 1; message Q {} } map<string, In> f = 1; '
    "message Last {} }",
    'syntax = "proto3"; message M { message A {} map<string, A> b = 1; message B {} map<int32, B> a_x = 2; '
    "enum E { Z = 0; } }",
    'syntax = "proto2"; message M { message A {} optional group G = 1 { message A {} optional group H = 1 {} } '
    "map<string, A> b = 2; oneof o { group K = 3 {} } message C {} extensions 10 to 20; "
    "extend M { optional group X = 10 {} } message D {} optional group L = 4 {} }",
    'syntax = "proto2"; extend M { optional group X = 10 { message B {} map<int32, B> m = 1; } } '
    "message M { extensions 10 to 20; } message N { message A {} }",
    'syntax = "proto2"; message M { message A {} repeated BEntry b = 1; message BEntry { option map_entry = true; '
    "optional string key = 1; optional A value = 2; } message C {} optional group G = 2 {} map<int32, C> d = 3; }",
]  # fmt: skip


def message_names(messages):
    return [(message.name, message_names(message.nested_type)) for message in messages]


def names_in(schema):
    """The messages in `serialized`, in their order, with those in them."""
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(schema.rendered("serialized")))
    return message_names(file.message_type)


@pytest.mark.parametrize("text", NESTED)
def test_messages_have_the_order_of_the_text_in_a_descriptor(text):
    schema = FORMAT.parse(text)
    served = FORMAT.parse(schema.canonical)
    stored = FORMAT.parse(schema.canonical, strict=False)
    assert names_in(schema) == names_in(served) == names_in(stored)
    back = FORMAT.parse(schema.rendered("serialized"))
    assert names_in(back) == names_in(FORMAT.parse(back.canonical))
    described = descriptor_pb2.FileDescriptorSet.FromString(schema.descriptors).file[-1]
    assert message_names(described.message_type) == names_in(schema)


def test_the_order_of_fields_groups_and_messages():
    (outer,) = names_in(FORMAT.parse(NESTED[2]))
    assert [name for name, _ in outer[1]] == ["BEntry", "K", "G", "L", "X", "A", "C", "D"]
    assert dict(outer[1])["G"] == [("H", []), ("A", [])]


def test_nested_messages_keep_their_places_beside_entries_of_maps():
    schema = FORMAT.parse(NESTED[0])
    serialized = schema.rendered("serialized")
    back = FORMAT.parse(serialized)
    assert back.rendered("serialized") == serialized
    assert names_in(schema) == [("M", [("FEntry", []), ("In", [("ZEntry", []), ("Q", [])]), ("Last", [])])]
    for validator in (FORMAT.validator(schema), FORMAT.validator(back)):
        assert [validator.descriptor((0, index)).name for index in range(3)] == ["In", "In", "Last"]
    assert FORMAT.validator(back).check_value({"f": {"a": {"z": {"b": 1}}}}) == []


@pytest.mark.parametrize(
    "body",
    [
        "repeated FEntry f = 1; message FEntry { option map_entry = true; string key = 1; }",
        "FEntry f = 1; message FEntry { option map_entry = true; string key = 1; int32 value = 2; }",
        "message FEntry { option map_entry = true; string key = 1; int32 value = 2; }",
        "repeated FEntry f = 1; message FEntry { option map_entry = true; bytes key = 1; int32 value = 2; }",
        "repeated FEntry f = 1; message FEntry { option map_entry = true; string key = 1; repeated int32 value = 2; }",
        "repeated FEntry f = 1; message FEntry { option map_entry = true; int32 key = 1; int32 value = 2; "
        "message X {} }",
        "repeated FEntry f = 1; message FEntry { option map_entry = true; int32 key = 1; int32 value = 2; } "
        "message FEntry { option map_entry = true; int32 key = 1; int32 value = 2; }",
    ],
)
def test_what_is_marked_as_a_map_has_to_be_one(body):
    with pytest.raises(InvalidSchemaError):
        FORMAT.parse(f'syntax = "proto3"; message M {{ {body} }}')


def test_proto2_descriptor_keeps_labels_groups_and_defaults():
    text = (
        'syntax = "proto2"; message M { required int32 r = 1; optional group G = 2 { optional bool x = 1 '
        "[default = true]; } optional E e = 3 [default = B]; optional bytes y = 4 [default = '\\377']; "
        "optional string s = 5 [default = 'a\\n']; enum E { A = 0; B = 1; } extensions 10 to max; } "
        "extend M { repeated double d = 10 [packed = true]; }"
    )
    schema = FORMAT.parse(text)
    back = FORMAT.parse(schema.rendered("serialized"))
    assert back.normalized() == schema.normalized()


def test_ignore_extensions_drops_custom_options_but_those_of_confluent():
    text = (
        'syntax = "proto2"; import "confluent/meta.proto"; import "google/protobuf/descriptor.proto"; '
        "extend google.protobuf.FieldOptions { optional string o = 50001; } "
        'message M { extensions 10; optional string a = 1 [(o) = "x", deprecated = true, '
        '(confluent.field_meta).doc = "d"]; extend M { optional int32 e = 10; } }'
    )
    assert FORMAT.parse(text).rendered("ignore_extensions") == (
        'syntax = "proto2";\n\nimport "confluent/meta.proto";\nimport "google/protobuf/descriptor.proto";\n\n'
        "message M {\n  optional string a = 1 [\n    deprecated = true,\n"
        '    (confluent.field_meta).doc = "d"\n  ];\n}\n'
    )


def test_an_unknown_form_is_the_canonical_text():
    schema = FORMAT.parse('syntax = "proto3"; message M {}')
    assert schema.rendered("nonsense") == schema.canonical == 'syntax = "proto3";\n\nmessage M {}\n'


def test_extensions_that_something_else_declared_change_nothing():
    """The Confluent client declares its options for the whole process when it is imported."""
    text = (
        'syntax = "proto3"; import "confluent/meta.proto"; '
        'message M { string a = 1 [(confluent.field_meta) = { params: { key: "k" value: "v" } }]; }'
    )
    serialized = FORMAT.parse(text).rendered("serialized")
    before = FORMAT.parse(serialized).canonical
    importlib.import_module("confluent_kafka.schema_registry.confluent.meta_pb2")
    assert FORMAT.parse(serialized).canonical == before
