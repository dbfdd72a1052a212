"""Merging metadata, and equality up to the version marker."""

import pytest

from llm_schema_registry.contracts import Metadata, merge_metadata, same_but_for_version, without_version_marker

MARKER = "confluent:version"


def test_later_wins_per_key_and_sensitive_names_are_united() -> None:
    merged = merge_metadata(
        Metadata(tags={"a": ["x"], "b": ["y"]}, properties={"p": "1", "q": "1"}, sensitive=["p"]),
        Metadata(tags={"b": ["z"]}, properties={"q": "2"}, sensitive=["q"]),
    )
    assert merged == Metadata(tags={"a": ["x"], "b": ["z"]}, properties={"p": "1", "q": "2"}, sensitive=["p", "q"])


def test_nothing_is_neutral() -> None:
    some = Metadata(properties={"p": "1"})
    assert merge_metadata(None, some) is some
    assert merge_metadata(some, None) is some
    assert merge_metadata(None, None) is None
    assert merge_metadata(Metadata(), some) == some


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (None, None, True),
        (None, Metadata(), False),
        (None, Metadata(properties={MARKER: "1"}), True),
        (Metadata(properties={"k": "v", MARKER: "1"}), Metadata(properties={"k": "v"}), True),
        (Metadata(properties={"k": "v", MARKER: "1"}), Metadata(properties={"k": "w"}), False),
        (Metadata(properties={MARKER: "1"}), Metadata(properties={MARKER: "2"}), False),
        (Metadata(properties={MARKER: "1"}), Metadata(properties={MARKER: "1"}), True),
        (Metadata(tags={"a": ["x"]}, properties={MARKER: "1"}), Metadata(tags={"a": ["x"]}), True),
    ],
)
def test_the_marker_counts_only_when_both_carry_it(one: Metadata | None, other: Metadata | None, same: bool) -> None:
    assert same_but_for_version(one, other) is same
    assert same_but_for_version(other, one) is same


def test_without_marker() -> None:
    assert without_version_marker(Metadata(properties={MARKER: "1"})) is None
    assert without_version_marker(Metadata(properties={MARKER: "1", "k": "v"})) == Metadata(properties={"k": "v"})
    assert without_version_marker(Metadata()) == Metadata()
