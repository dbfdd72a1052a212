"""The view of descriptor protos against the runtime's view of the same file."""

import json
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor

from llm_schema_registry.formats.protobuf import FORMAT
from llm_schema_registry.formats.protobuf.features import CPP, JAVA
from llm_schema_registry.formats.protobuf.linked import LinkedEnum, LinkedFile, LinkedMessage

VECTORS = Path(__file__).parents[3] / "vectors" / "protobuf"
FILES = [
    """
    edition = "2023"; package p; import "google/protobuf/timestamp.proto";
    option features.field_presence = IMPLICIT; option features.json_format = LEGACY_BEST_EFFORT;
    message M {
      option features.json_format = ALLOW;
      extensions 100 to 200;
      int32 a = 1; int32 b = 2 [features.field_presence = EXPLICIT];
      int32 c = 3 [features.field_presence = LEGACY_REQUIRED];
      N n = 4; N d = 5 [features.message_encoding = DELIMITED];
      repeated N r = 6 [features.message_encoding = DELIMITED];
      map<string, N> m = 7 [features.utf8_validation = NONE]; oneof o { int32 x = 8; string y = 9; }
      google.protobuf.Timestamp t = 10; E e = 11; C z = 12 [features.field_presence = EXPLICIT];
      message N { enum I { I0 = 0; I1 = -1; } I i = 1; extend M { string s = 101; } }
    }
    enum E { E0 = 0; E1 = 1; }
    enum C { option features.enum_type = CLOSED; option features.json_format = ALLOW; C1 = 1; C2 = 2; }
    extend M { int32 n = 100; repeated M.N w = 102; M.N d = 103 [features.message_encoding = DELIMITED]; }
    """,
    """
    edition = "2024"; option features.message_encoding = DELIMITED; option features.enum_type = CLOSED;
    message M { map<int32, M> m = 1; M n = 2;
    M p = 3 [features.message_encoding = LENGTH_PREFIXED]; E e = 4; }
    enum E { A = 3; }
    """,
    """
    syntax = "proto2"; package q;
    message M {
      optional int64 i = 1 [default = -7]; optional double d = 2 [default = -inf];
      optional float f = 3 [default = 1.5];
      optional bytes b = 4 [default = "\\xff\\0'\\""];
      optional string s = 5 [default = "é\\"\\n"]; optional E e = 6 [default = B];
      optional bool t = 7 [default = true];
      optional uint64 u = 8 [default = 18446744073709551615]; optional E first = 9;
      optional group G = 10 { required string k = 1; } repeated E r = 11 [packed = true];
      optional bool no = 12;
      optional int32 with_name = 13 [json_name = "other"]; optional int32 without_name = 14;
      optional double nan = 15 [default = nan];
      oneof o { string x = 16 [default = "x"]; group H = 17 { optional int32 a = 1; } }
    }
    enum E { A = 4; B = 2; }
    service S { rpc R (M) returns (M.G); }
    """,
    """
    syntax = "proto3"; package q.r;
    message M { optional int32 a = 1; int32 b = 2; M m = 3; repeated int32 c = 4; E e = 5;
    map<string, E> f = 6; }
    enum E { A = 0; B = 2; }
    """,
]  # fmt: skip
FILES += [
    row["writer"]
    for row in json.loads((VECTORS / "compatibility.json").read_text())
    if not row.get("writerDependencies") and not row.get("dependencies")
]


@pytest.mark.parametrize("text", FILES)
def test_agrees_with_the_runtime(text):
    schema = FORMAT.parse(text)
    linked, runtime = schema.linked, schema.validator.file
    assert isinstance(linked, LinkedFile)
    prefix = f"{runtime.package}." if runtime.package else ""
    pool = runtime.pool
    for name, message in linked.messages.items():
        descriptor = pool.FindMessageTypeByName(prefix + name)
        assert message.features.value("json_format") == feature(descriptor, "json_format")
        assert sorted(message.fields) == sorted(descriptor.fields_by_number)
        for number, field in message.fields.items():
            same_field(field, descriptor.fields_by_number[number])
    for name, enum in linked.enums.items():
        descriptor = pool.FindEnumTypeByName(prefix + name)
        assert enum.is_closed == descriptor.is_closed
        assert enum.features.value("json_format") == feature(descriptor, "json_format")
    for name, extension in linked.extensions.items():
        descriptor = pool.FindExtensionByName(prefix + name)
        same_field(extension, descriptor)
        assert extension.proto.extendee == f".{descriptor.containing_type.full_name}"


def feature(element, name):
    features = element._GetFeatures()
    return features.DESCRIPTOR.fields_by_name[name].enum_type.values_by_number[getattr(features, name)].name


def same_field(field, descriptor):
    if (entry := field.map_entry) is not None:
        for item, other in zip(entry, descriptor.message_type.fields, strict=True):
            same_field(item, other)
    assert field.type == descriptor.type
    assert field.is_repeated == descriptor.is_repeated
    assert field.is_required == descriptor.is_required
    assert field.has_presence == descriptor.has_presence
    assert field.is_extension == descriptor.is_extension
    if not field.is_extension:
        assert (field.name, field.json_name) == (descriptor.name, descriptor.json_name)
    for name in ("utf8_validation", "json_format", "enum_type"):
        assert field.features.value(name) == feature(descriptor, name), name
    named = field.message or field.enum
    other = descriptor.message_type or descriptor.enum_type
    assert (named is None) == (other is None)
    if named is not None:
        assert isinstance(named, LinkedMessage if descriptor.message_type else LinkedEnum)
        assert other.full_name.endswith(named.name)
    if not descriptor.is_repeated and descriptor.type not in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP):
        default = descriptor.default_value
        assert repr(field.default) == repr(default.encode() if isinstance(default, str) else default)


@pytest.mark.parametrize(
    ("syntax", "defaults"),
    [
        ('syntax = "proto2"', ("EXPLICIT", "CLOSED", "NONE", "LEGACY_BEST_EFFORT", "STRING")),
        ('syntax = "proto3"', ("IMPLICIT", "OPEN", "VERIFY", "ALLOW", "STRING")),
        ('edition = "2023"', ("EXPLICIT", "OPEN", "VERIFY", "ALLOW", "STRING")),
        ('edition = "2024"', ("EXPLICIT", "OPEN", "VERIFY", "ALLOW", "VIEW")),
    ],
)
def test_defaults_of_the_editions(syntax, defaults):
    features = FORMAT.parse(f"{syntax}; message M {{}}").linked.features
    names = ("field_presence", "enum_type", "utf8_validation", "json_format")
    assert (*map(features.value, names), features.value("string_type", CPP)) == defaults
    assert features.value("utf8_validation", JAVA) == "DEFAULT"
