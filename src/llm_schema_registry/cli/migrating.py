"""What an export and an import say, and where an import comes from."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from llm_schema_registry.cli.connection import talk
from llm_schema_registry.cli.outcomes import CliError, ExitCode
from llm_schema_registry.cli.terminal import console
from llm_schema_registry.client import ModeNotRestoredError, NotAsSentError, RegistryClient
from llm_schema_registry.client.migration import (
    NotAnExportError,
    Snapshot,
    Work,
    bring,
    compare,
    read_directory,
    take_snapshot,
)
from llm_schema_registry.findings import Finding

TERMINATED = 128 + signal.SIGTERM


def read_source(source: str) -> Snapshot:
    """The content of a registry (a URL), or of an export (a directory).

    Raises:
        CliError: no registry answers, or the directory holds no export.
    """
    if source.startswith(("http://", "https://")):
        return talk(source, take_snapshot)
    try:
        return read_directory(Path(source))
    except NotAnExportError as error:
        raise CliError(str(error), "Name a directory that `lsr export` wrote, or the URL of a registry.") from None


async def import_into(
    client: RegistryClient, source: Snapshot, *, settings: bool, end_import_mode: bool, dry_run: bool
) -> tuple[Work, Work]:
    """Brings a snapshot into a registry, unless something is in the way, and looks at what came of it.

    Args:
        client: the registry.
        source: the snapshot.
        settings: bring configs and modes too.
        end_import_mode: see `compare`.
        dry_run: only look.

    Returns:
        What there was to do, and what is left of it (all of it after a dry run or a collision).

    Raises:
        ClientError: the registry refused something or went away.
        CliError: what was brought became something else, or a scope stays in IMPORT mode.
    """
    target = await take_snapshot(client)
    work = compare(source, target, settings=settings, end_import_mode=end_import_mode)
    if dry_run or work.collisions or work.is_done:
        return work, work
    steps = len(work.register) + len(work.delete) + len(work.configs) + len(work.modes)
    try:
        with _ending_with_sigterm(), _progress(steps) as announce:
            await bring(client, target, work, announce)
    except NotAsSentError as error:
        raise CliError(
            f"the registry made something else of what it got: {error}",
            "Import into an empty registry, or a context of its own.",
            exit_code=ExitCode.FINDINGS,
        ) from None
    except ModeNotRestoredError as error:
        raise CliError(str(error), exit_code=ExitCode.UNREACHABLE) from None
    return work, compare(source, await take_snapshot(client), settings=settings, end_import_mode=end_import_mode)


def findings_of(work: Work) -> list[Finding]:
    """What stands in the way of an import."""
    return [
        Finding(code="import.COLLISION", path=collision.name, message=f"{collision.why}.")
        for collision in work.collisions
    ]


def summary_of(work: Work) -> dict[str, Any]:
    """The work in numbers, with what stands in its way."""
    return {
        "registered": len(work.register),
        "softDeleted": len(work.delete),
        "present": work.present,
        "configs": len(work.configs),
        "modes": len(work.modes),
        "notes": work.notes,
        "collisions": [{"name": collision.name, "why": collision.why} for collision in work.collisions],
    }


def sentence_of(work: Work) -> str:
    """The work on one line."""
    settings = len(work.configs) + len(work.modes)
    return (
        f"{len(work.register) + work.present} versions: {len(work.register)} registered, {work.present} were there "
        f"already; {len(work.delete)} soft-deleted, {settings} settings changed"
    )


@contextlib.contextmanager
def _progress(steps: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, nothing elsewhere."""
    err = console(stderr=True)
    if not err.is_terminal:
        yield lambda name: None
        return
    from rich.progress import Progress

    from llm_schema_registry.cli.printable import printable

    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Importing", total=steps)

        def announce(name: str) -> None:
            progress.update(task, advance=1, description=printable(name))

        yield announce


@contextlib.contextmanager
def _ending_with_sigterm() -> Iterator[None]:
    """SIGTERM ends this task as SIGINT does, so that modes are put back first."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None:
        raise RuntimeError("An import is a task")
    with contextlib.suppress(NotImplementedError):  # Windows has no such signal
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGTERM)
