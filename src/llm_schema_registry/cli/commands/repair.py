"""`lsr repair`: is every large definition where it should be?"""

from typing import Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.options import DEFAULT_STORE, AsJson, Store

DEFAULT_BLOB_BYTES = 256 * 1024


def repair(
    store: Store = DEFAULT_STORE,
    blobs: Annotated[
        str, typer.Option("--blobs", metavar="URL", envvar="LSR_BLOBS", help="Object storage: s3://BUCKET/PREFIX?…")
    ] = "",
    blob_bytes: Annotated[
        int,
        typer.Option("--blob-bytes", envvar="LSR_BLOB_BYTES", min=0, help="Larger definitions belong there."),
    ] = DEFAULT_BLOB_BYTES,
    fix: Annotated[bool, typer.Option("--fix", help="Restore lost definitions that can be obtained.")] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="SOURCE", help="Where else to look: a registry's URL, or a directory of `lsr export`."
        ),
    ] = None,
    move: Annotated[
        bool, typer.Option("--move", help="Move definitions to where they belong by --blob-bytes as it is now.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Remove objects that nothing refers to, once they are more than a day old."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look whether every large definition is in object storage, unchanged.

    Says which are lost, and counts the objects that nothing refers to; without further options it changes nothing.
    A lost definition is restored from a schema in the store with the same GUID, or from --from. Servers keep running.

    Exit 1 if a definition is lost and was not put back.
    """
    import asyncio

    import msgspec

    from llm_schema_registry.cli import repair
    from llm_schema_registry.cli.terminal import printable
    from llm_schema_registry.store.blobs import BlobSettings

    if not blobs:
        raise CliError("no object storage is named", "Name it with --blobs or LSR_BLOBS.")
    if source is not None and not fix:
        raise CliError("--from requires --fix", "Add --fix.")
    _must_exist(store)
    wanted = repair.RepairOptions(fix=fix, source=source, move=move, prune=prune)
    place = BlobSettings(blobs, blob_bytes)

    def say(line: str) -> None:
        if not as_json:
            print(printable(line))

    done = asyncio.run(repair.repair(store, place, wanted, say))
    print(msgspec.json.encode(done.as_json()).decode() if as_json else done.sentence())
    if done.still_lost:
        raise typer.Exit(ExitCode.FINDINGS)


def _must_exist(store: str) -> None:
    from llm_schema_registry.cli.diagnostics import State, store_place

    file, place = store_place(store)
    if place.state is not State.GOOD:
        raise CliError(f"the store: {place.detail}", place.fix)
    if file is not None and not file.exists():
        raise CliError(f"the store: there is no {file}", "Name another one with --store.")
