"""Tables on the terminal."""

from collections.abc import Iterable, Sequence


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints aligned columns with a heading, numbers to the right; nothing if there are no rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from llm_schema_registry.cli.printable import printable
    from llm_schema_registry.cli.terminal import console

    rows = list(rows)
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if isinstance(rows[0][position], int) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    console().print(table)
