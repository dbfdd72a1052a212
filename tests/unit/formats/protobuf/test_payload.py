"""Payloads on the wire and in the JSON mapping, against the runtime's own reading of them."""

import pytest
from google.protobuf import json_format, message_factory

from llm_schema_registry.core.findings import Severity
from llm_schema_registry.formats import Dependency, InvalidSchemaError, Outcome
from llm_schema_registry.formats.protobuf import FORMAT

EVENT = """
syntax = "proto3";
package p;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum Color { RED = 0; GREEN = 1; }
message Event {
  string long_name = 1;
  int32 i32 = 2;
  uint64 u64 = 3;
  repeated Event children = 4;
  map<string, int32> counts = 5;
  map<int32, Event> by_number = 6;
  map<bool, string> by_flag = 7;
  Color color = 8;
  oneof choice { string text = 9; Event event = 10; google.protobuf.Value any_value = 11; }
  google.protobuf.Timestamp at = 12;
  google.protobuf.Duration took = 13;
  google.protobuf.Struct attributes = 14;
  google.protobuf.Value value = 15;
  google.protobuf.ListValue list = 16;
  google.protobuf.Int32Value wrapped = 17;
  google.protobuf.Any packed = 18;
  google.protobuf.FieldMask mask = 19;
  google.protobuf.Empty empty = 20;
  google.protobuf.NullValue nothing = 21;
  bytes raw = 22;
  float f = 23;
  double d = 24;
  bool flag = 25;
  optional string custom = 26 [json_name = "other"];
  repeated int64 numbers = 27;
}
message Second { message Inner { string text = 1; } int32 a = 1; }
"""
LEGACY = """
syntax = "proto2";
message Legacy {
  required string name = 1;
  optional Part part = 2;
  repeated Part parts = 3;
  message Part { required int32 size = 1; optional Kind kind = 2; }
  enum Kind { A = 1; B = 2; }
  optional group Extra = 4 { optional string note = 1; }
  extensions 100 to 200;
}
extend Legacy { optional int32 extended = 100; }
"""


@pytest.fixture(scope="module")
def validator():
    return FORMAT.validator(FORMAT.parse(EVENT))


@pytest.fixture(scope="module")
def legacy():
    return FORMAT.validator(FORMAT.parse(LEGACY))


def found(findings):
    return [(item.code.removeprefix("protobuf."), item.path) for item in findings]


VALID = [
    {},
    {"longName": "a", "i32": 1},
    {"long_name": "a", "other": "b"},
    {"custom": "b"},
    {"i32": "12", "u64": 2**64 - 1, "numbers": ["-9223372036854775808", 1.0, "1e3"]},
    {"i32": None, "children": None, "counts": None, "color": None, "text": None, "event": {}},
    {"children": [{"children": [{"i32": 1}]}]},
    {"counts": {"a": 1}, "byNumber": {"-5": {"i32": 1}}, "by_flag": {"true": "x", "false": "y"}},
    {"color": "GREEN"},
    {"color": 1},
    {"color": 77},
    {"at": "2026-01-31T12:00:00Z", "took": "1.5s"},
    {"at": "2026-01-31T12:00:00.123456789+02:00", "took": "-315576000000s"},
    {"attributes": {"a": [1, {"b": None}], "c": "d"}, "value": None, "list": [1, "a", None, []]},
    {"value": [{"x": True}]},
    {"wrapped": 5},
    {"wrapped": None},
    {"packed": {"@type": "type.googleapis.com/p.Event", "i32": 5}},
    {"packed": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"}},
    {"packed": {}},
    {"mask": "user.displayName,photo", "empty": {}, "nothing": None},
    {"raw": "YWI="},
    {"raw": "-_8"},
    {"f": "NaN", "d": "-Infinity"},
    {"f": 3.4e38, "d": "1.5"},
    {"anyValue": None},
]


@pytest.mark.parametrize("value", VALID, ids=str)
def test_valid_values(validator, value):
    assert validator.check_value(value) == []
    message = message_factory.GetMessageClass(validator.descriptor())()
    json_format.ParseDict(value, message, descriptor_pool=validator.file.pool)
    assert validator.check_bytes(message.SerializeToString()) == []


# The runtime's own parser lets these pass, though the mapping does not.
INVALID_BUT_READ = [
    ([], [("TYPE_MISMATCH", "")]),
    ({"raw": "*"}, [("INVALID_FORMAT", "/raw")]),
    ({"text": "a", "anyValue": None}, [("ONEOF_CONFLICT", "/anyValue")]),
    ({"longName": "a", "long_name": "b"}, [("DUPLICATE_FIELD", "/long_name")]),
    ({"mask": "a,,b"}, [("INVALID_FORMAT", "/mask")]),
]
INVALID = [
    (None, [("TYPE_MISMATCH", "")]),
    ({"longNam": "a"}, [("UNKNOWN_FIELD", "/longNam")]),
    ({"a/b~c": 1}, [("UNKNOWN_FIELD", "/a~1b~0c")]),
    ({"longName": 1}, [("TYPE_MISMATCH", "/longName")]),
    ({"longName": "\ud800"}, [("INVALID_FORMAT", "/longName")]),
    ({"i32": 2**31}, [("OUT_OF_RANGE", "/i32")]),
    ({"u64": -1}, [("OUT_OF_RANGE", "/u64")]),
    ({"i32": 1.5}, [("TYPE_MISMATCH", "/i32")]),
    ({"i32": "1.5"}, [("INVALID_FORMAT", "/i32")]),
    ({"i32": " 1"}, [("INVALID_FORMAT", "/i32")]),
    ({"i32": "9" * 5000}, [("INVALID_FORMAT", "/i32")]),
    ({"i32": True}, [("TYPE_MISMATCH", "/i32")]),
    ({"flag": "true"}, [("TYPE_MISMATCH", "/flag")]),
    ({"flag": 1}, [("TYPE_MISMATCH", "/flag")]),
    ({"f": 1e39}, [("OUT_OF_RANGE", "/f")]),
    ({"d": "x"}, [("INVALID_FORMAT", "/d")]),
    ({"raw": "A"}, [("INVALID_FORMAT", "/raw")]),
    ({"color": "GREN"}, [("UNKNOWN_ENUM_VALUE", "/color")]),
    ({"color": 2**31}, [("OUT_OF_RANGE", "/color")]),
    ({"children": {}}, [("TYPE_MISMATCH", "/children")]),
    ({"children": [{}, None]}, [("TYPE_MISMATCH", "/children/1")]),
    ({"children": [{"children": [{"i32": "x"}]}]}, [("INVALID_FORMAT", "/children/0/children/0/i32")]),
    ({"counts": []}, [("TYPE_MISMATCH", "/counts")]),
    ({"counts": {"a": "x"}}, [("INVALID_FORMAT", "/counts/a")]),
    ({"byNumber": {"x": {}}}, [("INVALID_FORMAT", "/byNumber/x")]),
    ({"byFlag": {"yes": "x"}}, [("INVALID_FORMAT", "/byFlag/yes")]),
    ({"text": "a", "event": {}}, [("ONEOF_CONFLICT", "/event")]),
    ({"at": "2026-02-30T00:00:00Z"}, [("INVALID_FORMAT", "/at")]),
    ({"at": "0000-01-01T00:00:00Z"}, [("INVALID_FORMAT", "/at")]),
    ({"at": "2026-01-01T00:00:00"}, [("INVALID_FORMAT", "/at")]),
    ({"at": 5}, [("TYPE_MISMATCH", "/at")]),
    ({"took": "1"}, [("INVALID_FORMAT", "/took")]),
    ({"took": "315576000001s"}, [("OUT_OF_RANGE", "/took")]),
    ({"attributes": []}, [("TYPE_MISMATCH", "/attributes")]),
    ({"list": {}}, [("TYPE_MISMATCH", "/list")]),
    ({"wrapped": "x"}, [("INVALID_FORMAT", "/wrapped")]),
    ({"packed": {"i32": 5}}, [("REQUIRED_MISSING", "/packed/@type")]),
    ({"packed": {"@type": "x/p.Event", "i32": "x"}}, [("INVALID_FORMAT", "/packed/i32")]),
    ({"empty": {"a": 1}}, [("UNKNOWN_FIELD", "/empty/a")]),
]


@pytest.mark.parametrize(("value", "expected"), INVALID, ids=lambda item: str(item)[:60])
def test_invalid_values(validator, value, expected):
    assert found(validator.check_value(value)) == expected
    message = message_factory.GetMessageClass(validator.descriptor())()
    with pytest.raises((json_format.ParseError, TypeError, ValueError, AttributeError)):
        json_format.ParseDict(value, message, descriptor_pool=validator.file.pool)


@pytest.mark.parametrize(("value", "expected"), INVALID_BUT_READ, ids=lambda item: str(item)[:60])
def test_stricter_than_the_runtime(validator, value, expected):
    assert found(validator.check_value(value)) == expected


def test_messages_help(validator):
    (unknown,) = validator.check_value({"longNam": "a"})
    assert unknown.message == ('The field at /longNam is not in message p.Event (did you mean "longName"?).')
    (enum,) = validator.check_value({"color": "GREN"})
    assert 'did you mean "GREEN"?' in enum.message


def test_required_and_closed_enums_in_json(legacy):
    assert legacy.check_value({"name": "a", "part": {"size": 1, "kind": 2}, "extra": {"note": "n"}}) == []
    assert found(legacy.check_value({"parts": [{}], "part": {"size": 1, "kind": 9}})) == [
        ("REQUIRED_MISSING", "/parts/0/size"),
        ("UNKNOWN_ENUM_VALUE", "/part/kind"),
        ("REQUIRED_MISSING", "/name"),
    ]


def test_extensions_in_json(legacy):
    assert legacy.check_value({"name": "a", "[extended]": 5}) == []
    assert found(legacy.check_value({"name": "a", "[extended]": "x", "[nope]": 1})) == [
        ("INVALID_FORMAT", "/[extended]"),
        ("UNKNOWN_FIELD", "/[nope]"),
    ]


@pytest.mark.slow
def test_depth_and_number_of_findings_are_bounded(validator):
    value = {}
    for _ in range(5000):
        value = {"event": value}
    assert found(validator.check_value(value))[0][0] == "TOO_DEEP"
    free = []
    for _ in range(5000):
        free = [free]
    assert found(validator.check_value({"value": free}))[0][0] == "TOO_DEEP"
    assert len(validator.check_value({"numbers": ["x"] * 10_000})) == 100


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\x0a\x01a", []),
        (b"\x0a\x05a", [("MALFORMED", "/long_name")]),
        (b"\x0a\x02\xff\xfe", [("INVALID_UTF8", "/long_name")]),
        (b"\x22\x04\x0a\x02\xff\xfe", [("INVALID_UTF8", "/children/long_name")]),
        (b"\xff" * 20, [("MALFORMED", "")]),
        (b"\x00", [("MALFORMED", "")]),
        (b"\x0f", [("MALFORMED", "")]),
        (b"\x0c", [("MALFORMED", "")]),
        (b"\x10", [("MALFORMED", "/i32")]),
        (b"\x53" * 200, [("TOO_DEEP", "/event" * 100)]),
        (b"\x98\x3f\x01", [("UNKNOWN_FIELD", "")]),
        (b"\x22\x03\x98\x3f\x01", [("UNKNOWN_FIELD", "/children/0")]),
        (b"\x08\x01", [("WIRE_TYPE_MISMATCH", "/long_name")]),
    ],
)
def test_bytes(validator, data, expected):
    assert found(validator.check_bytes(data)) == expected


def test_unknown_fields_are_warnings_with_a_limit(validator):
    data = b"".join(bytes((0x80 | (number & 0x0F) << 3, 0x80 | 0x10, 0x01, 0x01)) for number in range(16))
    many = validator.check_bytes(data * 3 + b"\x22\x03\x98\x3f\x01" * 40)
    assert {item.severity for item in many} == {Severity.WARNING}
    assert len(many) == 20


def test_required_and_closed_enums_on_the_wire(legacy):
    assert found(legacy.check_bytes(b"\x0a\x01a")) == []
    assert found(legacy.check_bytes(b"\x12\x00\x1a\x00")) == [
        ("REQUIRED_MISSING", "/name"),
        ("REQUIRED_MISSING", "/part/size"),
        ("REQUIRED_MISSING", "/parts/0/size"),
    ]
    (warning,) = legacy.check_bytes(b"\x0a\x01a\x12\x04\x08\x01\x10\x09")
    assert (warning.code, warning.path, warning.severity) == (
        "protobuf.UNKNOWN_ENUM_VALUE",
        "/part/kind",
        Severity.WARNING,
    )


def test_message_indexes(validator):
    assert validator.judge_bytes(b"\x08\x05", (1,))[1] == []
    assert validator.judge_bytes(b"\x0a\x01a", (1, 0))[1] == []
    assert found(validator.judge_bytes(b"\x0a\x01\xff", (1, 0))[1]) == [("INVALID_UTF8", "/text")]
    for indexes in ((5,), (1, 3), (-1,), (1, 0, 0), ()):
        assert found(validator.judge_bytes(b"", indexes)[1]) == [("NO_MESSAGE", "")]


def test_a_schema_without_messages():
    validator = FORMAT.validator(FORMAT.parse('syntax = "proto3"; enum E { Z = 0; }'))
    assert found(validator.check_bytes(b"")) == [("NO_MESSAGE", "")]
    assert found(validator.check_value({})) == [("NO_MESSAGE", "")]


COLLISIONS = [
    ("optional int32 foo_bar = 1; optional string fooBar = 2;", {"foo_bar": 1, "fooBar": "a"}),
    ("optional string fooBar = 2; optional int32 foo_bar = 1;", {"foo_bar": 1, "fooBar": "a"}),
    ("optional int32 foo_bar = 1; optional string foo__bar = 2;", {"fooBar": 1, "foo__bar": "a"}),
    ('optional int32 a = 1 [json_name = "b"]; optional string b = 2;', {"a": 1, "b": "a"}),
    ('optional int32 a = 1 [json_name = "b"]; optional string b = 2 [json_name = "a"];', {"b": 1, "a": "a"}),
    ('optional int32 a = 1 [json_name = "o"]; oneof o { string b = 2; }', {"a": 1, "b": "a"}),
    ('optional int32 a = 1 [json_name = "c"]; oneof o { string b = 2; int32 c = 3; }', {"a": 1, "b": "a"}),
    (
        'optional int32 a = 1 [json_name = "b"]; optional string b = 2; optional int32 c = 3 [json_name = "a"];',
        {"a": 1, "b": "a"},
    ),
]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    "syntax", ['syntax = "proto2"', 'edition = "2023"; option features.json_format = LEGACY_BEST_EFFORT']
)
@pytest.mark.parametrize(("fields", "value"), COLLISIONS)
def test_json_names_that_collide_do_not_hinder_validation(syntax, fields, value, nested):
    if "edition" in syntax:
        fields = fields.replace("optional ", "")
    message = "message M { message N { %s } N n = 1; }" if nested else "message M { %s }"
    if nested and "proto2" in syntax:
        message = message.replace("N n", "optional N n")
    schema = FORMAT.parse(f"{syntax}; {message % fields}")
    validator = FORMAT.validator(schema)
    wrap = (lambda item: {"n": item}) if nested else (lambda item: item)
    assert validator.check_value(wrap(value)) == []
    assert len(validator.check_value(wrap(dict.fromkeys(value, True)))) == 2
    data = b"\x08\x01\x12\x01a"
    assert validator.check_bytes(b"\x0a" + bytes([len(data)]) + data if nested else data) == []
    assert [sample for sample in FORMAT.samples(schema) if validator.check_value(sample)] == []
    assert FORMAT.read(schema, schema, wrap(value)).outcome is Outcome.READ


def test_collisions_in_an_imported_file():
    text = 'syntax = "proto2"; message D { optional int32 foo_bar = 1; optional int32 fooBar = 2; }'
    schema = FORMAT.parse('syntax = "proto3"; import "d.proto"; message M { D d = 1; }', [Dependency("d.proto", text)])
    assert FORMAT.validator(schema).check_value({"d": {"foo_bar": 1, "fooBar": 2}}) == []


METHODS = ("DESCRIPTOR", "DiscardUnknownFields", "FindInitializationErrors", "FromString", "HasField", "IsInitialized",
           "ListFields", "SerializePartialToString", "SerializeToString", "__class__", "__init__")  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_fields_named_like_methods_of_the_runtime(name):
    text = f'syntax = "proto2"; message M {{ required int32 {name} = 1; optional M m = 2; }}'
    schema = FORMAT.parse(text)
    validator = FORMAT.validator(schema)
    assert validator.check_bytes(b"\x08\x01") == []
    assert found(validator.check_bytes(b"")) == [("REQUIRED_MISSING", f"/{name}")]
    assert found(validator.check_bytes(b"\x08\x01\x12\x04\x08\x01\x18\x01")) == [("UNKNOWN_FIELD", "/m")]
    assert validator.check_value({name: 1, "m": {name: 2}}) == []
    assert FORMAT.read(schema, schema, {name: 1}).outcome in {Outcome.READ, Outcome.UNWRITABLE}


@pytest.mark.slow
def test_a_message_that_is_too_large_for_the_runtime_is_refused():
    fields = "".join(f"int32 f{number} = {number};" for number in range(1, 18_000))
    schema = FORMAT.parse(f'syntax = "proto3"; message M {{ {fields} }}')
    with pytest.raises(InvalidSchemaError, match=r"runtime cannot load this schema: .*maximum size"):
        FORMAT.validator(schema)
    assert list(FORMAT.samples(schema)) == []


def test_the_validator_is_compiled_once():
    schema = FORMAT.parse(LEGACY)
    assert FORMAT.validator(schema) is FORMAT.validator(schema)


def test_a_payload_may_name_its_message():
    validator = FORMAT.validator(FORMAT.parse('syntax = "proto3"; package p; message M {} message N { int32 a = 1; }'))
    assert validator.check_value({"@type": "p.N", "a": 1}) == []
    assert validator.check_value({"@type": "type.googleapis.com/p.M"}) == []
    (unknown,) = validator.check_value({"@type": "p.Nobody"})
    assert (unknown.code, unknown.path) == ("protobuf.NO_MESSAGE", "/@type")
    assert [finding.code for finding in validator.check_value({"@type": 5})] == ["protobuf.NO_MESSAGE"]
    assert [finding.path for finding in validator.check_value({"@type": "p.N", "a": "x"})] == ["/a"]


@pytest.mark.parametrize("end", ["int32 x = 1;", "M0 first = 1;"])
@pytest.mark.timeout(20)
def test_long_chains_of_messages_are_no_obstacle(end):
    chain = "".join(f"message M{one} {{ M{one + 1} next = 1; }} " for one in range(3000))
    validator = FORMAT.validator(FORMAT.parse(f'syntax = "proto3"; {chain} message M3000 {{ {end} }}'))
    assert validator.check_bytes(b"\x0a\x02\x0a\x00") == []
    assert [finding.code for finding in validator.check_bytes(b"\x0a\x02\x0a")] == ["protobuf.MALFORMED"]


INDEXED = """syntax = "proto2"; package p;
message M { %s message A { required string a = 1; } message B { required int32 b = 1; } }
"""
MAPS = "map<int32, int32> x = 1; map<int32, int32> y = 2;"
A, B = b"\x0a\x01a", b"\x08\x01"


@pytest.mark.parametrize(
    ("fields", "index", "data", "expected"),
    [
        ("", 0, A, []),
        ("", 1, B, []),
        ("", 2, B, [("NO_MESSAGE", "")]),
        # As all clients but Java count: two entries first.
        (MAPS, 2, A, []),
        (MAPS, 3, B, []),
        # As Java clients count that normalize.
        (MAPS, 0, A, []),
        (MAPS, 1, B, []),
        (MAPS, 4, B, [("NO_MESSAGE", "")]),
        ("map<int32, int32> x = 1;", 0, A, []),
        ("map<int32, int32> x = 1;", 1, A, [("AMBIGUOUS_INDEXES", "")]),
        (
            "map<int32, int32> x = 1;",
            1,
            B,
            [("REQUIRED_MISSING", "/a"), ("WIRE_TYPE_MISMATCH", "/a"), ("AMBIGUOUS_INDEXES", "")],
        ),
        ("map<int32, int32> x = 1;", 2, B, []),
        # Java clients do not count groups.
        ("optional group G = 1 {}", 0, A, []),
        ("optional group G = 1 {}", 1, A, [("AMBIGUOUS_INDEXES", "")]),
        ("optional group G = 1 {} map<int32, int32> x = 2;", 0, A, []),
        ("optional group G = 1 {} map<int32, int32> x = 2;", 1, A, [("AMBIGUOUS_INDEXES", "")]),
        ("optional group G = 1 {} map<int32, int32> x = 2;", 3, B, []),
    ],
)
def test_message_indexes_that_leave_entries_and_groups_out(fields, index, data, expected):
    validator = FORMAT.validator(FORMAT.parse(INDEXED % fields))
    findings = validator.judge_bytes(data, (0, index))[1]
    assert found(findings) == expected
    for finding in findings:
        assert (finding.severity is Severity.WARNING) == (finding.code == "protobuf.AMBIGUOUS_INDEXES")


ANY_FILE = """
syntax = "proto3"; package p; import "google/protobuf/any.proto"; import "google/protobuf/duration.proto";
message M { google.protobuf.Any a = 1; repeated google.protobuf.Any list = 2; map<string, M> map = 3; }
message T { string t = 1; int32 n = 2; }
"""
URL = "type.googleapis.com/"


def any_of(name, **value):
    return {"@type": URL + name, **value}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (any_of("google.protobuf.Any", value=any_of("p.T", t="x")), []),
        (any_of("google.protobuf.Any", value=any_of("p.T", t=1)), [("TYPE_MISMATCH", "/a/value/t")]),
        (any_of("google.protobuf.Any", value={}), []),
        (any_of("google.protobuf.Any", value={"t": 1}), [("REQUIRED_MISSING", "/a/value/@type")]),
        (any_of("google.protobuf.Any", value=any_of("google.protobuf.Duration", value="1s")), []),
        (any_of("google.protobuf.Any", value=any_of("x.Y", t=1)), [("UNKNOWN_TYPE", "/a/value")]),
        (any_of("p.M", a=any_of("p.M", list=[{}, any_of("x.Y")])), [("UNKNOWN_TYPE", "/a/a/list/1")]),
        (any_of("p.T", t=1, n="z"), [("TYPE_MISMATCH", "/a/t"), ("INVALID_FORMAT", "/a/n")]),
    ],
)
def test_values_inside_any(value, expected):
    schema = FORMAT.parse(ANY_FILE)
    validator = FORMAT.validator(schema)
    assert found(validator.check_value({"a": value})) == expected
    codes = {finding.code: finding.severity for finding in validator.check_value({"a": value})}
    assert codes.get("protobuf.UNKNOWN_TYPE", Severity.WARNING) is Severity.WARNING
    message = validator.message_class(validator.descriptor())()
    if not expected:
        json_format.ParseDict({"a": value}, message, descriptor_pool=validator.file.pool)
        assert validator.check_bytes(message.SerializeToString()) == []


def wire_any(url, value=b""):
    def field(number, data):
        return bytes([number << 3 | 2, *varint(len(data))]) + data

    return field(1, url.encode()) + field(2, value)


def varint(number):
    return [number] if number < 128 else [number & 127 | 128, *varint(number >> 7)]


def in_field(number, data):
    return bytes([number << 3 | 2, *varint(len(data))]) + data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (wire_any(URL + "p.T", A), []),
        (wire_any(""), []),
        (wire_any("", A), [("UNKNOWN_TYPE", "/a")]),
        (wire_any(URL + "x.Y", A), [("UNKNOWN_TYPE", "/a")]),
        (wire_any(URL + "p.T", b"\x0a\x01\xff"), [("INVALID_UTF8", "/a/t")]),
        (wire_any(URL + "p.T", b"\x0a\x05a"), [("MALFORMED", "/a/t")]),
        (wire_any(URL + "p.T", b"\x18\x01"), [("UNKNOWN_FIELD", "/a")]),
        (wire_any(URL + "p.T", b"\x12\x01a"), [("WIRE_TYPE_MISMATCH", "/a/n")]),
        (wire_any(URL + "google.protobuf.Any", wire_any(URL + "p.T", A)), []),
        (wire_any(URL + "google.protobuf.Any", wire_any(URL + "x.Y", A)), [("UNKNOWN_TYPE", "/a")]),
        (wire_any(URL + "p.M", in_field(1, wire_any(URL + "x.Y"))), [("UNKNOWN_TYPE", "/a/a")]),
    ],
)
def test_values_inside_any_on_the_wire(data, expected):
    validator = FORMAT.validator(FORMAT.parse(ANY_FILE))
    assert found(validator.check_bytes(in_field(1, data))) == expected
    if expected and expected[0][1] == "/a":
        (finding,) = validator.check_bytes(in_field(2, wire_any(URL + "p.T", A)) + in_field(2, data))
        assert finding.path == "/list/1"
    nested = in_field(3, in_field(1, b"k") + in_field(2, in_field(1, data)))
    assert found(validator.check_bytes(nested)) == [(code, f"/map/k{path}") for code, path in expected]


def test_any_inside_any_without_end():
    validator = FORMAT.validator(FORMAT.parse(ANY_FILE))
    data, value = wire_any(URL + "p.T", A), any_of("p.T", t="x")
    for _ in range(500):
        data, value = wire_any(URL + "google.protobuf.Any", data), any_of("google.protobuf.Any", value=value)
    assert [finding.code for finding in validator.check_bytes(in_field(1, data))] == ["protobuf.TOO_DEEP"]
    assert [finding.code for finding in validator.check_value({"a": value})] == ["protobuf.TOO_DEEP"]


def test_warnings_do_not_hide_errors():
    validator = FORMAT.validator(FORMAT.parse(ANY_FILE))
    unknown = in_field(2, wire_any(URL + "x.Y"))
    findings = validator.check_bytes(unknown * 200 + in_field(2, wire_any(URL + "p.T", b"\x12\x01a")))
    errors = [finding.code for finding in findings if finding.severity is Severity.ERROR]
    assert errors == ["protobuf.WIRE_TYPE_MISMATCH"]
    assert len(findings) == 21
    findings = validator.check_value({"list": [any_of("x.Y")] * 200 + [any_of("p.T", t=1)]})
    assert [finding.code for finding in findings if finding.severity is Severity.ERROR] == ["protobuf.TYPE_MISMATCH"]
    assert len(findings) == 21
