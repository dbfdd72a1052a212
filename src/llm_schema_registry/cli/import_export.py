"""Sources and reports of exports and imports."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.registry_session import with_client
from llm_schema_registry.cli.terminal import console
from llm_schema_registry.client import ModeNotRestoredError, RegistryClient
from llm_schema_registry.client.migration import (
    Failure,
    ImportPlan,
    NotAnExportError,
    Snapshot,
    apply_import,
    compare,
    read_directory,
    take_snapshot,
)
from llm_schema_registry.core.findings import Finding, Severity, shortened

TERMINATED = 128 + signal.SIGTERM
MAX_SHOWN = 20
"""The most collisions or failures that are shown; `--json` has all of them."""
_MAX_REASON = 1_000


def read_source(source: str) -> Snapshot:
    """The content of a registry (a URL), or of an export (a directory).

    Raises:
        CliError: no registry answers, or the directory holds no export.
    """
    if source.startswith(("http://", "https://")):
        return with_client(source, take_snapshot)
    try:
        return read_directory(Path(source))
    except NotAnExportError as error:
        raise CliError(str(error), "Name a directory that `lsr export` wrote, or the URL of a registry.") from None


async def import_into(
    client: RegistryClient,
    source: Snapshot,
    failures: list[Failure],
    *,
    settings: bool,
    end_import_mode: bool,
    dry_run: bool,
) -> tuple[ImportPlan, ImportPlan]:
    """Brings a snapshot into a registry, unless something is in the way, and looks at what came of it.

    Args:
        client: the registry.
        source: the snapshot.
        failures: receives the steps that fail, also if an error ends the import later.
        settings: bring configs and modes too.
        end_import_mode: see `compare`.
        dry_run: only look.

    Returns:
        What was done (of a dry run or with a collision: what there is to do), and what is left besides the failures.

    Raises:
        ClientError: the registry wants other credentials or went away.
        CliError: a scope stays in IMPORT mode.
    """
    target = await take_snapshot(client)
    work = compare(source, target, settings=settings, end_import_mode=end_import_mode)
    if dry_run or work.collisions or work.is_done:
        return work, work
    steps = len(work.register) + len(work.delete) + len(work.configs) + len(work.modes)
    try:
        with _ending_with_sigterm(), _progress(steps) as announce:
            await apply_import(client, target, work, announce, failures.append)
    except ModeNotRestoredError as error:
        raise CliError(str(error), exit_code=ExitCode.UNREACHABLE) from None
    left = compare(source, await take_snapshot(client), settings=settings, end_import_mode=end_import_mode)
    return work.without(failures), left.without(failures)


def findings_of(work: ImportPlan) -> list[Finding]:
    """What stands in the way of an import: the first of many."""
    return _first(
        [
            Finding(code="import.COLLISION", path=collision.name, message=f"{collision.why}.")
            for collision in work.collisions
        ]
    )


def findings_of_failures(failures: Sequence[Failure]) -> list[Finding]:
    """The steps that failed, refused ones first: the first of many."""
    return _first(
        [
            Finding(
                code="import.SKIPPED" if failure.skipped else "import.REFUSED",
                path=failure.step.name,
                message=f"{shortened(failure.why, _MAX_REASON)}.",
            )
            for failure in sorted(failures, key=lambda failure: failure.skipped)
        ]
    )


def _first(findings: list[Finding]) -> list[Finding]:
    omitted = len(findings) - MAX_SHOWN
    if omitted <= 0:
        return findings
    more = Finding(
        code="import.FINDINGS_OMITTED",
        severity=Severity.INFO,
        message=f"{omitted} more are omitted: --json lists all of them.",
    )
    return [*findings[:MAX_SHOWN], more]


def failed(failures: Sequence[Failure]) -> CliError:
    """The error of an import in which steps failed."""
    skipped = sum(failure.skipped for failure in failures)
    return CliError(
        f"the import is incomplete: {len(failures) - skipped} steps were refused"
        + (f", {skipped} that depend on them were skipped" if skipped else ""),
        "Remove the causes and import again: only what is missing is imported then.",
        findings=findings_of_failures(failures),
        exit_code=ExitCode.FINDINGS,
    )


def summary_of(work: ImportPlan, failures: Sequence[Failure] = ()) -> dict[str, Any]:
    """The work in numbers, with what stands in its way and the steps that failed."""
    return {
        "registered": len(work.register),
        "softDeleted": len(work.delete),
        "present": work.present,
        "configs": len(work.configs),
        "modes": len(work.modes),
        "notes": work.notes,
        "collisions": [{"name": collision.name, "why": collision.why} for collision in work.collisions],
        "failures": [_summary_of_failure(failure) for failure in failures],
    }


def _summary_of_failure(failure: Failure) -> dict[str, Any]:
    step = failure.step
    return {
        "step": step.action.value,
        "name": step.name,
        **({"subject": step.scope, "version": step.version} if step.version else {"scope": step.scope}),
        "why": failure.why,
        "errorCode": failure.error_code or None,
        "skipped": failure.skipped,
    }


def sentence_of(work: ImportPlan) -> str:
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

    from llm_schema_registry.cli.terminal import printable

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
