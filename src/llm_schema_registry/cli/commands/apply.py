"""`lsr apply`: register a directory of schemas, or a plan of it, as one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.options import DEFAULT_REGISTRY, Registry, Report, SetReferences, Witness
from llm_schema_registry.cli.reporting.formats import OutputFormat

if TYPE_CHECKING:
    from llm_schema_registry.client import PlanResult, RegistryClient


def apply(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A directory of schemas, or a plan that `lsr plan --out` kept.")
    ],
    references: SetReferences = None,
    normalize: Annotated[bool, typer.Option("--normalize", help="Compare and store the normal form.")] = False,
    witness: Witness = False,
    registry: Registry = DEFAULT_REGISTRY,
    output: Report = OutputFormat.TEXT,
) -> None:
    """Register the schemas of a directory in one write: all of them, or none if any is refused.

    A plan is applied exactly as it was made: the same schemas become the same versions. If the registry would now do
    anything else, nothing is done. Exit 1 in both cases. Doing it again changes nothing.
    """
    from llm_schema_registry.cli import plans, schema_files
    from llm_schema_registry.cli.registry_session import with_client
    from llm_schema_registry.cli.reporting import render

    if source.is_dir():
        files = schema_files.subjects_below(source)
        schemas, expect = plans.schemas_of(files, references or (), normalize=normalize), None
    elif references or normalize:
        raise CliError(f"{source} is a plan, made with its own references and form", "Leave the options out.")
    else:
        kept = plans.read_plan(source)
        files, schemas, expect = kept.sources(), kept.schemas, kept.digest

    async def conversation(client: "RegistryClient") -> "PlanResult":
        return await client.plan(schemas, apply=True, expect=expect, witness=witness)

    result = with_client(registry, conversation)
    report = plans.report_of("apply", result, files)
    print(render(report, output), end="")
    if result.outcome == "changed":
        raise CliError(
            f"the registry would now do something else than {source} says, so nothing was done",
            "Make a new plan with `lsr plan`, and look at it.",
            exit_code=ExitCode.FINDINGS,
        )
    if not report.ok:
        raise typer.Exit(ExitCode.FINDINGS)
