"""What is called compatible can be read, shown on random schemas; and where the reference's rules are laxer."""

import contextlib

import pytest
from google.protobuf import message_factory
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_schema_registry.formats import Impact, InvalidSchemaError
from llm_schema_registry.formats.protobuf import FORMAT
from property.protobuf_schemas import changed, fill, same, schema, text

bounded = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    derandomize=True,
)
randoms = st.randoms(use_true_random=False)


def parsed(file):
    try:
        return FORMAT.parse(file)
    except InvalidSchemaError:
        return None


def message_class(parsed_schema, name="M"):
    names = [message.name for message in parsed_schema.file.messages]
    return message_factory.GetMessageClass(FORMAT.validator(parsed_schema).descriptor((names.index(name),)))


def compatible(reader, writer):
    return all(item.type.impact is Impact.COMPATIBLE for item in FORMAT.compare(reader, writer))


@bounded
@given(randoms)
def test_what_is_called_compatible_can_be_read(random):
    old = schema(random)
    one, other = parsed(text(old)), parsed(text(changed(old, random)))
    for writer, reader in ((one, other), (other, one)):
        if writer is None or reader is None or not compatible(reader, writer):
            continue
        for position, message in enumerate(writer.file.messages):
            written = message_class(writer, message.name)()
            fill(written, random)
            data = written.SerializeToString()
            assert FORMAT.validator(writer).judge_bytes(data, (position,))[1] == []
            assert same(written, message_class(reader, message.name).FromString(data))


@bounded
@given(randoms)
def test_texts_are_fixed_points(random):
    file = schema(random)
    one = FORMAT.parse(text(file), strict=False)
    assert FORMAT.parse(one.canonical, strict=False).canonical == one.canonical
    normal = FORMAT.parse(one.normalized(), strict=False)
    assert normal.normalized() == one.normalized()
    assert FORMAT.parse(text(file, random), strict=False).normalized() == one.normalized()
    assert FORMAT.compare(normal, one) == []


@bounded
@given(randoms)
def test_descriptors_are_the_same_schema(random):
    one = parsed(text(schema(random)))
    if one is not None:
        assert FORMAT.parse(one.rendered("serialized")).normalized() == one.normalized()


@bounded
@given(st.binary(max_size=60), randoms)
def test_hostile_bytes_only_give_findings(data, random):
    one = parsed(text(schema(random)))
    if one is not None:
        FORMAT.validator(one).check_bytes(data)


@bounded
@given(st.text(max_size=80))
def test_hostile_texts_only_give_refusals(source):
    with contextlib.suppress(InvalidSchemaError):
        again = FORMAT.parse(source, strict=False).canonical
        assert FORMAT.parse(again, strict=False).canonical == again


def reading(writer, reader, values):
    """What `reader` gets of `values` that `writer` wrote, both called compatible by the reference's rules."""
    one, other = FORMAT.parse(writer), FORMAT.parse(reader)
    assert compatible(other, one)
    written = message_class(one)(**values)
    return message_class(other).FromString(written.SerializePartialToString())


P3 = 'syntax = "proto3"; '
P2 = 'syntax = "proto2"; '


@pytest.mark.parametrize(
    ("writer", "reader", "values", "read"),
    [
        pytest.param("int64 a = 1;", "int32 a = 1;", {"a": 2**32}, 0, id="narrower integers lose high bits"),
        pytest.param("int32 a = 1;", "uint64 a = 1;", {"a": -1}, 2**64 - 1, id="negative numbers turn unsigned"),
        pytest.param("int32 a = 1;", "bool a = 1;", {"a": 7}, True, id="numbers turn true"),
        pytest.param("sint64 a = 1;", "sint32 a = 1;", {"a": 2**40}, 0, id="narrower zigzag integers lose high bits"),
        pytest.param("fixed32 a = 1;", "sfixed32 a = 1;", {"a": 2**32 - 1}, -1, id="fixed numbers change their sign"),
        pytest.param("repeated int32 a = 1;", "int32 a = 1;", {"a": [1, 2]}, 0, id="packed numbers are skipped"),
        pytest.param("repeated string a = 1;", "string a = 1;", {"a": ["x", "y"]}, "y", id="only the last text"),
    ],
)
def test_allowed_by_the_reference_though_values_change(writer, reader, values, read):
    got = reading(f"{P3}message M {{ {writer} }}", f"{P3}message M {{ {reader} }}", values)
    assert got.a == read


def test_allowed_by_the_reference_though_bytes_may_be_no_text():
    with pytest.raises(DecodeError):
        reading(P3 + "message M { bytes a = 1; }", P3 + "message M { string a = 1; }", {"a": b"\xff"})


@pytest.mark.parametrize("kind", ["string", "bytes"])
def test_allowed_by_the_reference_though_required_may_be_missing(kind):
    got = reading(f"{P2}message M {{ optional {kind} a = 1; }}", f"{P2}message M {{ required {kind} a = 1; }}", {})
    assert not got.IsInitialized()


def test_allowed_by_the_reference_though_closed_enums_forget_values():
    got = reading(
        P2 + "message M { optional E a = 1; enum E { Z = 0; A = 1; } }",
        P2 + "message M { optional E a = 1; enum E { Z = 0; } }",
        {"a": 1},
    )
    assert not got.HasField("a")


def test_allowed_by_the_reference_though_messages_of_a_list_are_merged():
    got = reading(
        P3 + "message M { repeated N a = 1; } message N { int32 x = 1; int32 y = 2; }",
        P3 + "message M { N a = 1; } message N { int32 x = 1; int32 y = 2; }",
        {"a": [{"x": 1}, {"y": 2}]},
    )
    assert (got.a.x, got.a.y) == (1, 2)


def test_allowed_by_the_reference_though_extensions_are_not_compared():
    extensible = P2 + "message M { extensions 10; } extend M { optional %s e = 10; }"
    one, other = FORMAT.parse(extensible % "string"), FORMAT.parse(extensible % "int32")
    assert compatible(other, one)
