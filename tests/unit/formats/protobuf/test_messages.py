"""Which message of a schema a payload is of: by name, by `@type`, by message indexes."""

import pytest

from llm_schema_registry.formats import UnknownMessageError
from llm_schema_registry.formats.protobuf import FORMAT

SEVERAL = """syntax = "proto2"; package shop.v1;
message Order { optional string id = 1; map<string, string> tags = 2; optional group Extra = 3 {}
  message Line { required int32 n = 1; } }
message Receipt { optional int32 total = 1; }
message shop { message v1 { message Receipt { optional bool inner = 1; } } }
extend Order { optional group Added = 100 {} }
"""


INDEXED = """syntax = "proto2"; package p;
message M { map<int32, int32> x = 1; message A { required string a = 1; } message B { required int32 b = 1; } }
"""
A, B = b"\x0a\x01a", b"\x08\x01"


def several():
    return FORMAT.validator(FORMAT.parse(SEVERAL.replace("id = 1;", "id = 1; extensions 100;")))


def found(findings):
    return [(finding.code.removeprefix("protobuf."), finding.path) for finding in findings]


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("shop.v1.Receipt", {"total": 1}, "shop.v1.Receipt"),
        ("Receipt", {"total": 1}, "shop.v1.Receipt"),
        ("Receipt", {"@type": "type.googleapis.com/shop.v1.Receipt", "total": 1}, "shop.v1.Receipt"),
        ("Order.Line", {"n": 1}, "shop.v1.Order.Line"),
        ("Order", {"id": "a"}, "shop.v1.Order"),
        ("shop", {}, "shop.v1.shop"),
        ("shop.v1.shop.v1.Receipt", {"inner": True}, "shop.v1.shop.v1.Receipt"),
        (None, {"id": "a"}, "shop.v1.Order"),
        (None, {"@type": "shop.v1.Receipt", "total": 1}, "shop.v1.Receipt"),
    ],
)
def test_the_message_of_a_value(name, value, taken):
    validator = several() if name is None else several().as_message(name)
    assert validator.judge_value(value) == (taken, [])
    assert validator.check_value(value) == []


@pytest.mark.parametrize("name", ["", ".", "Nope", "Order.TagsEntry", "Order.Extra", "Added", "Order.", "v1.Order"])
def test_messages_that_are_not_declared(name):
    with pytest.raises(UnknownMessageError, match=r"does not declare message .* It declares shop\.v1\.Order, shop"):
        several().as_message(name)
    payload = {"@type": f"shop.v1.{name}"}
    assert found(several().check_value(payload)) == [("NO_MESSAGE", "/@type")]
    assert several().judge_value(payload)[0] is None


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("Oder", "Order"),
        ("Line", "Order.Line"),
        ("shop.v1.Recept", "Receipt"),
        ("order", "Order"),
        ("acme.Order", "Order"),
    ],
)
def test_the_closest_message_is_suggested(name, close):
    with pytest.raises(UnknownMessageError, match=rf"Did you mean shop\.v1\.{close}\? "):
        several().as_message(name)


def test_the_list_of_messages_is_bounded():
    many = "".join(f"message M{number} {{}} " for number in range(1_000))
    with pytest.raises(UnknownMessageError) as caught:
        FORMAT.validator(FORMAT.parse(f'syntax = "proto3"; {many}')).as_message("X" * 100_000)
    assert str(caught.value).endswith("M8, M9 and more.")
    assert len(str(caught.value)) < 500
    with pytest.raises(UnknownMessageError, match=r"message M\. It has no messages\.$"):
        FORMAT.validator(FORMAT.parse('syntax = "proto3"; enum E { Z = 0; }')).as_message("M")


def test_a_payload_of_another_message_than_the_chosen_one():
    order = several().as_message("Order")
    taken, (conflict,) = order.judge_value({"@type": "shop.v1.Receipt", "total": 1})
    assert (taken, conflict.code, conflict.path) == (None, "protobuf.MESSAGE_CONFLICT", "/@type")
    assert "shop.v1.Receipt" in conflict.message
    assert "shop.v1.Order" in conflict.message
    taken, (conflict,) = order.judge_bytes(b"\x08\x01", (1,))
    assert (taken, conflict.code, conflict.path) == (None, "protobuf.MESSAGE_CONFLICT", "")
    assert "shop.v1.Receipt" in conflict.message


def test_the_message_of_bytes():
    validator = several()
    assert validator.judge_bytes(b"\x0a\x01a") == ("shop.v1.Order", [])
    assert validator.judge_bytes(b"\x08\x01", (1,)) == ("shop.v1.Receipt", [])
    assert validator.as_message("Receipt").judge_bytes(b"\x08\x01") == ("shop.v1.Receipt", [])
    assert validator.as_message("Receipt").judge_bytes(b"\x08\x01", (1,)) == ("shop.v1.Receipt", [])
    assert validator.judge_bytes(b"", (9,))[0] is None


def test_a_chosen_message_decides_between_two_readings_of_the_indexes():
    validator = FORMAT.validator(FORMAT.parse(INDEXED))
    assert [finding.code for finding in validator.judge_bytes(A, (0, 1))[1]] == ["protobuf.AMBIGUOUS_INDEXES"]
    assert validator.as_message("M.A").judge_bytes(A, (0, 1)) == ("p.M.A", [])
    assert validator.as_message("M.B").judge_bytes(B, (0, 1)) == ("p.M.B", [])
    assert found(validator.as_message("M").judge_bytes(A, (0, 1))[1]) == [("MESSAGE_CONFLICT", "")]


def test_a_chosen_message_may_have_a_field_called_like_the_key_of_types():
    text = 'syntax = "proto3"; message M {} message N { string t = 1 [json_name = "@type"]; }'
    assert FORMAT.validator(FORMAT.parse(text)).as_message("N").judge_value({"@type": "M"}) == ("N", [])


def test_delimited_fields_of_editions_are_of_declared_messages():
    text = 'edition = "2023"; message M { G g = 1 [features.message_encoding = DELIMITED]; message G {} }'
    validator = FORMAT.validator(FORMAT.parse(text))
    assert [message.full_name for message in validator.messages()] == ["M", "M.G"]
    assert validator.as_message("M.G").judge_value({}) == ("M.G", [])


def test_the_first_declared_message_is_the_default_of_samples():
    text = """syntax = "proto2"; extend M { optional group First = 100 { optional int32 a = 1; } }
    message M { optional string b = 1; extensions 100; }"""
    parsed = FORMAT.parse(text)
    validator = FORMAT.validator(parsed)
    assert [message.full_name for message in validator.messages()] == ["M"]
    assert {taken for taken, _ in map(validator.judge_value, FORMAT.samples(parsed))} == {"M"}
