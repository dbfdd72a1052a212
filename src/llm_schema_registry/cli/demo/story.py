"""The steps of the demonstration: each says what happened, and fails if it is not what should happen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_schema_registry.catalog import Catalog, Drift, Expectation, Sample
from llm_schema_registry.cli import registry_session
from llm_schema_registry.cli.catalog_install import install
from llm_schema_registry.cli.checks import judge_schema
from llm_schema_registry.cli.demo.confluent import require_client, round_trips
from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.registry_session import with_client
from llm_schema_registry.cli.reporting import finding_lines
from llm_schema_registry.cli.schema_files import SchemaFile
from llm_schema_registry.client import RegistryClient, RegistryError, SchemaRequest, ValidationResult
from llm_schema_registry.compatibility import CompatibilityLevel, Policy
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats import SchemaType

if TYPE_CHECKING:
    from rich.text import Text

_SHOWN = 3
_EVOLVING = "cost.token-usage"
_DRIFT = "telemetry.inference.sentinel-view"
Lines = Iterator["str | Text"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demonstration takes place: the registry's URL, and the catalogue."""

    url: str
    catalog: Catalog


def _expect(fulfilled: bool, what: str) -> None:
    if not fulfilled:
        raise CliError(f"the demonstration expected that {what}", exit_code=ExitCode.FINDINGS)


def install_catalogue(stage: Stage) -> Lines:
    """The starter catalogue, twice: the second time changes nothing."""
    first = with_client(stage.url, lambda client: install(client, stage.catalog))
    again = with_client(stage.url, lambda client: install(client, stage.catalog))
    registered = sum(len(one.registered) for one in first)
    _expect(registered == sum(len(one.versions) for one in stage.catalog.subjects), "every schema is new")
    _expect(not any(one.registered or one.level_set for one in again), "installing again changes nothing")
    rules = sum(len(one.rules) for one in stage.catalog.subjects)
    yield f"{len(first)} subjects, {registered} schemas in Avro, JSON Schema and Protobuf, {rules} rules."
    yield "Installed again: nothing new."


def use_confluent_client(stage: Stage) -> Lines:
    """A producer and a consumer with the client that everybody has."""
    yield f"confluent-kafka {require_client()}:"
    for trip in round_trips(stage.url, stage.catalog):
        _expect(trip.same, f"a {trip.schema_type} event is read back as it was written")
        yield f"{trip.schema_type:<8}  {trip.subject}: {trip.size} bytes with schema id {trip.schema_id}, read back"


def change_safely(stage: Stage) -> Lines:
    """A next version that everybody can live with."""
    registered = with_client(stage.url, lambda client: client.register(_EVOLVING, _variant(stage, "add-optional")))
    _expect(registered.version == 2, f"the next version of {_EVOLVING} is 2")
    yield f"{_EVOLVING} gets an optional field: version {registered.version}, id {registered.id}."


def refuse_unsafe_change(stage: Stage) -> Lines:
    """A next version that would break consumers, and why."""

    async def conversation(client: RegistryClient) -> RegistryError | None:
        try:
            await client.register(_EVOLVING, _variant(stage, "add-required"))
        except RegistryError as error:
            return error
        return None

    refusal = with_client(stage.url, conversation)
    if refusal is None:
        raise CliError(f"{_EVOLVING} took a new required field", exit_code=ExitCode.FINDINGS)
    _expect(refusal.status == 409, "the refusal is a conflict")
    _expect(bool(refusal.findings), "the refusal says why")
    yield f"{_EVOLVING} with a new required field: refused ({refusal.error_code})."
    yield from _shown(refusal.findings)


def judge_samples(stage: Stage) -> Lines:
    """Events from the catalogue: good ones pass, bad ones are located."""
    results = with_client(stage.url, lambda client: _validate_all(client, stage.catalog))
    bad = []
    for sample, result in results:
        if sample.expectation is Expectation.VALID:
            _expect(result.valid, f"{sample.name} is valid")
        elif sample.expectation is Expectation.INVALID:
            _expect(not result.valid and bool(result.errors), f"{sample.name} is invalid, with reasons")
            bad.append((sample, result.errors[0]))
    good = sum(sample.expectation is Expectation.VALID for sample, _ in results)
    yield f"{good} good events pass, {len(bad)} bad ones are located, for example:"
    for sample, finding in bad[:_SHOWN]:
        yield f"  {sample.name}: {finding.code} at {finding.path or '/'}"


def name_drift(stage: Stage) -> Lines:
    """Two modules that disagree about one event, found before it costs anything."""
    drift = next(drift for drift in stage.catalog.drift if drift.name == _DRIFT)
    yield drift.story
    yield from with_client(stage.url, lambda client: _drift(client, stage, drift))


STEPS: tuple[tuple[str, Callable[[Stage], Lines]], ...] = (
    ("The starter catalogue", install_catalogue),
    ("The unmodified Confluent client", use_confluent_client),
    ("A safe change", change_safely),
    ("An unsafe change", refuse_unsafe_change),
    ("Sample events", judge_samples),
    ("Drift", name_drift),
)


async def _validate_all(client: RegistryClient, catalog: Catalog) -> list[tuple[Sample, ValidationResult]]:
    versions = {
        version.file: (subject.subject, number)
        for subject in catalog.subjects
        for number, version in enumerate(subject.versions, 1)
    }
    results = []
    for sample in catalog.samples:
        subject, number = versions[sample.file]
        results.append((sample, await client.validate(subject, sample.value, number)))
    return results


async def _drift(client: RegistryClient, stage: Stage, drift: Drift) -> "list[str | Text]":
    other = f"drift.{drift.name}"
    await client.register(other, SchemaRequest(drift.text, SchemaType.JSON))
    writer = await registry_session.parsed(client, await client.version(drift.subject))
    reader = await registry_session.parsed(client, await client.version(other))
    file = SchemaFile("", other, SchemaType.JSON, drift.text)
    item = judge_schema(file, reader, [(1, writer)], CompatibilityLevel.BACKWARD, Policy.LENIENT)
    _expect(bool(item.findings), f"{other} cannot read what {drift.subject} writes")
    sample = next(sample for sample in stage.catalog.samples if sample.name == drift.sample)
    by_writer = await client.validate(drift.subject, sample.value)
    by_reader = await client.validate(other, sample.value)
    _expect(by_writer.valid and not by_reader.valid, f"only one of the two takes {sample.name}")
    examples = {finding.code: finding for finding in reversed(item.findings)}.values()
    return [
        f"Reader {other}, writer {drift.subject}: {len(item.findings)} incompatible differences, for example:",
        *_shown(tuple(examples)[:_SHOWN]),
        f"So one real event is valid for the writer and has {len(by_reader.errors)} errors for the reader.",
    ]


def _variant(stage: Stage, name: str) -> SchemaRequest:
    return SchemaRequest(next(one.text for one in stage.catalog.evolutions if one.name == name))


def _shown(findings: tuple[Finding, ...]) -> "list[Text]":
    return [line for finding in findings for line in finding_lines(finding)]
