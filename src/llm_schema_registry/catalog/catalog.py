"""The starter catalogue as values: subjects, schema texts, sample events, drift and next versions.

The content is package data. Names, types, units and enum values are facts of the modules that each schema names
in `x-source` (Protobuf: in its head comment).
"""

import enum
import graphlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from llm_schema_registry.formats import SchemaType

_SAMPLE = re.compile(r"(?P<stem>.+\.v\d+)\.(?P<avro>avro-)?(?P<verdict>valid|invalid|rule-violation)(?:-(?P<why>.+))?")


class RuleLevel(enum.StrEnum):
    """How much a broken rule weighs: STRICT refuses the event, WARN says it, MONITOR counts it."""

    STRICT = "STRICT"
    WARN = "WARN"
    MONITOR = "MONITOR"


class CatalogReference(msgspec.Struct, frozen=True):
    """A reference to a version of another subject of the catalogue."""

    name: str
    subject: str
    version: int


class CatalogRule(msgspec.Struct, frozen=True):
    """A CEL rule on events of a subject; the event is `message`, as the Confluent clients bind it."""

    name: str
    kind: str
    mode: str
    level: RuleLevel
    expr: str


class CatalogVersion(msgspec.Struct, frozen=True):
    """One version of a subject: the file of its schema below `schemas/`, and what it refers to."""

    file: str
    type: SchemaType
    references: list[CatalogReference] = []


class CatalogSubject(msgspec.Struct, frozen=True):
    """A subject with its versions, oldest first, and what is proposed for it.

    Attributes:
        subject: its name.
        versions: at least one.
        compatibility: the compatibility level.
        owner_team: who answers for it.
        tags: what it is about.
        criticality: `critical`, or empty.
        rules: what an event must also satisfy.
        topic: the Kafka topic that carries it, where the modules agree on one.
    """

    subject: str
    versions: list[CatalogVersion]
    compatibility: str
    owner_team: str
    tags: list[str]
    criticality: str = ""
    rules: list[CatalogRule] = []
    topic: str = ""


class Expectation(enum.StrEnum):
    """What a sample is there to show."""

    VALID = "valid"
    INVALID = "invalid"
    RULE_VIOLATION = "rule-violation"


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample event.

    Attributes:
        name: its name, without suffix.
        file: the schema it is a sample of.
        expectation: what the schema says of it; a rule violation is valid by structure.
        why: what is special or wrong, in words joined by hyphens; may be empty.
        text: its JSON text.
    """

    name: str
    file: str
    expectation: Expectation
    why: str
    text: str

    @property
    def value(self) -> Any:
        """The event as a JSON value."""
        return msgspec.json.decode(self.text)


class Drift(msgspec.Struct, frozen=True):
    """Another shape that the same ecosystem uses for an event of the catalogue: a JSON Schema.

    Attributes:
        name: its name.
        subject: the subject of the catalogue that describes the same event.
        sample: the name of a sample event that the two judge.
        story: who disagrees with whom.
        text: the schema.
    """

    name: str
    subject: str
    sample: str
    story: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Evolution:
    """A possible next version of a schema, and whether each compatibility level allows it."""

    name: str
    file: str
    text: str
    allowed: Mapping[str, bool]


class _Manifest(msgspec.Struct, frozen=True):
    about: str
    subjects: list[CatalogSubject]


class _Expected(msgspec.Struct, frozen=True):
    base: str
    meaning: str
    verdicts: dict[str, dict[str, bool | str]]


class Catalog:
    """The catalogue; `Catalog.load()` reads what ships with the package."""

    def __init__(self, root: Traversable) -> None:
        self._root = root
        manifest = msgspec.json.decode((root / "manifest.json").read_bytes(), type=_Manifest)
        self._subjects = {subject.subject: subject for subject in manifest.subjects}

    @classmethod
    def load(cls) -> "Catalog":
        """The catalogue of this package."""
        return cls(files(__package__) / "content")

    @cached_property
    def subjects(self) -> Sequence[CatalogSubject]:
        """Every subject; one that others refer to stands before them, otherwise in the manifest's order."""
        order = graphlib.TopologicalSorter(
            {
                name: {reference.subject for version in subject.versions for reference in version.references}
                for name, subject in self._subjects.items()
            }
        )
        return [self._subjects[name] for name in order.static_order()]

    def subject(self, name: str) -> CatalogSubject:
        """One subject; `KeyError` if the catalogue has none of that name."""
        return self._subjects[name]

    def schema_text(self, file: str) -> str:
        """The text of a schema, by the file name that a version or a sample gives."""
        return self._read("schemas", file)

    @cached_property
    def samples(self) -> Sequence[Sample]:
        """Every sample event, by name."""
        return [self._sample(entry) for entry in self._entries("samples")]

    def samples_of(self, file: str) -> list[Sample]:
        """The sample events of one schema file."""
        return [sample for sample in self.samples if sample.file == file]

    @cached_property
    def drift(self) -> Sequence[Drift]:
        """Shapes of the same events that really are in use and do not agree with the catalogue."""
        listed = msgspec.json.decode((self._root / "drift" / "drift.json").read_bytes(), type=list[Drift])
        return [msgspec.structs.replace(drift, text=self._read("drift", f"{drift.name}.json")) for drift in listed]

    @cached_property
    def evolutions(self) -> Sequence[Evolution]:
        """Possible next versions of `cost.token-usage`, with the verdict of the levels BACKWARD, FORWARD and FULL."""
        expected = msgspec.json.decode(self._read("evolution", "expected.json"), type=_Expected)
        return [
            Evolution(
                name,
                file := f"cost.token-usage.{name}.avsc",
                self._read("evolution", file),
                {level: allowed for level, allowed in verdict.items() if isinstance(allowed, bool)},
            )
            for name, verdict in expected.verdicts.items()
        ]

    def _entries(self, folder: str) -> list[Traversable]:
        return sorted((self._root / folder).iterdir(), key=lambda entry: entry.name)

    def _read(self, folder: str, name: str) -> str:
        return (self._root / folder / name).read_text(encoding="utf-8")

    def _sample(self, entry: Traversable) -> Sample:
        name = entry.name.removesuffix(".json")
        match = _SAMPLE.fullmatch(name)
        if match is None:
            raise ValueError(f"the sample {entry.name} is not named SCHEMA.vN.VERDICT[-why].json")
        avro = match["avro"] or match["verdict"] == Expectation.RULE_VIOLATION
        return Sample(
            name=name,
            file=f"{match['stem']}.{'avsc' if avro else 'json'}",
            expectation=Expectation(match["verdict"]),
            why=match["why"] or "",
            text=entry.read_text(encoding="utf-8"),
        )
