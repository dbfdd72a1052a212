"""Witnesses: for what breaks payloads one is found, for what only breaks promises there is none."""

import pytest

from llm_schema_registry.budget import Budget
from llm_schema_registry.evolution import CompatibilityLevel, Direction
from llm_schema_registry.evolution.witnesses import find_witness
from llm_schema_registry.formats import Impact, Outcome, SchemaType, format_of

PROTOBUF = format_of(SchemaType.PROTOBUF)
P2 = 'syntax = "proto2"; '
P3 = 'syntax = "proto3"; '

# Of each incompatible difference: the old schema, the new one, and the payload and problem if there are any.
WITNESSES = {
    "PACKAGE_CHANGED": (
        P3 + "package a; message M { int32 x = 1; }",
        P3 + "package b; message M { int32 x = 1; }",
        None,
    ),
    "MESSAGE_REMOVED": (
        P3 + "message M {} message N {}",
        P3 + "message M {}",
        ({"@type": "N"}, "the reader's schema has no message N"),
    ),
    "FIELD_KIND_CHANGED": (
        P3 + "message M { repeated int32 a = 1; }",
        P3 + "message M { map<int32, int32> a = 1; }",
        ({"a": [0]}, "The payload cannot be read at byte 2: there is no field 0 with wire type 0."),
    ),
    "FIELD_SCALAR_KIND_CHANGED": (
        P3 + "message M { int32 a = 1; }",
        P3 + "message M { sint32 a = 1; }",
        ({"a": 5}, "field 1 was written as 5 and read as -3"),
    ),
    "FIELD_NAMED_TYPE_CHANGED": (
        P3 + "message M { A a = 1; } message A { int32 x = 1; } message B { string x = 1; }",
        P3 + "message M { B a = 1; } message A { int32 x = 1; } message B { string x = 1; }",
        ({"a": {"x": 5}}, 'field 1 of A was written as 5 and read as ""'),
    ),
    "FIELD_NUMERIC_LABEL_CHANGED": (
        P3 + "message M { repeated int32 a = 1; }",
        P3 + "message M { optional int32 a = 1; }",
        ({"a": [0]}, "field 1 was written as a list of 1 and is missing"),
    ),
    "REQUIRED_FIELD_ADDED": (
        P2 + "message M {}",
        P2 + "message M { required int32 a = 1; }",
        ({}, "the required field a is missing"),
    ),
    # What was written is still read; only what is written from now on breaks readers of the old schema.
    "REQUIRED_FIELD_REMOVED": (P2 + "message M { required int32 a = 1; }", P2 + "message M {}", None),
    # The removed member is kept as an unknown field.
    "ONEOF_FIELD_REMOVED": (
        P3 + "message M { oneof x { int32 a = 1; int32 b = 2; } }",
        P3 + "message M { oneof x { int32 a = 1; } }",
        None,
    ),
    "MULTIPLE_FIELDS_MOVED_TO_ONEOF": (
        P3 + "message M { int32 a = 1; int32 b = 2; }",
        P3 + "message M { oneof x { int32 a = 1; int32 b = 2; } }",
        ({"a": 5, "b": 5}, "field 1 was written as 5 and is missing"),
    ),
    "FIELD_MOVED_TO_EXISTING_ONEOF": (
        P3 + "message M { int32 a = 1; oneof x { int32 b = 2; int32 c = 3; } }",
        P3 + "message M { oneof x { int32 a = 1; int32 b = 2; int32 c = 3; } }",
        ({"a": 5, "b": 5}, "field 1 was written as 5 and is missing"),
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), WITNESSES.values(), ids=WITNESSES.keys())
def test_protobuf(old, new, expected, request):
    old, new = PROTOBUF.parse(old), PROTOBUF.parse(new)
    assert request.node.callspec.id in {item.type.name for item in PROTOBUF.compare(new, old)}
    witness = find_witness(new, old, CompatibilityLevel.BACKWARD)
    assert (None if witness is None else (witness.payload, witness.reading.problem)) == expected
    if witness is not None:
        assert witness.direction is Direction.BACKWARD
        assert witness.reading.encoded or witness.payload in ({}, {"@type": "N"})
        assert find_witness(old, new, CompatibilityLevel.FORWARD) is not None


def test_every_incompatible_difference_of_protobuf_is_tried():
    rules = PROTOBUF.difference_types.values()
    assert set(WITNESSES) == {rule.name for rule in rules if rule.impact is Impact.INCOMPATIBLE}


def test_a_required_field_that_is_removed_breaks_the_readers_that_stay():
    old, new, _ = WITNESSES["REQUIRED_FIELD_REMOVED"]
    witness = find_witness(PROTOBUF.parse(new), PROTOBUF.parse(old), CompatibilityLevel.FULL)
    assert witness is not None
    assert (witness.direction, witness.reading.outcome) == (Direction.FORWARD, Outcome.REFUSED)


def test_members_of_any_two_oneofs_meet():
    old = P3 + "message M { oneof x { int32 a = 1; int32 b = 2; } oneof y { int32 c = 3; int32 d = 4; } }"
    new = P3 + "message M { oneof x { int32 a = 1; int32 d = 4; } oneof y { int32 b = 2; int32 c = 3; } }"
    witness = find_witness(PROTOBUF.parse(new), PROTOBUF.parse(old), CompatibilityLevel.BACKWARD)
    assert witness is not None
    assert set(witness.payload) in ({"a", "d"}, {"b", "c"})


def test_no_witness_of_another_format_or_without_a_promise_or_a_budget():
    old, new, _ = WITNESSES["FIELD_SCALAR_KIND_CHANGED"]
    old, new = PROTOBUF.parse(old), PROTOBUF.parse(new)
    other = format_of(SchemaType.AVRO).parse('"string"')
    assert find_witness(other, old, CompatibilityLevel.BACKWARD) is None
    assert find_witness(new, old, CompatibilityLevel.NONE) is None
    assert find_witness(new, old, CompatibilityLevel.BACKWARD, Budget(10)) is None
