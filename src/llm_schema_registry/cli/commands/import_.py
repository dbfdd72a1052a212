"""`lsr import`: the content of a registry or of an export, brought into a registry."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.options import DEFAULT_REGISTRY, AsJson, Registry

if TYPE_CHECKING:
    from llm_schema_registry.client import RegistryClient
    from llm_schema_registry.client.migration import Failure, ImportPlan


def import_(
    source: Annotated[
        str, typer.Option("--from", metavar="SOURCE", help="The URL of a registry, or a directory of `lsr export`.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    no_settings: Annotated[bool, typer.Option("--no-settings", help="Leave configs and modes as they are.")] = False,
    end_import_mode: Annotated[
        bool,
        typer.Option(
            "--end-import-mode",
            help="Remove IMPORT mode where it is set already, as an import that was killed leaves it.",
        ),
    ] = False,
    registry: Registry = DEFAULT_REGISTRY,
    as_json: AsJson = False,
) -> None:
    """Import the content of another registry or of an export, with the same ids and versions.

    Soft-deleted versions are imported too, so that old data stays readable. Contexts that receive schemas are in
    IMPORT mode until the import ends, also if it fails. Existing content is left alone, so an interrupted import
    can be repeated. If an id or a version is taken by other content, collisions are listed and nothing is
    imported (exit 1). If the registry refuses a version or a setting, the import continues without it
    and without the versions that reference it, and lists them with the reasons (exit 1).
    """
    import asyncio

    import msgspec

    from llm_schema_registry.cli import import_export
    from llm_schema_registry.cli.registry_session import with_client

    content = import_export.read_source(source)
    failures: list[Failure] = []

    async def conversation(client: "RegistryClient") -> "tuple[ImportPlan, ImportPlan]":
        return await import_export.import_into(
            client, content, failures, settings=not no_settings, end_import_mode=end_import_mode, dry_run=dry_run
        )

    try:
        work, left = with_client(registry, conversation)
    except asyncio.CancelledError:
        raise SystemExit(import_export.TERMINATED) from None
    except CliError as error:
        error.findings = (*import_export.findings_of_failures(failures), *error.findings)
        raise
    if as_json:
        print(msgspec.json.encode({"dryRun": dry_run, **import_export.summary_of(work, failures)}).decode())
    elif not work.collisions:
        print(("would be: " if dry_run else "") + import_export.sentence_of(work))
        for note in work.notes:
            print(f"note: {note}", file=sys.stderr)
    if work.collisions:
        raise CliError(
            f"nothing was imported: {len(work.collisions)} collisions",
            "Import into an empty registry, or remove what is in the way.",
            findings=import_export.findings_of(work),
            exit_code=ExitCode.FINDINGS,
        )
    differs = not dry_run and (bool(left.collisions) or not left.is_done)
    if failures:
        if differs:
            print(
                f"note: somebody wrote meanwhile: {import_export.sentence_of(left)} would be left too", file=sys.stderr
            )
        raise import_export.failed(failures)
    if differs:
        raise CliError(
            f"the registries still differ: {import_export.sentence_of(left)} would be left to do",
            "Somebody wrote meanwhile: import again.",
            findings=import_export.findings_of(left),
            exit_code=ExitCode.FINDINGS,
        )
