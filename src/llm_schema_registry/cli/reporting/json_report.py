"""The report for a program: JSON, in a shape that has a version of its own."""

import msgspec

from llm_schema_registry.cli.reporting.report import Report, Status
from llm_schema_registry.core.findings import Finding

FORMAT_VERSION = 1


def render(report: Report) -> str:
    """The JSON: `formatVersion`, `command`, `ok`, `summary` (counts), `items` with their findings.

    A finding has the fields that it has in the bodies of the registry; absent ones are left out.
    """
    value = {
        "formatVersion": FORMAT_VERSION,
        "command": report.command,
        "ok": report.ok,
        "summary": {status: report.count(status) for status in Status},
        "items": [
            {
                "name": item.name,
                "file": item.file or None,
                "line": item.line,
                "status": item.status,
                "note": item.note,
                "findings": [_finding(finding) for finding in item.findings],
            }
            for item in report.items
        ],
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    """The finding with its severity written out, which the registry's bodies leave out for an error."""
    return {"severity": finding.severity, **msgspec.to_builtins(finding)}
