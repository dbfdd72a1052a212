"""`lsr check`: may this schema follow the older ones?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.options import MaxSteps, OptionalRegistry, Report, Type, Witness
from llm_schema_registry.cli.reporting.formats import OutputFormat
from llm_schema_registry.compatibility.levels import CompatibilityLevel, DuplicateKeys, LogicalTypes, Policy
from llm_schema_registry.formats.format import SchemaType
from llm_schema_registry.formats.profiles import Profile

if TYPE_CHECKING:
    from llm_schema_registry.cli.reporting import Item
    from llm_schema_registry.cli.schema_files import SchemaFile
    from llm_schema_registry.client import RegistryClient
    from llm_schema_registry.formats import Dependency, ParsedSchema


@dataclass(frozen=True, slots=True)
class _Terms:
    """On what terms to compare; `None` leaves it to the default or to the registry.

    `witness`: payloads that break are shown.
    """

    given_level: CompatibilityLevel | None
    policy: Policy | None
    profile: Profile | None
    logical_types: LogicalTypes | None
    duplicate_keys: DuplicateKeys | None
    schema_type: SchemaType | None
    references: tuple[str, ...]
    steps: int
    witness: bool

    @property
    def level(self) -> CompatibilityLevel:
        """The level of a comparison offline."""
        return self.given_level or CompatibilityLevel.BACKWARD


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="OLD and NEW: two files or two directories; or NEW alone and a registry."),
    ],
    registry: OptionalRegistry = None,
    subject: Annotated[
        str | None, typer.Option(help="The subject to compare with; else the file's name without suffix.")
    ] = None,
    level: Annotated[
        CompatibilityLevel | None,
        typer.Option(case_sensitive=False, help="Compatibility level. Default: the registry's, or BACKWARD offline."),
    ] = None,
    mode: Annotated[
        CompatibilityLevel | None,
        typer.Option(case_sensitive=False, hidden=True, help="Deprecated name of --level."),
    ] = None,
    policy: Annotated[
        Policy | None,
        typer.Option(case_sensitive=False, help="How JSON Schemas are compared: by rules, or by proof (EXACT)."),
    ] = None,
    profile: Annotated[
        Profile | None,
        typer.Option(case_sensitive=False, help="What a Protobuf change must not break either."),
    ] = None,
    logical_types: Annotated[
        LogicalTypes | None,
        typer.Option(case_sensitive=False, help="What a change of an Avro logical type is: a warning, or an error."),
    ] = None,
    duplicate_keys: Annotated[
        DuplicateKeys | None,
        typer.Option(
            case_sensitive=False,
            help="What a duplicate key in a JSON Schema is: a warning, or an error. Default: the registry's config, or "
            "error.",
        ),
    ] = None,
    schema_type: Type = None,
    references: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            metavar="NAME=TARGET",
            help="Referenced schemas, dependencies first: a file, or SUBJECT@VERSION with a registry.",
        ),
    ] = None,
    max_steps: MaxSteps = 0,
    witness: Witness = False,
    output: Report = OutputFormat.TEXT,
) -> None:
    """Check a schema for compatibility with earlier versions.

    If it is incompatible: what changed, where, who breaks, how to fix it. Offline between two files, or two
    directories whose files are paired by name; or against a registry, where a file stands for the subject of its
    name. Nothing is registered.
    """
    from llm_schema_registry.cli.reporting import Report as Result
    from llm_schema_registry.cli.reporting import render

    if len(paths) > 2:
        raise CliError(f"{len(paths)} paths are too many", "Name OLD and NEW, or NEW alone with a registry.")
    terms = _Terms(
        level or mode,
        policy,
        profile,
        logical_types,
        duplicate_keys,
        schema_type,
        tuple(references or ()),
        max_steps,
        witness,
    )
    if len(paths) == 2:
        if subject is not None:
            raise CliError(
                f"--subject {subject} asks a registry, but OLD and NEW are compared offline",
                "Name NEW alone to compare it with a subject.",
            )
        items = _offline(paths[0], paths[1], terms)
    else:
        items = _against_registry(paths[0], registry, subject, terms)
    result = Result("check", "schemas", tuple(items))
    print(render(result, output), end="")
    if not result.ok:
        raise typer.Exit(ExitCode.FINDINGS)


def _offline(old: Path, new: Path, terms: _Terms) -> list["Item"]:
    from llm_schema_registry.cli import schema_files

    if old.is_dir() != new.is_dir():
        raise CliError(f"one of {old} and {new} is a directory", "Name two files or two directories.")
    available = schema_files.read_references(terms.references)
    if old.is_dir():
        return _of_directories(old, new, terms, available)
    before, after = schema_files.read_schema(old, terms.schema_type), schema_files.read_schema(new, terms.schema_type)
    candidate = after.parse(available, steps=terms.steps)
    parsed = before.parse(available, strict=False, steps=terms.steps)
    return [_compared(after, candidate, before, parsed, terms)]


def _of_directories(old: Path, new: Path, terms: _Terms, available: "list[Dependency]") -> list["Item"]:
    """An item per file of either directory; one that cannot be judged is a failed item, and the others go on."""
    from llm_schema_registry.cli.reporting import Item, Status
    from llm_schema_registry.cli.schema_set import SchemaSet, deleted, failure

    before, after = SchemaSet(old, available, terms.steps), SchemaSet(new, available, terms.steps)
    items = dict(after.failures)
    for key, file in after.files.items():
        previous = before.files.get(key)
        try:
            candidate = after.parse(file)
            if previous is not None:
                parsed = before.parse(previous, strict=False)
                items[key] = _compared(file, candidate, previous, parsed, terms)
            elif key in before.failures:
                items[key] = before.failures[key]
            else:
                items[key] = _judged(file, candidate, [], terms)
        except CliError as error:
            items[key] = failure(file.path, file.name, error)
    judged = [items[key] for key in sorted(items)]
    source = terms.profile is Profile.SOURCE and bool(terms.level.directions)
    gone = [file for key, file in before.files.items() if key not in items]
    return judged + [
        deleted(file)
        if source and file.schema_type is SchemaType.PROTOBUF
        else Item(file.name, Status.SKIPPED, "no longer there", file=file.path)
        for file in gone
    ]


def _compared(
    file: "SchemaFile", candidate: "ParsedSchema", previous: "SchemaFile", parsed: "ParsedSchema", terms: _Terms
) -> "Item":
    return _judged(file, candidate, [(1, parsed)], terms, previous.path)


def _judged(
    file: "SchemaFile",
    candidate: "ParsedSchema",
    history: "Sequence[tuple[int, ParsedSchema]]",
    terms: _Terms,
    against: str = "",
) -> "Item":
    from llm_schema_registry.cli.checks import judge_schema

    return judge_schema(
        file,
        candidate,
        history,
        terms.level,
        terms.policy or Policy.STRICT,
        against,
        profile=terms.profile or Profile.CONFLUENT,
        logical_types=terms.logical_types or LogicalTypes.WARN,
        duplicate_keys=terms.duplicate_keys or DuplicateKeys.ERROR,
        steps=terms.steps,
        witness=terms.witness,
    )


def _against_registry(new: Path, registry: str | None, subject: str | None, terms: _Terms) -> list["Item"]:
    from llm_schema_registry.cli import registry_session, schema_files
    from llm_schema_registry.cli.options import DEFAULT_REGISTRY

    if registry is None and subject is None:
        raise CliError(
            f"{new} alone has nothing to be compared with",
            "Name the older file before it, or a registry with --registry or LSR_REGISTRY, or a --subject.",
        )
    many = new.is_dir()
    if many and subject is not None:
        raise CliError(f"--subject {subject} names one subject, {new} holds many", "Leave out --subject.")

    async def conversation(client: "RegistryClient") -> list["Item"]:
        available = await registry_session.dependencies_of(client, schema_files.registered_references(terms.references))
        if many:
            return await _directory_in(client, new, terms, available)
        file = schema_files.read_schema(new, terms.schema_type, subject)
        return [await _judge_in(client, file, file.parse(available, steps=terms.steps), terms)]

    return registry_session.with_client(registry or DEFAULT_REGISTRY, conversation)


async def _directory_in(
    client: "RegistryClient", new: Path, terms: _Terms, available: "list[Dependency]"
) -> list["Item"]:
    from llm_schema_registry.cli import schema_files
    from llm_schema_registry.cli.schema_set import SchemaSet, failure

    files = SchemaSet(new, available, terms.steps)
    schema_files.check_subjects(files.files.values())
    items = dict(files.failures)
    for key, file in files.files.items():
        try:
            items[key] = await _judge_in(client, file, files.parse(file), terms)
        except CliError as error:
            items[key] = failure(file.path, file.name, error)
    return [items[key] for key in sorted(items)]


async def _judge_in(client: "RegistryClient", file: "SchemaFile", candidate: "ParsedSchema", terms: _Terms) -> "Item":
    from llm_schema_registry.cli import registry_session
    from llm_schema_registry.cli.checks import judge_schema

    config = await client.config(file.name, inherited=True)
    level = terms.given_level or config.compatibility_level or CompatibilityLevel.BACKWARD
    policy = terms.policy or config.compatibility_policy or Policy.STRICT
    profile = terms.profile or config.compatibility_profile or Profile.CONFLUENT
    logical_types = terms.logical_types or config.logical_types or LogicalTypes.WARN
    duplicate_keys = terms.duplicate_keys or config.duplicate_keys or DuplicateKeys.ERROR
    history = await registry_session.history_of(client, file.name, level, terms.steps)
    return judge_schema(
        file,
        candidate,
        history,
        level,
        policy,
        profile=profile,
        logical_types=logical_types,
        duplicate_keys=duplicate_keys,
        steps=terms.steps,
        witness=terms.witness,
    )
