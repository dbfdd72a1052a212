"""Workflow commands of GitHub Actions: an annotation at the line of the file."""

from llm_schema_registry.cli.reporting.report import Report, line_of
from llm_schema_registry.core.findings import Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_DATA = {ord("%"): "%25", ord("\r"): "%0D", ord("\n"): "%0A"}
_PROPERTY = _DATA | {ord(":"): "%3A", ord(","): "%2C"}


def render(report: Report) -> str:
    """One command per finding, then the summary as a plain line of the log."""
    lines = []
    for item in report.items:
        for finding in item.findings:
            line = line_of(item, finding)
            properties = {
                "file": item.file,
                "line": "" if line is None else str(line),
                "col": "" if finding.column is None else str(finding.column),
                "title": f"{item.name}: {finding.code}",
            }
            given = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items() if value)
            where = f"{finding.path}: " if finding.path else ""
            text = f"{where}{finding.message}" + (f"\nFix: {finding.fix}" if finding.fix else "")
            lines.append(f"::{_COMMANDS[finding.severity]} {given}::{text.translate(_DATA)}")
    lines.append(report.summary)
    return "\n".join(lines) + "\n"
