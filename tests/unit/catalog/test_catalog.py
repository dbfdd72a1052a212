"""What the starter catalogue holds, and that it holds together."""

import re
from pathlib import Path

import pytest

import llm_schema_registry.catalog as package
from llm_schema_registry.catalog import Catalog, CatalogSubject, Expectation, RuleLevel
from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.formats import SchemaType

CATALOG = Catalog.load()
CONTENT = Path(package.__file__).parent / "content"
SUFFIX = {SchemaType.AVRO: ".avsc", SchemaType.JSON: ".json", SchemaType.PROTOBUF: ".proto"}


def test_what_is_referred_to_comes_first() -> None:
    seen: set[str] = set()
    for subject in CATALOG.subjects:
        for version in subject.versions:
            assert {reference.subject for reference in version.references} <= seen
        seen.add(subject.subject)
    assert len(seen) == 29


def test_every_schema_file_belongs_to_one_version() -> None:
    named = sorted(version.file for subject in CATALOG.subjects for version in subject.versions)
    assert named == sorted(entry.name for entry in (CONTENT / "schemas").iterdir())


@pytest.mark.parametrize("subject", CATALOG.subjects, ids=lambda subject: subject.subject)
def test_a_subject_is_complete(subject: CatalogSubject) -> None:
    assert subject.versions
    assert subject.owner_team
    assert subject.tags
    assert CompatibilityLevel(subject.compatibility) is not CompatibilityLevel.NONE
    for version in subject.versions:
        assert version.file.endswith(SUFFIX[version.type])
        assert CATALOG.schema_text(version.file).strip()
    for rule in subject.rules:
        assert rule.level in RuleLevel
        assert "message." in rule.expr


def test_samples_name_their_schema_and_what_they_show() -> None:
    sample = next(sample for sample in CATALOG.samples if sample.expectation is Expectation.RULE_VIOLATION)
    assert (sample.name, sample.file) == ("cost.token-usage.v1.rule-violation-total", "cost.token-usage.v1.avsc")
    assert sample.why == "total"
    assert sample.value["total_tokens"] == 149
    assert sample in CATALOG.samples_of("cost.token-usage.v1.avsc")
    files = {version.file for subject in CATALOG.subjects for version in subject.versions}
    assert {sample.file for sample in CATALOG.samples} <= files


def test_drift_names_a_subject_and_a_sample() -> None:
    names = {sample.name for sample in CATALOG.samples}
    for drift in CATALOG.drift:
        assert CATALOG.subject(drift.subject).versions[0].type is SchemaType.JSON
        assert drift.sample in names
        assert drift.text
        assert drift.story


def test_evolutions_carry_verdicts() -> None:
    verdicts = {evolution.name: evolution.allowed for evolution in CATALOG.evolutions}
    assert verdicts["add-optional"] == {"BACKWARD": True, "FORWARD": True, "FULL": True}
    assert verdicts["add-required"] == {"BACKWARD": False, "FORWARD": True, "FULL": False}
    assert all(evolution.text for evolution in CATALOG.evolutions)


def test_an_unknown_subject_is_an_error() -> None:
    with pytest.raises(KeyError):
        CATALOG.subject("none")


def test_a_sample_whose_name_says_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"about": "", "subjects": []}')
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "odd.json").write_text("{}")
    with pytest.raises(ValueError, match=re.escape("odd.json is not named")):
        _ = Catalog(tmp_path).samples
