"""Samples, readings and witnesses on random Protobuf schemas, and what profiles say of their changes."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_schema_registry.compatibility import CompatibilityLevel, Profile, check
from llm_schema_registry.compatibility.witnesses import find_witness
from llm_schema_registry.core.findings import Severity
from llm_schema_registry.formats import Impact, InvalidSchemaError, Outcome
from llm_schema_registry.formats.protobuf import FORMAT
from property.protobuf_schemas import changed, schema, text

bounded = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    derandomize=True,
)
randoms = st.randoms(use_true_random=False)
# Payloads of the old schema are read by the new one although these are against the rules: a required field that is
# gone and a member of a oneof are kept as unknown, a number becomes a list of one, messages may differ by name only.
READABLE = {
    "PACKAGE_CHANGED",
    "REQUIRED_FIELD_REMOVED",
    "ONEOF_FIELD_REMOVED",
    "FIELD_NUMERIC_LABEL_CHANGED",
    "FIELD_NAMED_TYPE_CHANGED",
}


def pair(random):
    """Two versions of a random schema, `None` if one of them is no schema."""
    old = schema(random)
    try:
        return FORMAT.parse(text(old)), FORMAT.parse(text(changed(old, random)))
    except InvalidSchemaError:
        return None


def broken_rules(reader, writer):
    return {item.type.name for item in FORMAT.compare(reader, writer) if item.type.impact is Impact.INCOMPATIBLE}


@bounded
@given(randoms)
def test_samples_survive_their_own_schema(random):
    versions = pair(random)
    if versions is None:
        return
    for version in versions:
        validator = FORMAT.validator(version)
        for value in FORMAT.samples(version):
            assert validator.check_value(value) == []
            assert FORMAT.read(version, version, value).outcome is Outcome.READ


@bounded
@given(randoms)
def test_what_breaks_payloads_has_a_witness(random):
    versions = pair(random)
    if versions is None:
        return
    old, new = versions
    witness = find_witness(new, old, CompatibilityLevel.BACKWARD)
    if broken_rules(new, old) - READABLE:
        assert witness is not None
    if witness is not None:
        again = FORMAT.read(new, old, witness.payload)
        assert again == witness.reading
        assert again.problem


@bounded
@given(randoms)
def test_each_profile_refuses_what_the_laxer_ones_refuse(random):
    versions = pair(random)
    if versions is None:
        return
    old, new = versions
    verdicts = [
        check(new, [(1, old)], CompatibilityLevel.BACKWARD, profile=profile, annotate=True) for profile in Profile
    ]
    for laxer, stricter in itertools.pairwise(verdicts):
        assert laxer.compatible or not stricter.compatible
        assert set(laxer.messages[:-2]) <= set(stricter.messages)
    for verdict in verdicts:
        errors = [finding for finding in verdict.findings if finding.severity is Severity.ERROR]
        assert len(errors) == max(0, len(verdict.messages) - 2)


@pytest.mark.parametrize("kind", ["int32", "string", "M"])
@bounded
@given(randoms)
def test_added_fields_break_no_profile(kind, random):
    old = schema(random)
    grown = text(old).replace("message M0 {", f"message M0 {{\noptional {kind.replace('M', 'M1')} grown = 100;")
    try:
        writer, reader = FORMAT.parse(text(old)), FORMAT.parse(grown)
    except InvalidSchemaError:
        return
    assert FORMAT.profile_differences(reader, writer) == []
    assert {item.rule.name for item in FORMAT.profile_differences(writer, reader)} == {
        "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED"
    }
