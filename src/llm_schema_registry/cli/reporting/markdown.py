"""Markdown, for a comment on a pull request or a job summary."""

import html

from llm_schema_registry.cli.reporting.report import Item, Report, Status

_MARKS = {Status.PASSED: "passed", Status.FAILED: "**failed**", Status.SKIPPED: "skipped"}


def render(report: Report) -> str:
    """A table of the items, then a section per item that has findings."""
    lines = [f"### lsr {report.command}: {report.summary}", "", "| name | result | asked |", "|---|---|---|"]
    lines += [f"| {_code(item.name)} | {_MARKS[item.status]} | {_cell(item.note)} |" for item in report.items]
    for item in report.items:
        if item.findings:
            lines += _section(item)
    return "\n".join(lines) + "\n"


def _section(item: Item) -> list[str]:
    lines = ["", f"#### {_code(item.name)}", ""]
    for finding in item.findings:
        where = f" at {_code(finding.path)}" if finding.path else ""
        lines.append(f"- {_code(finding.code)}{where}: {_cell(finding.message)}")
        if finding.old is not None or finding.new is not None:
            lines.append(f"  <br>old {_code(finding.old or 'absent')}, new {_code(finding.new or 'absent')}")
        if finding.fix:
            lines.append(f"  <br>**Fix:** {_cell(finding.fix)}")
    return lines


def _cell(text: str) -> str:
    """Text without markup of its own, on one line, that breaks no table."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "&#124;").replace("`", "&#96;")


def _code(text: str) -> str:
    return f"<code>{_cell(text)}</code>"
