"""The verdict over a history: directions, order of messages, policies, what is said."""

import json
from dataclasses import replace

import pytest

from llm_schema_registry.compatibility import DIFFERENT_TYPE, CompatibilityLevel, Policy, Verdict, check
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.core.findings import Severity
from llm_schema_registry.formats import (
    Certainty,
    Difference,
    DifferenceType,
    Impact,
    ParsedSchema,
    SchemaType,
    format_of,
)


def avro(*fields: tuple[str, object]) -> ParsedSchema:
    names = [{"name": name, "type": kind} for name, kind in fields]
    return format_of(SchemaType.AVRO).parse(json.dumps({"type": "record", "name": "R", "fields": names}))


def json_schema(**schema: object) -> ParsedSchema:
    return format_of(SchemaType.JSON).parse(json.dumps(schema))


A, B, AB = avro(("a", "string")), avro(("b", "string")), avro(("a", "string"), ("b", "string"))


@pytest.mark.parametrize(
    ("level", "candidate", "previous", "compatible"),
    [
        ("BACKWARD", A, AB, True),
        ("BACKWARD", AB, A, False),
        ("FORWARD", A, AB, False),
        ("FORWARD", AB, A, True),
        ("FULL", A, AB, False),
        ("FULL", AB, A, False),
        ("FULL", A, A, True),
        ("NONE", A, B, True),
    ],
)
def test_directions(level: str, candidate: ParsedSchema, previous: ParsedSchema, compatible: bool) -> None:
    verdict = check(candidate, [(1, previous)], CompatibilityLevel(level))
    assert verdict.compatible is compatible
    assert bool(verdict.findings) is not compatible
    assert verdict.against_version == (None if compatible else 1)


def test_levels_as_data() -> None:
    assert {level: (tuple(level.directions), level.transitive) for level in CompatibilityLevel} == {
        "NONE": ((), False),
        "BACKWARD": (("BACKWARD",), False),
        "BACKWARD_TRANSITIVE": (("BACKWARD",), True),
        "FORWARD": (("FORWARD",), False),
        "FORWARD_TRANSITIVE": (("FORWARD",), True),
        "FULL": (("FORWARD", "BACKWARD"), False),
        "FULL_TRANSITIVE": (("FORWARD", "BACKWARD"), True),
    }


def test_full_reports_forward_before_backward_and_then_the_old_schema() -> None:
    verdict = check(B, [(7, A)], CompatibilityLevel.FULL)
    missing = (
        "{{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field '{}' at path '/fields/0' in the {} "
        "schema has no default value and is missing in the {} schema', additionalInfo:'{}'}}"
    )
    assert verdict.messages == (
        missing.format("a", "old", "new", "a"),
        missing.format("b", "new", "old", "b"),
        "{oldSchemaVersion: 7}",
        "{oldSchema: '" + A.canonical + "'}",
    )
    assert [(finding.direction, finding.path) for finding in verdict.findings] == [
        ("FORWARD", "/fields/0"),
        ("BACKWARD", "/fields/0"),
    ]


def test_the_first_failing_version_ends_the_check() -> None:
    verdict = check(AB, [(3, AB), (2, A), (1, B)], CompatibilityLevel.BACKWARD_TRANSITIVE)
    assert verdict.against_version == 2
    assert "{oldSchemaVersion: 2}" in verdict.messages
    assert check(AB, [(3, AB)], CompatibilityLevel.BACKWARD).compatible


def test_long_old_schemas_are_cut() -> None:
    old = avro(*((f"field_{number}", "string") for number in range(400)))
    assert len(old.canonical) > 10_240
    verdict = check(AB, [(1, old)], CompatibilityLevel.BACKWARD)
    assert verdict.messages[-1] == "{oldSchema: <truncated> '" + old.canonical[:10_240] + "...'}"


@pytest.mark.parametrize(("more", "cut"), [(0, False), (1, True)])
def test_old_schemas_of_the_limit_are_not_cut(more: int, cut: bool) -> None:
    short = avro(("a" * 9_000, "string"))
    old = avro(("a" * (9_000 + 10_240 - len(short.canonical) + more), "string"))
    assert len(old.canonical) == 10_240 + more
    assert ("<truncated>" in check(AB, [(1, old)], CompatibilityLevel.BACKWARD).messages[-1]) is cut


def test_another_format_is_never_compatible_but_under_none() -> None:
    other = json_schema(type="object")
    verdict = check(other, [(1, A)], CompatibilityLevel.BACKWARD)
    assert verdict.messages == (DIFFERENT_TYPE,) == ("Incompatible because of different schema type",)
    assert (verdict.findings[0].code, verdict.findings[0].old, verdict.findings[0].new) == (
        "schema.DIFFERENT_TYPE",
        "AVRO",
        "JSON",
    )
    assert verdict.findings[0].message == (
        "Version 1 is AVRO, this schema is JSON. Consumers of a subject decode every version in one format."
    )
    assert check(other, [(1, A)], CompatibilityLevel.NONE).compatible


def test_another_format_anywhere_in_the_history_is_all_that_is_said() -> None:
    history = [(3, B), (2, json_schema(type="object")), (1, A)]
    verdict = check(A, history, CompatibilityLevel.FULL_TRANSITIVE)
    assert (verdict.messages, verdict.against_version) == ((DIFFERENT_TYPE,), 2)
    assert check(A, history, CompatibilityLevel.NONE).compatible


def test_differences_that_break_nothing_are_not_reported() -> None:
    old, new = json_schema(type="integer", title="Count"), json_schema(type="number", title="Number")
    assert check(new, [(1, old)], CompatibilityLevel.BACKWARD) == Verdict()
    (finding,) = check(new, [(1, old)], CompatibilityLevel.FORWARD).findings
    assert finding.code == "json.TYPE_NARROWED"


def test_policies_go_by_their_names_on_the_wire() -> None:
    assert {policy.name: policy.value for policy in Policy} == {
        "STRICT": "STRICT",
        "LENIENT": "LENIENT",
        "EXACT": "EXACT",
    }


def test_the_policy_decides_about_open_content_models() -> None:
    old = json_schema(type="object", properties={"a": {"type": "string"}})
    new = json_schema(type="object", properties={"a": {"type": "string"}, "b": {"type": "string"}})
    strict = check(new, [(1, old)], CompatibilityLevel.BACKWARD)
    assert [finding.code for finding in strict.findings] == ["json.OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"]
    assert check(new, [(1, old)], CompatibilityLevel.BACKWARD, Policy.LENIENT).compatible


def test_the_policy_decides_inside_combined_schemas_too() -> None:
    def nullable(*names: str) -> ParsedSchema:
        model = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        return json_schema(anyOf=[model, {"type": "null"}])

    history = [(1, nullable("a"))]
    assert not check(nullable("a", "b"), history, CompatibilityLevel.BACKWARD).compatible
    assert check(nullable("a", "b"), history, CompatibilityLevel.BACKWARD, Policy.LENIENT).compatible


def test_a_finding_says_what_where_why_and_the_way_out() -> None:
    new = avro(("a", "int"))
    (finding,) = check(new, [(4, A)], CompatibilityLevel.BACKWARD).findings
    assert finding.code == "avro.TYPE_MISMATCH"
    assert finding.path == "/fields/0/type"
    assert (finding.old, finding.new) == ("string", "int")
    assert (finding.direction, finding.against_version) == ("BACKWARD", 4)
    assert finding.message == (
        "The type (path '/fields/0/type') of a field in the new schema does not match with the old schema. "
        + format_of(SchemaType.AVRO).difference_types["TYPE_MISMATCH"].why
        + " Consumers with the new schema could not read data written with the old one (version 4)."
    )
    assert finding.fix
    assert finding.docs == "reference/findings/avro.md#type_mismatch"
    (forward,) = check(new, [(4, A)], CompatibilityLevel.FORWARD).findings
    assert (forward.old, forward.new) == ("string", "int")
    assert forward.message.endswith(
        "Consumers that still have the old schema could not read data written with the new one (version 4)."
    )


def test_work_is_bounded() -> None:
    with pytest.raises(BudgetExceededError):
        check(AB, [(1, A)], CompatibilityLevel.BACKWARD, budget=Budget(1))


@pytest.mark.parametrize(("kind", "sides"), [("new", ("a: int", None)), ("old", (None, "a: int"))])
def test_a_side_that_is_missing_is_left_out(kind: str, sides: tuple[str | None, str | None]) -> None:
    with_field, without = avro(("a", "int")), avro()
    level, pair = (
        (CompatibilityLevel.BACKWARD, (with_field, without))
        if kind == "new"
        else (CompatibilityLevel.FORWARD, (without, with_field))
    )
    (finding,) = check(pair[0], [(1, pair[1])], level).findings
    assert (finding.new, finding.old) == sides


def test_no_history_is_compatible() -> None:
    assert check(A, [], CompatibilityLevel.FULL_TRANSITIVE) == Verdict()


DOUBTFUL = DifferenceType("DOUBTFUL", Impact.WARNING, "The {reader} schema differs at path '{path}'", "It may matter.")
BROKEN = DifferenceType("BROKEN", Impact.INCOMPATIBLE, "The {reader} schema differs at path '{path}'", "It matters.")


@pytest.fixture
def difference_types(monkeypatch: pytest.MonkeyPatch) -> list[DifferenceType]:
    """The types of the differences that every comparison finds, to be filled by the test."""
    types: list[DifferenceType] = []

    class Scripted:
        def compare(self, *_: object, **__: object) -> list[Difference]:
            return [Difference(each, "/a") for each in types]

        def describe(self, difference: Difference, reader: str, writer: str) -> str:
            return f"{difference.type.name} {reader} {writer}"

    monkeypatch.setattr("llm_schema_registry.compatibility.verdict.format_of", lambda _: Scripted())
    return types


@pytest.mark.parametrize("policy", Policy)
def test_a_warning_never_decides_and_is_reported_where_findings_are_shown(
    difference_types: list[DifferenceType], policy: Policy
) -> None:
    difference_types.append(DOUBTFUL)
    assert check(A, [(3, B)], CompatibilityLevel.BACKWARD, policy) == Verdict()
    verdict = check(A, [(3, B), (2, AB)], CompatibilityLevel.FULL_TRANSITIVE, policy, annotate=True)
    assert verdict.compatible
    assert (verdict.messages, verdict.against_version) == ((), None)
    assert [(each.code, each.severity, each.direction, each.against_version) for each in verdict.findings] == [
        ("avro.DOUBTFUL", Severity.WARNING, "FORWARD", 3),
        ("avro.DOUBTFUL", Severity.WARNING, "BACKWARD", 3),
    ]
    assert verdict.findings[0].message == (
        "The old schema differs at path '/a'. It may matter. Consumers that still have the old schema may misread data "
        "written with the new one (version 3)."
    )


def test_a_refusal_reports_its_warnings_after_its_errors(difference_types: list[DifferenceType]) -> None:
    difference_types += [DOUBTFUL, BROKEN]
    verdict = check(A, [(3, B)], CompatibilityLevel.BACKWARD)
    assert [(each.code, each.severity) for each in verdict.findings] == [
        ("avro.BROKEN", Severity.ERROR),
        ("avro.DOUBTFUL", Severity.WARNING),
    ]
    assert verdict.messages[0] == "BROKEN new old"
    assert verdict.messages[1].startswith("{oldSchemaVersion: 3}")


def test_the_reason_may_name_what_was_found() -> None:
    old, new = json_schema(oneOf=[{"type": "string"}]), json_schema(oneOf=[{"type": "boolean"}])
    (finding,) = check(new, [(1, old)], CompatibilityLevel.BACKWARD).findings
    assert "differ by TYPE_CHANGED (writer: string, reader: boolean)." in finding.message
    assert "{detail}" not in finding.message


@pytest.mark.parametrize(
    ("certainty", "consequence"),
    [
        (Certainty.CERTAIN, "Consumers with the new schema could not read data written with the old one"),
        (Certainty.POSSIBLE, "Consumers with the new schema may be unable to read data written with the old one"),
        (
            Certainty.NONE,
            "No payload is known that breaks; the policy STRICT counts the change as incompatible by rule",
        ),
    ],
)
def test_a_refusal_claims_no_more_than_is_certain(
    difference_types: list[DifferenceType], certainty: Certainty, consequence: str
) -> None:
    difference_types.append(replace(BROKEN, certainty=certainty))
    verdict = check(A, [(3, B)], CompatibilityLevel.BACKWARD)
    assert not verdict.compatible
    assert verdict.findings[0].message == f"The new schema differs at path '/a'. It matters. {consequence} (version 3)."
    assert verdict.messages[0] == "BROKEN new old"


def many(kind, count, name="p"):
    properties = {f"{name}{number}": {"type": kind} for number in range(count)}
    return format_of(SchemaType.JSON).parse(json.dumps({"type": "object", "properties": properties}))


@pytest.mark.parametrize("count", [999, 1000])
def test_a_refusal_of_ordinary_size_is_complete(count):
    verdict = check(many("string", count), [(1, many("integer", count))], CompatibilityLevel.BACKWARD)
    assert (len(verdict.findings), len(verdict.messages)) == (count, count + 2)
    assert not any("omitted" in message for message in verdict.messages)


def test_a_refusal_is_bounded_and_gives_the_number_of_what_is_omitted():
    verdict = check(many("string", 3000), [(1, many("integer", 3000))], CompatibilityLevel.BACKWARD)
    assert len(verdict.findings) == 1001
    assert verdict.findings[-1].code == "schema.FINDINGS_OMITTED"
    assert verdict.findings[-1].message.startswith("2000 more findings are omitted")
    assert verdict.messages[1000] == "{omittedIncompatibilities: 2000}"
    assert verdict.messages[1001] == "{oldSchemaVersion: 1}"
    assert not verdict.compatible


def test_a_refusal_is_bounded_in_characters():
    long = "p" * 10_000
    verdict = check(many("string", 200, long), [(1, many("integer", 200, long))], CompatibilityLevel.BACKWARD)
    assert sum(map(len, verdict.messages)) < 1_100_000
    assert verdict.messages[-3].startswith("{omittedIncompatibilities: 1")
    assert verdict.findings[-1].code == "schema.FINDINGS_OMITTED"


def test_a_finding_in_several_places_is_one_finding_and_several_messages():
    def schema(kind):
        places = {name: {"$ref": "#/definitions/t"} for name in ("deep", "a", "b")}
        definitions = {"t": {"type": "object", "properties": {"x": {"type": kind}}}}
        text = json.dumps({"definitions": definitions, "type": "object", "properties": places})
        return format_of(SchemaType.JSON).parse(text)

    verdict = check(schema("string"), [(1, schema("integer"))], CompatibilityLevel.BACKWARD)
    (finding,) = verdict.findings
    assert (finding.path, finding.places) == ("#/properties/a/properties/x", 3)
    assert finding.message.endswith("3 places are affected; this is the shortest path.")
    assert len(verdict.messages) == 3 + 2
