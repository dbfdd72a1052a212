"""Profiles in a verdict: what one refuses, what it only warns of, and where it is not asked."""

import pytest

from llm_schema_registry.compatibility import CompatibilityLevel, Profile, Verdict, check
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.core.findings import Severity
from llm_schema_registry.formats import SchemaType, format_of

P3 = 'syntax = "proto3"; '


def proto(fields, **options):
    return format_of(SchemaType.PROTOBUF).parse(f"{P3} message M {{ {fields} }}", **options)


A, B, GONE, RETYPED = (
    proto("int32 a = 1;"),
    proto("int32 b = 1;"),
    proto('reserved 1; reserved "a";'),
    proto("string a = 1;"),
)
BACKWARD = CompatibilityLevel.BACKWARD


@pytest.mark.parametrize(
    ("candidate", "profile", "compatible"),
    [
        (B, Profile.CONFLUENT, True),
        (B, Profile.WIRE, True),
        (B, Profile.WIRE_JSON, False),
        (B, Profile.SOURCE, False),
        (GONE, Profile.WIRE_JSON, True),
        (GONE, Profile.SOURCE, False),
        (RETYPED, Profile.CONFLUENT, False),
        (RETYPED, Profile.WIRE, False),
        (A, Profile.SOURCE, True),
    ],
)
def test_a_profile_decides(candidate, profile, compatible):
    verdict = check(candidate, [(1, A)], BACKWARD, profile=profile)
    assert verdict.compatible is compatible
    assert verdict.against_version == (None if compatible else 1)
    assert bool(verdict.findings) is not compatible
    assert all(finding.severity is Severity.ERROR for finding in verdict.findings)


def test_a_refusal_says_what_breaks_and_for_whom():
    verdict = check(B, [(4, A)], BACKWARD, profile=Profile.WIRE_JSON)
    (finding,) = verdict.findings
    assert (finding.code, finding.path, finding.old, finding.new) == ("protobuf.FIELD_SAME_NAME", "#/M/1", "a", "b")
    assert finding.message == (
        "The field at path '#/M/1' was called a and is called b. JSON that was written before has the field under its "
        "old name, and so has code. This breaks WIRE_JSON and SOURCE (version 4)."
    )
    assert (finding.fix, finding.docs) == ("Keep the name.", "reference/findings/protobuf.md#field_same_name")
    assert verdict.messages == (
        f'{{errorType:"FIELD_SAME_NAME", description:"{finding.message}"}}',
        "{oldSchemaVersion: 4}",
        "{oldSchema: '" + A.canonical + "'}",
    )


def test_a_refusal_names_all_profiles_that_it_breaks():
    (finding,) = check(proto("sint32 a = 1;"), [(4, A)], BACKWARD, profile=Profile.WIRE).findings[1:]
    assert finding.message.endswith(" This breaks WIRE, WIRE_JSON and SOURCE (version 4).")


def test_the_rules_of_the_level_come_first_and_the_old_schema_last():
    verdict = check(RETYPED, [(1, A)], BACKWARD, profile=Profile.WIRE)
    assert [finding.code for finding in verdict.findings] == [
        "protobuf.FIELD_SCALAR_KIND_CHANGED",
        "protobuf.FIELD_WIRE_COMPATIBLE_TYPE",
    ]
    assert [message[:20] for message in verdict.messages] == [
        '{errorType:"FIELD_SC',
        '{errorType:"FIELD_WI',
        "{oldSchemaVersion: 1",
        "{oldSchema: 'syntax ",
    ]


@pytest.mark.parametrize("profile", [Profile.CONFLUENT, Profile.WIRE])
def test_what_does_not_decide_is_a_warning_where_it_is_asked_for(profile):
    verdict = check(B, [(2, A), (1, A)], CompatibilityLevel.FULL_TRANSITIVE, profile=profile, annotate=True)
    assert verdict.compatible
    assert verdict.messages == ()
    (warning,) = verdict.findings
    assert (warning.code, warning.severity, warning.against_version) == (
        "protobuf.FIELD_SAME_NAME",
        Severity.WARNING,
        2,
    )
    assert check(B, [(2, A)], BACKWARD, profile=profile) == Verdict()


def test_what_is_refused_needs_no_warning():
    verdict = check(
        proto("string b = 1; int32 c = 2;"), [(1, proto("int32 a = 1; int32 d = 2;"))], BACKWARD, annotate=True
    )
    assert [(finding.code, finding.severity) for finding in verdict.findings] == [
        ("protobuf.FIELD_SCALAR_KIND_CHANGED", Severity.ERROR),
        ("protobuf.FIELD_SAME_NAME", Severity.WARNING),
    ]
    assert verdict.findings[1].path == "#/M/2"
    assert not any("FIELD_SAME_NAME" in message for message in verdict.messages)


def test_without_annotation_there_are_no_warnings():
    verdict = check(
        proto("string b = 1; int32 c = 2;"), [(1, proto("int32 a = 1; int32 d = 2;"))], BACKWARD, profile=Profile.WIRE
    )
    assert [(finding.path, finding.severity) for finding in verdict.findings] == [("#/M/1", Severity.ERROR)] * 2


def test_an_error_is_told_once():
    assert len(check(B, [(1, A)], BACKWARD, profile=Profile.SOURCE, annotate=True).findings) == 1


def test_who_does_not_ask_does_not_pay():
    assert check(B, [(1, A)], BACKWARD, budget=Budget(10)) == Verdict()
    with pytest.raises(BudgetExceededError):
        check(B, [(1, A)], BACKWARD, budget=Budget(10), profile=Profile.WIRE)


def test_later_versions_of_the_history_decide_too():
    verdict = check(B, [(2, B), (1, A)], CompatibilityLevel.BACKWARD_TRANSITIVE, profile=Profile.SOURCE, annotate=True)
    assert verdict.against_version == 1


def test_without_a_promise_nothing_is_asked():
    assert check(B, [(1, A)], CompatibilityLevel.NONE, profile=Profile.SOURCE, annotate=True) == Verdict()


def test_formats_without_profiles_and_other_formats():
    avro = format_of(SchemaType.AVRO)
    one, other = avro.parse('{"type":"enum","name":"E","symbols":["A"]}'), avro.parse('"string"')
    assert check(one, [(1, one)], BACKWARD, profile=Profile.SOURCE, annotate=True) == Verdict()
    verdict = check(A, [(1, other)], BACKWARD, profile=Profile.SOURCE, annotate=True)
    assert [finding.code for finding in verdict.findings] == ["schema.DIFFERENT_TYPE"]


def test_a_version_that_does_not_compile_any_more():
    broken = format_of(SchemaType.PROTOBUF).parse("message M { Unknown a = 2; }", strict=False)
    refused = check(A, [(1, broken)], BACKWARD, profile=Profile.WIRE)
    assert [finding.code for finding in refused.findings] == ["schema.PROFILE_NOT_CHECKED"]
    assert not refused.compatible
    assert refused.findings[0].message == (
        'Version 1 cannot be compared by profile, since its compiler refuses it: 3:3: "Unknown" is not defined.'
    )
    blamed = check(broken, [(1, A)], BACKWARD, profile=Profile.WIRE).findings[-1]
    assert (blamed.code, blamed.against_version) == ("schema.PROFILE_NOT_CHECKED", 1)
    assert blamed.message.startswith("The new schema cannot be compared by profile, since its compiler refuses it: ")
    assert blamed.fix != refused.findings[0].fix
    warned = check(A, [(1, broken)], BACKWARD, annotate=True)
    assert warned.compatible
    assert [finding.severity for finding in warned.findings] == [Severity.WARNING]
