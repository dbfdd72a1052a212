"""The report for a person: what changed, where, who breaks, how to fix it."""

import textwrap
from typing import TYPE_CHECKING

from llm_schema_registry.cli.reporting.report import Item, Report, Status
from llm_schema_registry.cli.terminal import printable
from llm_schema_registry.core.findings import Finding, Severity

if TYPE_CHECKING:
    from rich.text import Text

_LABELS = {Status.PASSED: ("ok  ", "good"), Status.FAILED: ("FAIL", "bad"), Status.SKIPPED: ("skip", "dim")}
_SEVERITIES = {Severity.ERROR: "bad", Severity.WARNING: "doubt", Severity.INFO: "dim"}
_FIELDS = (("old", "old"), ("new", "new"), ("fix", "fix"), ("docs", "see"))
_INDENT = 5


def render(report: Report) -> str:
    """The text, in colour if stdout is a terminal that wants it."""
    from llm_schema_registry.cli.terminal import console

    out = console()
    with out.capture() as captured:
        for item in report.items:
            for line in _item_lines(item, out.width):
                out.print(line)
        out.print(report.summary, style="good" if report.ok else "bad")
    return captured.get()


def finding_lines(finding: Finding, width: int = 100) -> list["Text"]:
    """A finding as lines: code and place, the sentence, then old, new and the way out where there are some."""
    from rich.text import Text

    where = f" at {printable(finding.path)}" if finding.path else ""
    if finding.line is not None:
        where += f" (line {finding.line}{'' if finding.column is None else f', column {finding.column}'})"
    lines = [Text.assemble((finding.code, _SEVERITIES[finding.severity]), where)]
    lines += [Text(line) for line in _wrapped(finding.message, width)]
    for field, label in _FIELDS:
        value = getattr(finding, field)
        if value is not None:
            first, *rest = _wrapped(value, width, _INDENT)
            lines.append(Text.assemble((label.ljust(_INDENT), "dim"), first.strip()))
            lines += [Text(line) for line in rest]
    return lines


def _item_lines(item: Item, width: int) -> list["Text"]:
    from rich.text import Text

    label, style = _LABELS[item.status]
    file = (
        f" ({item.file}{f':{item.line}' if item.line else ''})"
        if item.file and not item.name.startswith(item.file)
        else ""
    )
    note = f": {item.note}" if item.note else ""
    lines = [Text.assemble((label, style), "  ", (printable(item.name), "strong"), file, note)]
    margin = " " * (_INDENT + 1)
    for finding in item.findings:
        lines += [Text(margin) + line for line in finding_lines(finding, width - len(margin))]
    return lines


def _wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """`text` in lines of at most `width`; control characters are written out."""
    margin = " " * indent
    wrapped = [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(
            printable(paragraph),
            max(width, 40),
            initial_indent=margin,
            subsequent_indent=margin,
            break_on_hyphens=False,
        )
    ]
    return wrapped or [""]
