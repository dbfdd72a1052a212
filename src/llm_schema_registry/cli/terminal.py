"""Output on a terminal: tables, colours, escaped foreign text, errors on stderr."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING


def printable(text: str) -> str:
    """`text` with control characters written out: names and messages from elsewhere must not drive the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints aligned columns with a heading, numbers to the right; nothing if there are no rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from llm_schema_registry.cli.terminal import console, printable

    rows = list(rows)
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if isinstance(rows[0][position], int) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    console().print(table)


if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from llm_schema_registry.cli.exit_codes import CliError
    from llm_schema_registry.core.findings import Finding

STYLES = {"good": "bold green", "bad": "bold red", "doubt": "bold yellow", "dim": "dim", "strong": "bold"}


def console(*, stderr: bool = False) -> "Console":
    """A console on stdout or stderr.

    It colours only a terminal and not under `NO_COLOR` (no-color.org); a pipe gets lines as long as they are.
    """
    from rich.console import Console
    from rich.theme import Theme

    stream = sys.stderr if stderr else sys.stdout
    plain = not stream.isatty() or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=stream,
        theme=Theme(STYLES),
        color_system=None if plain else "auto",
        force_terminal=None if stream.isatty() else False,
        width=None if stream.isatty() else 10_000,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )


def warn(findings: "Iterable[Finding]") -> None:
    """Shows findings about something that was done all the same on stderr."""
    from llm_schema_registry.cli.reporting import finding_lines

    err = console(stderr=True)
    for finding in findings:
        err.print("warning:", style="doubt")
        for line in finding_lines(finding, err.width):
            err.print("  ", line, sep="")


def complain(error: "CliError") -> None:
    """Shows an expected error on stderr: what, the details, the way out."""
    from llm_schema_registry.cli.reporting import finding_lines
    from llm_schema_registry.cli.terminal import printable

    err = console(stderr=True)
    for sentence in f"error: {error.message}".splitlines():
        err.print(printable(sentence), style="bad")
    for finding in error.findings:
        for line in finding_lines(finding, err.width):
            err.print("  ", line, sep="")
    if error.fix:
        err.print(f"  fix: {error.fix}")
