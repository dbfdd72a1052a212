"""`lsr check`: may this schema follow the older ones?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.options import OptionalRegistry, Report, Type, Witness
from llm_schema_registry.cli.outcomes import CliError, ExitCode
from llm_schema_registry.cli.reporting.formats import OutputFormat
from llm_schema_registry.evolution.levels import CompatibilityLevel, Policy
from llm_schema_registry.formats.format import SchemaType
from llm_schema_registry.formats.profiles import Profile

if TYPE_CHECKING:
    from llm_schema_registry.cli.reporting import Item
    from llm_schema_registry.cli.sources import SchemaFile
    from llm_schema_registry.client import RegistryClient
    from llm_schema_registry.formats import Dependency


@dataclass(frozen=True, slots=True)
class _Terms:
    """On what terms to compare; `None` leaves it to the default or to the registry.

    `many`: files of a directory are compared, and a reference concerns those that mention it. `witness`: payloads
    that break are shown.
    """

    mode: CompatibilityLevel | None
    policy: Policy | None
    profile: Profile | None
    schema_type: SchemaType | None
    references: tuple[str, ...]
    many: bool
    witness: bool

    def needed_by(self, file: "SchemaFile", available: "list[Dependency]") -> "list[Dependency]":
        from llm_schema_registry.cli import sources

        return sources.needed_by(file.text, available) if self.many else available


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="OLD and NEW: two files or two directories; or NEW alone and a registry."),
    ],
    registry: OptionalRegistry = None,
    subject: Annotated[
        str | None, typer.Option(help="The subject to compare with; else the file's name without suffix.")
    ] = None,
    mode: Annotated[
        CompatibilityLevel | None,
        typer.Option(case_sensitive=False, help="What is promised; else BACKWARD, or what the registry says."),
    ] = None,
    policy: Annotated[
        Policy | None,
        typer.Option(case_sensitive=False, help="How strict JSON Schema is about open content models."),
    ] = None,
    profile: Annotated[
        Profile | None,
        typer.Option(case_sensitive=False, help="What a Protobuf change must not break either."),
    ] = None,
    schema_type: Type = None,
    references: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            metavar="NAME=TARGET",
            help="What the schemas refer to: a file, or SUBJECT@VERSION with a registry. What is referred to first.",
        ),
    ] = None,
    witness: Witness = False,
    output: Report = OutputFormat.TEXT,
) -> None:
    """Say whether a schema may follow the older ones.

    If not: what changed, where, who breaks, how to fix it. Offline between two files, or two directories whose
    files are paired by name; or against a registry, where a file stands for the subject of its name. Nothing is
    registered.
    """
    from llm_schema_registry.cli.reporting import Report as Result
    from llm_schema_registry.cli.reporting import render

    if len(paths) > 2:
        raise CliError(f"{len(paths)} paths are too many", "Name OLD and NEW, or NEW alone with a registry.")
    terms = _Terms(mode, policy, profile, schema_type, tuple(references or ()), paths[-1].is_dir(), witness)
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
    from llm_schema_registry.cli import sources
    from llm_schema_registry.cli.judging import judge_schema
    from llm_schema_registry.cli.reporting import Item, Status

    if old.is_dir() != new.is_dir():
        raise CliError(f"one of {old} and {new} is a directory", "Name two files or two directories.")
    if old.is_dir():
        before, after = sources.schemas_below(old), sources.schemas_below(new)
    else:
        before = {"": sources.read_schema(old, terms.schema_type)}
        after = {"": sources.read_schema(new, terms.schema_type)}
    level, policy = terms.mode or CompatibilityLevel.BACKWARD, terms.policy or Policy.STRICT
    available = sources.read_references(terms.references)
    items = []
    for key, file in after.items():
        candidate = file.parse(terms.needed_by(file, available))
        previous = before.get(key)
        if previous is None:
            items.append(judge_schema(file, candidate, [], level, policy))
        else:
            parsed = previous.parse(terms.needed_by(previous, available), strict=False)
            against = previous.path
            profile = terms.profile or Profile.CONFLUENT
            items.append(
                judge_schema(
                    file, candidate, [(1, parsed)], level, policy, against, profile=profile, witness=terms.witness
                )
            )
    gone = [file for key, file in before.items() if key not in after]
    return items + [Item(file.name, Status.SKIPPED, "no longer there", file=file.path) for file in gone]


def _against_registry(new: Path, registry: str | None, subject: str | None, terms: _Terms) -> list["Item"]:
    from llm_schema_registry.cli import sources
    from llm_schema_registry.cli.connection import talk
    from llm_schema_registry.cli.options import DEFAULT_REGISTRY

    if registry is None and subject is None:
        raise CliError(
            f"{new} alone has nothing to be compared with",
            "Name the older file before it, or a registry with --registry or LSR_REGISTRY, or a --subject.",
        )
    if not new.is_dir():
        files = [sources.read_schema(new, terms.schema_type, subject)]
    elif subject is None:
        files = sources.subjects_below(new)
    else:
        raise CliError(f"--subject {subject} names one subject, {new} holds many", "Leave out --subject.")

    async def conversation(client: "RegistryClient") -> list["Item"]:
        return [await _judge_in(client, file, terms) for file in files]

    return talk(registry or DEFAULT_REGISTRY, conversation)


async def _judge_in(client: "RegistryClient", file: "SchemaFile", terms: _Terms) -> "Item":
    from llm_schema_registry.cli import connection, sources
    from llm_schema_registry.cli.judging import judge_schema

    config = await client.config(file.name, inherited=True)
    level = terms.mode or config.compatibility_level or CompatibilityLevel.BACKWARD
    policy = terms.policy or config.compatibility_policy or Policy.STRICT
    profile = terms.profile or config.compatibility_profile or Profile.CONFLUENT
    available = await connection.dependencies_of(client, sources.registered_references(terms.references))
    candidate = file.parse(terms.needed_by(file, available))
    history = await connection.history_of(client, file.name, level)
    return judge_schema(file, candidate, history, level, policy, profile=profile, witness=terms.witness)
