"""Reading: what a consumer with another schema gets of a payload."""

import pytest

from llm_schema_registry.formats import Outcome
from llm_schema_registry.formats.protobuf import FORMAT

P2 = 'syntax = "proto2"; '
P3 = 'syntax = "proto3"; '


def read(writer, reader, value, syntax=P3):
    found = FORMAT.read(FORMAT.parse(syntax + reader), FORMAT.parse(syntax + writer), value)
    return found.outcome.name, found.problem


def fields(writer, reader, value, syntax=P3):
    return read(f"message M {{ {writer} }}", f"message M {{ {reader} }}", value, syntax)


@pytest.mark.parametrize(
    ("writer", "reader", "value"),
    [
        ("int32 a = 1;", "int64 b = 1;", {"a": -1}),
        ("int32 a = 1;", "bool a = 1;", {"a": 1}),
        ("string a = 1;", "bytes a = 1;", {"a": "é"}),
        ("string a = 1;", "repeated string a = 1;", {"a": "x"}),
        ("repeated string a = 1;", "string a = 1;", {"a": ["x"]}),
        ("string a = 1;", "", {"a": "x"}),
        ("", "string a = 1;", {}),
        ("optional int32 a = 1;", "int32 a = 1;", {"a": 0}),
        ("double a = 1;", "double a = 1;", {"a": "NaN"}),
        ("map<string, int32> a = 1;", "repeated E a = 1; message E { string k = 1; int32 v = 2; }", {"a": {"x": 1}}),
        (
            "repeated E a = 1; message E { string k = 1; int32 v = 2; }",
            "map<string, int32> a = 1;",
            {"a": [{"k": "x"}]},
        ),
        ("oneof x { int32 a = 1; }", "int32 a = 1;", {"a": 0}),
        ("E a = 1; enum E { Z = 0; A = 1; }", "E a = 1; enum E { Z = 0; }", {"a": "A"}),
    ],
)
def test_what_arrives(writer, reader, value):
    assert fields(writer, reader, value) == ("READ", "")


@pytest.mark.parametrize(
    ("writer", "reader", "value", "problem"),
    [
        ("int32 a = 1;", "sint32 a = 1;", {"a": 5}, "field 1 was written as 5 and read as -3"),
        ("int32 a = 1;", "optional fixed32 a = 1;", {"a": 5}, "field 1 was written as 5 and is missing"),
        ("int32 a = 1;", "bool a = 1;", {"a": 5}, "field 1 was written as 5 and read as true"),
        ("float a = 1;", "fixed32 a = 1;", {"a": "NaN"}, "field 1 was written as NaN and read as 2143289344"),
        ("fixed32 a = 1;", "float a = 1;", {"a": 1065353216}, "field 1 was written as 1065353216 and read as 1.0"),
        (
            "string a = 2;",
            "N a = 2; message N {}",
            {"a": "\x08\x01"},
            'field 2 was written as "\\b\\u0001" and read as a M.N',
        ),
        ("N a = 2; message N {}", "bytes a = 2;", {"a": {}}, "field 2 was written as a M.N and read as no bytes"),
        (
            "bytes a = 2;",
            "repeated int32 a = 2;",
            {"a": "AAE="},
            "field 2 was written as the bytes 00 01 and read as a",
        ),
        ("repeated int32 a = 1;", "int32 a = 1;", {"a": [5, 6]}, "field 1 was written as a list of 2 and read as 0"),
        ("repeated string a = 1;", "string a = 1;", {"a": ["x", "y"]}, 'as a list of 2 and read as "y"'),
        (
            "map<int32, string> a = 1;",
            "map<sint32, string> a = 1;",
            {"a": {"5": "x"}},
            "field 1 was written with the key 5",
        ),
        (
            "map<int32, string> a = 1;",
            "map<int32, int32> a = 1;",
            {"a": {"5": "x"}},
            "field 1 was written with the key 5 and read without it",
        ),
        (
            "map<int32, string> a = 1;",
            "string a = 1;",
            {"a": {"5": "x"}},
            "field 1 was written as a map of 1 and read as",
        ),
        (
            "repeated E a = 1; message E { string k = 1; int32 v = 2; }",
            "map<string, int32> a = 1;",
            {"a": [{"k": "x"}, {"k": "x"}]},
            "field 1 was read with other keys",
        ),
        (
            "N a = 1; message N { int32 b = 3; }",
            "N a = 1; message N { sint32 b = 3; }",
            {"a": {"b": 5}},
            "field 3 of M.N was written as 5 and read as -3",
        ),
        (
            "string a = 1; string b = 2;",
            "oneof x { string a = 1; string b = 2; }",
            {"a": "x", "b": "y"},
            'field 1 was written as "x" and is missing',
        ),
    ],
)
def test_what_is_misread(writer, reader, value, problem):
    outcome, found = fields(writer, reader, value)
    assert outcome == "MISREAD"
    assert problem in found


def test_a_closed_enum_forgets_constants_it_does_not_know():
    writer = "optional E a = 1; repeated E b = 2; enum E { Z = 0; A = 1; }"
    reader = "optional E a = 1; repeated E b = 2; enum E { Z = 0; }"
    assert fields(writer, reader, {"a": "A"}, P2) == ("MISREAD", "field 1 was written as 1 (A) and is missing")
    assert fields(writer, reader, {"b": ["Z", "A"]}, P2)[0] == "MISREAD"


@pytest.mark.parametrize(
    ("writer", "reader", "value", "problem"),
    [
        ("message M {} message N {}", "message M {}", {"@type": "N"}, "the reader's schema has no message N"),
        ("message M { bytes a = 1; }", "message M { string a = 1; }", {"a": "AID/"}, "The string at /a is not UTF-8"),
        ("message M { string a = 1; }", "message M { N a = 1; } message N {}", {"a": "text"}, "cannot be read at byte"),
    ],
)
def test_what_is_refused(writer, reader, value, problem):
    outcome, found = read(writer, reader, value)
    assert outcome == "REFUSED"
    assert problem in found


def test_a_missing_required_field_is_refused():
    assert fields("", "required N a = 1; message N {}", {}, P2) == ("REFUSED", "the required field a is missing")


def test_what_is_no_payload_of_the_writer_says_nothing():
    assert fields("int32 a = 1;", "int32 a = 1;", {"a": "text"})[0] == "UNWRITABLE"
    assert fields("int32 a = 1;", "int32 a = 1;", {"@type": "Nobody"})[0] == "UNWRITABLE"
    assert read("enum E { A = 0; }", "message M {}", {})[0] == "UNWRITABLE"
    assert fields("required int32 a = 1;", "", {}, P2)[0] == "UNWRITABLE"


def test_messages_are_found_by_their_name_below_the_package():
    one = "package a.b; message M {} message O { message I { int32 x = 1; } }"
    other = "package c; message O { message I { int32 x = 1; } } message M {}"
    assert read(one, other, {"@type": "a.b.O.I", "x": 5}) == ("READ", "")
    assert read(one, other, {"@type": "type.googleapis.com/a.b.O.I", "x": 5}) == ("READ", "")
    assert read(one, other, {"@type": "c.O.I", "x": 5})[0] == "UNWRITABLE"


def test_the_encoding_is_shown():
    schema = FORMAT.parse(P3 + "message M { int32 a = 1; }")
    found = FORMAT.read(schema, schema, {"a": 5})
    assert (found.outcome, found.encoded) == (Outcome.READ, b"\x08\x05")
