"""Samples: valid payloads that reach every branch of a schema, the same ones every time."""

import itertools
import json
from pathlib import Path

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Dependency, Outcome
from llm_schema_registry.formats.protobuf import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors" / "protobuf"
ROWS = json.loads((VECTORS / "compatibility.json").read_text())
P2 = 'syntax = "proto2"; '
P3 = 'syntax = "proto3"; '


def samples(text, **options):
    return list(FORMAT.samples(FORMAT.parse(text), **options))


def values(text, name="a"):
    return [sample[name] for sample in samples(text) if name in sample]


@pytest.mark.parametrize("row", [pytest.param(row, id=row["description"]) for row in ROWS])
def test_samples_are_valid_and_survive_their_own_schema(row):
    dependencies = [Dependency(item["name"], item["text"]) for item in row.get("dependencies", [])]
    schema = FORMAT.parse(row["reader"], dependencies)
    found = list(FORMAT.samples(schema))
    assert found or not schema.file.messages
    assert found == list(FORMAT.samples(schema))
    for value in found:
        assert FORMAT.validator(schema).check_value(value) == []
        assert FORMAT.read(schema, schema, value).outcome is Outcome.READ


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("int32", {0, 1, -1, 2**31 - 1, -(2**31)}),
        ("sint32", {0, 1, -1, 2**31 - 1, -(2**31)}),
        ("uint32", {0, 1, 2**32 - 1}),
        ("fixed32", {0, 1, 2**32 - 1}),
        ("int64", {"0", "1", "-1", str(2**63 - 1), str(-(2**63))}),
        ("sfixed64", {"0", "1", "-1", str(2**63 - 1), str(-(2**63))}),
        ("uint64", {"0", "1", str(2**64 - 1)}),
        ("bool", {False, True}),
        ("float", {0.0, 3.4028234663852886e38, -3.4028234663852886e38, "NaN", "Infinity", "-Infinity"}),
        ("double", {0.0, 1.7976931348623157e308, -1.7976931348623157e308, "NaN", "Infinity", "-Infinity"}),
        ("string", {"", "text"}),
        ("bytes", {"", "dGV4dA=="}),
        ("E", {"A", "B", "C", 8}),
    ],
)
def test_scalars_with_the_edges_of_their_ranges(kind, least):
    text = f"{P3} message M {{ {kind} a = 1; }} enum E {{ A = 0; B = 7; C = 2; }}"
    assert least <= set(values(text))
    repeated = values(text.replace(f"{kind} a", f"repeated {kind} a"))
    assert {(item,) for item in least} <= {tuple(item) for item in repeated}
    assert any(len(item) > 1 for item in repeated)


def test_a_closed_enum_has_its_constants_only():
    assert set(values(P2 + "message M { optional E a = 1; } enum E { A = 0; B = 7; }")) == {"A", "B"}


def test_optional_fields_are_present_and_absent():
    found = samples(P3 + "message M { optional int32 a = 1; string b = 2; }")
    assert found[0] == {}
    assert {frozenset(sample) for sample in found} == {frozenset(), frozenset("a"), frozenset("b"), frozenset("ab")}


def test_all_fields_at_once_with_what_they_hold():
    fields = "int32 a = 1; N n = 2; repeated N r = 3; map<int32, N> m = 4; oneof x { sint32 b = 5; N c = 6; }"
    found = samples(f"{P3} message M {{ {fields} }} message N {{ int32 i = 1; string s = 2; M deeper = 3; }}")
    part = {"i": 5, "s": "text"}
    full = {"a": 5, "n": part, "r": [part, part], "m": {"5": part}}
    assert {**full, "b": 5} in found
    assert any(sample.keys() == {*full, "c"} for sample in found)


def test_required_fields_are_always_there():
    found = samples(P2 + "message M { required int32 a = 1; optional N b = 2; } message N { required M m = 1; }")
    assert found[0] == {"a": 0}
    assert all("a" in sample for sample in found if "@type" not in sample)


def test_every_member_of_a_oneof_alone_and_with_members_of_others():
    found = samples(P3 + "message M { oneof x { int32 a = 1; int32 b = 2; } oneof y { int32 c = 3; int32 d = 4; } }")
    sets = {frozenset(sample) for sample in found}
    assert sets >= set(map(frozenset, ("", "a", "b", "c", "d", "ac", "ad", "bc", "bd")))
    assert not any({"a", "b"} <= one or {"c", "d"} <= one for one in sets)


def test_maps_with_every_kind_of_key_and_value():
    for kind in ("int32", "uint64", "bool", "string"):
        found = values(f"{P3} message M {{ map<{kind}, sint32> a = 1; }}")
        assert len({key for item in found for key in item}) >= 2
        assert {-1, 2**31 - 1} <= {value for item in found for value in item.values()}
        assert any(len(item) == 2 for item in found)


def test_nested_and_recursive_messages():
    found = values(P3 + "message T { T a = 1; repeated T b = 2; string v = 3; }")
    assert {} in found
    assert {"v": "text"} in found
    assert max(len(json.dumps(item)) for item in found) < 200


def test_a_message_without_a_finite_value_has_no_sample():
    assert samples(P2 + "message M { required M a = 1; } message N { optional M m = 1; }") == [{"@type": "N"}]
    assert samples(P3 + "enum E { A = 0; }") == []


def test_other_messages_name_themselves():
    found = samples(
        P3 + "package p.q; message M { message N { int32 a = 1; } } message O { map<string, string> m = 1; }"
    )
    assert found[:3] == [{}, {"@type": "p.q.O"}, {"@type": "p.q.M.N"}]
    assert {sample.get("@type") for sample in found} == {None, "p.q.M.N", "p.q.O"}


def test_a_field_called_like_the_name_of_the_message_is_left_alone():
    clash = 'int32 a = 1 [json_name = "@type"];'
    assert all(
        type(sample.get("@type", 0)) is int for sample in samples(f"{P3} message M {{ {clash} }} message N {{}}")
    )
    assert {sample.get("@type") for sample in samples(f"{P3} message M {{}} message N {{ {clash} }}")} == {None}


@pytest.mark.parametrize(
    "kind", ["Timestamp", "Duration", "FieldMask", "Struct", "ListValue", "Value", "Any", "Int64Value", "BytesValue"]
)
def test_well_known_types_in_their_own_form(kind):
    file = {"ListValue": "struct", "Value": "struct", "FieldMask": "field_mask"}.get(kind, kind.lower())
    file = "wrappers" if kind.endswith(("64Value", "sValue")) else file
    text = f'{P3} import "google/protobuf/{file}.proto"; message M {{ google.protobuf.{kind} a = 1; }}'
    schema = FORMAT.parse(text)
    found = list(FORMAT.samples(schema))
    assert len(found) >= 2
    assert all(FORMAT.read(schema, schema, value).outcome is Outcome.READ for value in found)


@pytest.mark.timeout(20)
def test_long_and_meshed_types_come_to_an_end():
    chain = "".join(f"message M{one} {{ M{one + 1} a = 1; M0 b = 2; }} " for one in range(1000))
    schema = FORMAT.parse(f"{P3} {chain} message M1000 {{ int32 x = 1; }}")
    found = list(FORMAT.samples(schema))
    assert {"@type": "M1000", "x": -1} in found
    for value in itertools.islice(found, 1000, 1100):
        assert FORMAT.read(schema, schema, value).outcome is Outcome.READ


def test_the_budget_ends_the_work():
    text = P3 + "message M {" + "".join(f"int32 f{number} = {number};" for number in range(1, 100)) + "}"
    with pytest.raises(BudgetExceededError):
        samples(text, budget=Budget(100))


def test_a_stored_schema_that_protoc_refuses_has_none():
    broken = FORMAT.parse("message M { Unknown a = 1; }", strict=False)
    assert list(FORMAT.samples(broken)) == []
    whole = FORMAT.parse(P3 + "message M {}")
    assert FORMAT.read(broken, whole, {}).outcome is Outcome.UNWRITABLE
