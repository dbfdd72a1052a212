"""`lsr plan`: what registering a directory of schemas would do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.exit_codes import ExitCode
from llm_schema_registry.cli.options import DEFAULT_REGISTRY, Registry, Report, SetReferences, Witness
from llm_schema_registry.cli.reporting.formats import OutputFormat

if TYPE_CHECKING:
    from llm_schema_registry.client import PlanResult, RegistryClient


def plan(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="The schemas; a file is a subject.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Keep the plan, for `lsr apply FILE`.")
    ] = None,
    references: SetReferences = None,
    normalize: Annotated[bool, typer.Option("--normalize", help="Compare and store the normal form.")] = False,
    witness: Witness = False,
    registry: Registry = DEFAULT_REGISTRY,
    output: Report = OutputFormat.TEXT,
) -> None:
    """Say what registering the schemas of a directory would do; nothing is registered.

    The path of a file below the directory, without its suffix, is its subject. The registry decides about all of
    them together, exactly as it would register them: subjects may be new, and schemas may refer to each other, which
    is read from their texts. Exit 1 if any is refused.
    """
    from llm_schema_registry.cli import plans, schema_files
    from llm_schema_registry.cli.registry_session import with_client
    from llm_schema_registry.cli.reporting import render

    files = schema_files.subjects_below(directory)
    schemas = plans.schemas_of(files, references or (), normalize=normalize)

    async def conversation(client: "RegistryClient") -> "PlanResult":
        return await client.plan(schemas, witness=witness)

    result = with_client(registry, conversation)
    report = plans.report_of("plan", result, files)
    print(render(report, output), end="")
    if not report.ok:
        raise typer.Exit(ExitCode.FINDINGS)
    if out is not None:
        paths = [file.path for file in files]
        plans.write_plan(out, plans.PlanFile(plans.FORMAT_VERSION, result.digest, schemas, paths))
