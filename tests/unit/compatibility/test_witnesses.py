"""The search for a payload that shows an incompatibility."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from llm_schema_registry.compatibility import CompatibilityLevel, Direction, witnesses
from llm_schema_registry.compatibility.witnesses import Witness, find_witness
from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats import Outcome, ParsedSchema, Reading, SchemaType, format_of

LEVEL = CompatibilityLevel


def json_schema(**schema: object) -> ParsedSchema:
    return format_of(SchemaType.JSON).parse(json.dumps(schema))


def avro(schema: object) -> ParsedSchema:
    return format_of(SchemaType.AVRO).parse(json.dumps(schema))


def protobuf(fields: str) -> ParsedSchema:
    return format_of(SchemaType.PROTOBUF).parse(f'syntax = "proto3"; message M {{ {fields} }}')


INTEGER, NUMBER = json_schema(type="integer"), json_schema(type="number")
TEXT = {"type": "string"}
OPEN = json_schema(type="object", properties={"a": TEXT})


def shown(candidate: ParsedSchema, previous: ParsedSchema, level: CompatibilityLevel = LEVEL.BACKWARD) -> Witness:
    found = find_witness(candidate, previous, level)
    assert found is not None
    return found


def test_backward_writes_with_the_old_schema() -> None:
    found = shown(INTEGER, NUMBER)
    assert found.direction is Direction.BACKWARD
    assert isinstance(found.payload, float)
    assert found.reading.outcome is Outcome.REFUSED
    assert find_witness(NUMBER, INTEGER, LEVEL.BACKWARD) is None


def test_forward_writes_with_the_new_schema() -> None:
    found = shown(NUMBER, INTEGER, LEVEL.FORWARD)
    assert found.direction is Direction.FORWARD
    assert isinstance(found.payload, float)
    assert find_witness(INTEGER, NUMBER, LEVEL.FORWARD) is None


@pytest.mark.parametrize(
    ("candidate", "previous", "direction"),
    [(INTEGER, NUMBER, Direction.BACKWARD), (NUMBER, INTEGER, Direction.FORWARD)],
)
def test_full_looks_in_both_directions(candidate: ParsedSchema, previous: ParsedSchema, direction: Direction) -> None:
    assert shown(candidate, previous, LEVEL.FULL).direction is direction


def test_full_looks_forward_first() -> None:
    assert shown(json_schema(**TEXT), INTEGER, LEVEL.FULL_TRANSITIVE).direction is Direction.FORWARD


def test_a_value_that_is_misread_is_a_witness() -> None:
    found = shown(protobuf("oneof x { string a = 1; string b = 2; }"), protobuf("string a = 1; string b = 2;"))
    assert found.reading.outcome is Outcome.MISREAD
    assert found.payload.keys() == {"a", "b"}


def test_what_the_reader_names_and_the_writer_only_allows_is_tried() -> None:
    found = shown(json_schema(type="object", properties={"a": TEXT, "b": TEXT}), OPEN)
    assert not isinstance(found.payload["b"], str)


def test_a_member_that_the_reader_asks_for_is_left_out() -> None:
    closed = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "additionalProperties": False}
    found = shown(json_schema(**closed, required=["b"]), json_schema(**closed))
    assert "b" not in found.payload


def test_items_are_changed_and_left_out() -> None:
    strict = json_schema(type="array", items=[TEXT, TEXT])
    found = shown(strict, json_schema(type="array"))
    assert any(not isinstance(item, str) for item in found.payload)
    assert shown(json_schema(type="array", minItems=2), json_schema(type="array", maxItems=9)).payload == []


def test_a_reader_that_is_strict_about_the_whole_is_shown_another_type() -> None:
    assert not isinstance(shown(json_schema(**TEXT), json_schema()).payload, str)


def test_inner_places_are_changed_one_at_a_time() -> None:
    reader = json_schema(properties={"a": {"properties": {"b": {"items": [{"type": "integer"}]}}}})
    found = shown(reader, json_schema(type="object", maxProperties=1))
    assert found.payload.keys() == {"a"}
    assert found.reading.outcome is Outcome.REFUSED


def test_compatible_pairs_have_no_witness() -> None:
    assert find_witness(OPEN, OPEN, LEVEL.FULL) is None
    assert find_witness(avro("long"), avro("int"), LEVEL.BACKWARD) is None


def test_another_format_and_no_promise_have_no_witness() -> None:
    assert find_witness(avro("int"), INTEGER, LEVEL.FULL) is None
    assert find_witness(INTEGER, NUMBER, LEVEL.NONE) is None


@pytest.mark.parametrize("steps", [0, 1, 5, 19])
def test_the_search_is_bounded(steps: int) -> None:
    assert find_witness(INTEGER, NUMBER, LEVEL.FULL, Budget(steps)) is None


STRANGE = ("text", 1.5, True, None, [], {})


@dataclass
class Side:
    """A schema of which only the samples count."""

    samples: list[object]
    schema_type: str = "any"


class Recorder:
    """A format whose readers read everything; keeps what they were given."""

    def __init__(self) -> None:
        self.payloads: list[object] = []

    def samples(self, schema: Side, *, budget: Budget, inline: bool) -> Iterator[object]:
        return iter(schema.samples)

    def read(self, reader: Side, writer: Side, payload: object, *, inline: bool) -> Reading:
        self.payloads.append(payload)
        return Reading(Outcome.READ)


@pytest.mark.parametrize(
    ("sample", "inside", "copied"),
    [
        (5, [], 0),
        (None, [], 0),
        (
            {"a": 1, "b": "text"},
            [
                {"b": "text"},
                *({"a": value, "b": "text"} for value in STRANGE if value is not True),
                {"a": 1},
                *({"a": 1, "b": value} for value in (1.5, True, None, [], {})),
            ],
            12 * 2,
        ),
        (
            [0.5, [3]],
            [
                [[3]],
                *([value, [3]] for value in STRANGE),
                [0.5],
                # Without the second [0.5, []].
                *([0.5, value] for value in STRANGE),
                *([0.5, [value]] for value in STRANGE),
            ],
            21 * 2 + 7 + 1,
        ),
    ],
)
def test_what_is_tried_and_what_it_costs(
    monkeypatch: pytest.MonkeyPatch, sample: object, inside: list[object], copied: int
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(witnesses, "format_of", lambda schema_type: recorder)
    budget = Budget(20_000)
    assert find_witness(Side([sample]), Side(["simple", {"b": 2}]), LEVEL.BACKWARD, budget) is None
    strange = [value for value in STRANGE if value != sample]
    assert recorder.payloads == ["simple", {"b": 2}, *strange, *inside]
    assert budget.left == 20_000 - 20 * len(recorder.payloads) - copied


def test_wide_payloads_use_up_the_budget() -> None:
    wide = {f"p{number}": {"type": "integer"} for number in range(400)}
    budget = Budget(20_000)
    find_witness(json_schema(properties=wide), json_schema(properties=wide), LEVEL.BACKWARD, budget)
    assert budget.left < 0
