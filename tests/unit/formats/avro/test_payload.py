"""Payloads: JSON values, Avro binary, and the way between them."""

import io
import json
import struct
from pathlib import Path

import fastavro
import pytest

from llm_schema_registry.formats.avro import FORMAT, InvalidPayloadError

VECTORS = Path(__file__).parents[3] / "vectors" / "avro"
SAMPLES = sorted((VECTORS / "samples").glob("*.json"))


def validator(schema):
    return FORMAT.validator(FORMAT.parse(json.dumps(schema)))


def record(*fields, name="R", **attributes):
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": n, "type": t, **dict(*rest)} for n, t, *rest in fields],
        **attributes,
    }


def sample_schema(path):
    name, _, rest = path.name.partition(".v")
    return FORMAT.parse((path.parent / f"{name}.v{rest[0]}.avsc").read_text())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_get_the_verdict_their_name_says(path):
    schema = sample_schema(path)
    checker = FORMAT.validator(schema)
    value = json.loads(path.read_text())
    if "invalid" in path.name:
        assert checker.check_value(value)
        with pytest.raises(InvalidPayloadError):
            checker.encode(value)
    else:
        assert checker.check_value(value) == []
        data = checker.encode(value)
        assert checker.check_bytes(data) == []
        decoded = checker.decode(data)
        assert value.keys() <= decoded.keys()
        assert checker.encode(decoded) == data
        fastavro.schemaless_reader(io.BytesIO(data), json.loads(schema.canonical))


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
FIXED_DECIMAL = {"type": "fixed", "name": "D", "size": 3, "logicalType": "decimal", "precision": 6, "scale": 2}
UUID = {"type": "string", "logicalType": "uuid"}
TEXT = "7b1f6d0e-3a55-4c29-9a57-0c1d2e3f4a5b"
ENUM = {"type": "enum", "name": "n.E", "symbols": ["RED", "GREEN"]}
INNER = record(("x", "int"), name="n.I")

ACCEPTED = [
    ("null", None),
    ("boolean", False),
    ("int", -(2**31)),
    ("long", 2**63 - 1),
    ("int", 1e3),
    ("int", -0.0),
    ("long", 1e18),
    ("long", -(2.0**63)),
    (["null", "long"], 1e3),
    ({"type": "array", "items": "long"}, [1e3]),
    ({"type": "int", "logicalType": "date"}, 2e4),
    ("float", 1),
    ("float", 3.4028235e38),
    ("double", 1.5),
    ("double", "NaN"),
    ("double", "-Infinity"),
    ("string", "é☃😀"),
    ("bytes", "\x00ÿ"),
    ({"type": "fixed", "name": "F", "size": 2}, "ab"),
    ({"type": "long", "logicalType": "timestamp-millis"}, 1763719200000),
    (DECIMAL, "123.45"),
    (DECIMAL, "-0.5"),
    (DECIMAL, 12),
    (DECIMAL, 0.25),
    (DECIMAL, "1.50000"),
    (DECIMAL, "\x01\xff"),
    (FIXED_DECIMAL, "-1234.56"),
    (UUID, TEXT),
    (ENUM, "RED"),
    ({"type": "array", "items": "int"}, [1, 2]),
    ({"type": "map", "values": "int"}, {"a": 1}),
    (record(("a", "int"), ("b", "int", {"default": 1})), {"a": 1}),
    (["null", "string"], None),
    (["null", "string"], "x"),
    (["null", "string"], {"string": "x"}),
    (["null", "double", "string"], "x"),
    (["null", "double", "string"], "NaN"),
    (["int", ENUM], {"n.E": "RED"}),
    (["null", INNER], {"x": 1}),
    (["null", INNER], {"n.I": {"x": 1}}),
    ([{"type": "map", "values": "int"}, "int"], {"int": 1}),
    ([INNER, record(("y", "int"), name="J")], {"y": 1}),
    ([INNER, ENUM, "long", "bytes"], "RED"),
]


@pytest.mark.parametrize(("schema", "value"), ACCEPTED)
def test_accepted_values_survive_the_way_through_bytes(schema, value):
    checker = validator(schema)
    assert checker.check_value(value) == []
    data = checker.encode(value)
    decoded = checker.decode(data)
    assert checker.encode(decoded) == data
    raw = json.loads(json.dumps(schema).replace('"logicalType"', '"ignored"'))
    fastavro.schemaless_reader(io.BytesIO(data), raw)


def test_whole_numbers_are_integers_however_they_are_written():
    assert validator("long").encode(json.loads("1e3")) == validator("long").encode(1000)
    # A branch of floats takes what is written as one, wherever it stands.
    for branches, branch in ((["long", "double"], 1), (["double", "long"], 0), (["string", "int", "long"], 1)):
        assert validator(branches).encode(1e3)[0] == 2 * branch
    assert validator(["long", "double"]).encode({"long": 1e3}) == validator(["long"]).encode(1000)


def test_decoded_values_are_plain():
    schema = record(
        ("u", ["null", INNER]), ("d", DECIMAL), ("b", "bytes"), ("f", "double"), ("z", "int", {"default": 7})
    )
    checker = validator(schema)
    value = {"u": {"n.I": {"x": 1}}, "d": -0.5, "b": "ÿ", "f": "Infinity"}
    assert checker.decode(checker.encode(value)) == {"u": {"x": 1}, "d": "-0.50", "b": "ÿ", "f": "Infinity", "z": 7}


def test_defaults_are_written_as_the_schema_text_means_them():
    schema = record(
        ("b", "bytes", {"default": "ÿ"}),
        ("d", DECIMAL, {"default": "1"}),
        ("u", ["null", "long"], {"default": 5}),
        ("r", INNER | {"fields": [{"name": "x", "type": "int", "default": 3}]}, {"default": {}}),
    )
    # The default "1" of a decimal is the byte 0x31, not the number.
    assert validator(schema).encode({}) == b"\x02\xff" + b"\x02\x31" + b"\x02\x0a" + b"\x06"


# schema, value, code, path, part of the message
REFUSED = [
    ("int", True, "avro.WRONG_TYPE", "", "is a boolean, but the schema says int"),
    ("int", 1.5, "avro.WRONG_TYPE", "", "a number with a fraction"),
    ("long", float("inf"), "avro.WRONG_TYPE", "", "schema says long"),
    ("int", 2.0**31, "avro.OUT_OF_RANGE", "", "range of int"),
    ("long", 2.0**63, "avro.OUT_OF_RANGE", "", "range of long"),
    (["null", "int"], 1.5, "avro.WRONG_TYPE", "", "a number with a fraction"),
    ("int", 2**31, "avro.OUT_OF_RANGE", "", "range of int"),
    ("long", -(2**63) - 1, "avro.OUT_OF_RANGE", "", "range of long"),
    ("float", 1e39, "avro.OUT_OF_RANGE", "", "range of float"),
    ("double", 10**400, "avro.OUT_OF_RANGE", "", "range of double"),
    ("double", "1.0", "avro.WRONG_TYPE", "", "a string"),
    ("string", "\ud800", "avro.INVALID_VALUE", "", "unpaired surrogate"),
    ("bytes", "☃", "avro.INVALID_VALUE", "", "no bytes"),
    ({"type": "fixed", "name": "F", "size": 2}, "abc", "avro.INVALID_VALUE", "", "not 2 bytes"),
    (DECIMAL, "1234.5", "avro.INVALID_VALUE", "", "more than 5 digits"),
    (DECIMAL, "0.125", "avro.INVALID_VALUE", "", "more than 2 digits"),
    (DECIMAL, "☃", "avro.INVALID_VALUE", "", "no bytes"),
    (DECIMAL, float("nan"), "avro.INVALID_VALUE", "", "not a finite number"),
    (UUID, "7b1f6d0e", "avro.INVALID_VALUE", "", "not a UUID"),
    (ENUM, "GREN", "avro.UNKNOWN_SYMBOL", "", "did you mean 'GREEN'?"),
    ({"type": "array", "items": "int"}, [1, "x"], "avro.WRONG_TYPE", "/1", "a string"),
    ({"type": "map", "values": "int"}, {"a/b~c": "x"}, "avro.WRONG_TYPE", "/a~1b~0c", "a string"),
    (record(("a", INNER)), {"a": {}}, "avro.MISSING_FIELD", "/a/x", "is missing and has no default"),
    (record(("total", "int")), {"total": 1, "totl": 2}, "avro.UNKNOWN_FIELD", "/totl", "did you mean 'total'?"),
    (record(("u", ["null", INNER])), {"u": {"x": "1"}}, "avro.WRONG_TYPE", "/u/x", "a string"),
    (record(("u", ["null", INNER])), {"u": {"n.I": {"x": "1"}}}, "avro.WRONG_TYPE", "/u/n.I/x", "a string"),
    (["null", "int"], "x", "avro.WRONG_TYPE", "", "union<null, int>"),
    (["null", "int"], {"string": "x"}, "avro.WRONG_TYPE", "", "an object"),
]


@pytest.mark.parametrize(("schema", "value", "code", "path", "part"), REFUSED)
def test_refused_values_say_where_and_why(schema, value, code, path, part):
    (finding,) = validator(schema).check_value(value)
    assert (finding.code, finding.path) == (code, path)
    assert part in finding.message
    assert finding.fix


def test_every_problem_of_a_payload_is_found():
    found = validator(record(("a", "int"), ("b", "string"), ("c", "int"))).check_value({"a": "x", "b": 1, "d": 2})
    assert [(item.code, item.path) for item in found] == [
        ("avro.WRONG_TYPE", "/a"),
        ("avro.WRONG_TYPE", "/b"),
        ("avro.MISSING_FIELD", "/c"),
        ("avro.UNKNOWN_FIELD", "/d"),
    ]
    assert len(validator({"type": "array", "items": "int"}).check_value(["x"] * 5000)) == 100


# schema, bytes, code, path
MALFORMED = [
    ("int", b"", "avro.TRUNCATED", ""),
    ("int", b"\x80", "avro.TRUNCATED", ""),
    ("int", b"\xff\xff\xff\xff\x1f", "avro.OUT_OF_RANGE", ""),
    ("long", b"\xff" * 9 + b"\x02", "avro.INVALID_NUMBER", ""),
    ("long", b"\xff" * 20, "avro.INVALID_NUMBER", ""),
    ("int", b"\x02\x00", "avro.TRAILING_BYTES", ""),
    ("null", b"\x00", "avro.TRAILING_BYTES", ""),
    ("boolean", b"\x02", "avro.INVALID_BOOLEAN", ""),
    ("double", b"\x00" * 7, "avro.TRUNCATED", ""),
    ("string", b"\x04a", "avro.TRUNCATED", ""),
    ("string", b"\x01", "avro.INVALID_LENGTH", ""),
    ("string", b"\x02\xff", "avro.INVALID_UTF8", ""),
    ("bytes", b"\xfe\xff\xff\xff\x0f", "avro.TRUNCATED", ""),
    (ENUM, b"\x04", "avro.INVALID_SYMBOL", ""),
    (ENUM, b"\x01", "avro.INVALID_SYMBOL", ""),
    (["null", "int"], b"\x04", "avro.INVALID_BRANCH", ""),
    (["null", "int"], b"\x01", "avro.INVALID_BRANCH", ""),
    (UUID, b"\x02a", "avro.INVALID_VALUE", ""),
    (DECIMAL, b"\x06\x7f\xff\xff", "avro.INVALID_VALUE", ""),
    (DECIMAL, b"\x00", "avro.INVALID_VALUE", ""),
    ({"type": "array", "items": "int"}, b"\xfe\xff\xff\xff\x0f\x00", "avro.TOO_MANY_ITEMS", ""),
    ({"type": "array", "items": "null"}, b"\x80\xda\xc4\x09\x00", "avro.TOO_MANY_ITEMS", ""),
    ({"type": "array", "items": record()}, b"\x80\xda\xc4\x09\x00", "avro.TOO_MANY_ITEMS", ""),
    ({"type": "array", "items": "int"}, b"\x01\x04\x02\x00", "avro.INVALID_LENGTH", ""),
    ({"type": "array", "items": "int"}, b"\x01\x40\x02\x00", "avro.INVALID_LENGTH", ""),
    ({"type": "array", "items": "string"}, b"\x04\x02a\x02\xff\x00", "avro.INVALID_UTF8", "/1"),
    ({"type": "map", "values": "boolean"}, b"\x02\x02k\x09\x00", "avro.INVALID_BOOLEAN", "/k"),
    (record(("a", "int"), ("b", record(("c", "string"), name="I"))), b"\x02\x06ab", "avro.TRUNCATED", "/b/c"),
]


@pytest.mark.parametrize(("schema", "data", "code", "path"), MALFORMED)
def test_malformed_bytes_say_where_and_why(schema, data, code, path):
    checker = validator(schema)
    (finding,) = checker.check_bytes(data)
    assert (finding.code, finding.path) == (code, path)
    with pytest.raises(InvalidPayloadError) as raised:
        checker.decode(data)
    assert raised.value.findings == (finding,)


def test_blocks_with_sizes_and_several_blocks_are_read():
    checker = validator({"type": "array", "items": "int"})
    assert checker.decode(b"\x01\x02\x02" + b"\x04\x04\x06" + b"\x00") == [1, 2, 3]


LIST = record(("n", ["null", "L"]), name="L")


@pytest.mark.timeout(5)
@pytest.mark.parametrize("length", [100, 5_000, 1_000_000])
def test_deep_bytes_are_refused(length):
    checker = validator(LIST)
    assert checker.check_bytes(b"\x02" * 99 + b"\x00") == []
    (finding,) = checker.check_bytes(b"\x02" * length + b"\x00")
    assert finding.code == "avro.PAYLOAD_TOO_DEEP"


def test_deep_values_are_refused():
    value = None
    for _ in range(5000):
        value = {"n": value}
    (finding,) = validator(LIST).check_value(value)
    assert finding.code == "avro.PAYLOAD_TOO_DEEP"


@pytest.mark.slow
@pytest.mark.timeout(5)
def test_records_of_no_size_cannot_multiply():
    chain = [record(("a", f"R{n + 1}"), ("b", f"R{n + 1}"), name=f"R{n}") for n in range(60)]
    (finding,) = validator([*chain, record(name="R60")]).check_bytes(b"\x00")
    assert finding.code == "avro.PAYLOAD_TOO_COMPLEX"


@pytest.mark.timeout(5)
def test_branches_that_fail_late_cannot_multiply():
    b = record(("n", ["null", "A", "B"]), name="B")
    schema = [record(("n", ["null", "A", b]), name="A"), "B"]
    value = 3
    for _ in range(90):
        value = {"n": value}
    (finding,) = validator(schema).check_value(value)
    assert finding.code == "avro.PAYLOAD_TOO_COMPLEX"


@pytest.mark.timeout(5)
def test_defaults_of_defaults_cannot_multiply():
    chain = [
        {
            "type": "record",
            "name": f"R{n}",
            "fields": [{"name": name, "type": f"R{n + 1}", "default": {}} for name in "ab"],
        }
        for n in range(50)
    ]
    text = json.dumps([*chain, record(("x", "int", {"default": 1}), name="R50")])
    checker = FORMAT.validator(FORMAT.parse(text, strict=False))
    with pytest.raises(InvalidPayloadError) as raised:
        checker.encode({"R0": {}})
    assert raised.value.findings[0].code == "avro.PAYLOAD_TOO_COMPLEX"


def test_a_stored_default_that_does_not_fit_is_said():
    text = json.dumps(record(("a", "int", {"default": "x"})))
    with pytest.raises(InvalidPayloadError, match="lacks the field 'a', whose default does not fit its type"):
        FORMAT.validator(FORMAT.parse(text, strict=False)).encode({})


def test_floats_are_rounded_to_their_size():
    assert validator("float").encode(0.1) == struct.pack("<f", 0.1)
