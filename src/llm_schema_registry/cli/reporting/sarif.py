"""SARIF 2.1.0 (OASIS), as code scanning of forges reads it."""

import hashlib

import msgspec

from llm_schema_registry import __version__
from llm_schema_registry.cli.reporting.report import Item, Report, line_of
from llm_schema_registry.core.findings import Finding, Severity

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report) -> str:
    """One run; the rules are the codes of the findings, the fingerprint is code, item and path."""
    pairs = [(item, finding) for item in report.items for finding in item.findings]
    codes = list(dict.fromkeys(finding.code for _, finding in pairs))
    rules = [{"id": code, "shortDescription": {"text": code.rpartition(".")[2]}} for code in codes]
    value = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "lsr", "semanticVersion": __version__, "rules": rules}},
                "results": [_result(item, finding, codes.index(finding.code)) for item, finding in pairs],
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _result(item: Item, finding: Finding, rule: int) -> dict[str, object]:
    text = finding.message if finding.fix is None else f"{finding.message} Fix: {finding.fix}"
    fingerprint = hashlib.sha256("\0".join((finding.code, item.name, finding.path)).encode()).hexdigest()
    location: dict[str, object] = {"logicalLocations": [{"fullyQualifiedName": f"{item.name}{finding.path}"}]}
    if item.file:
        region = {"startLine": line_of(item, finding) or 1}
        if finding.column is not None:
            region["startColumn"] = finding.column
        location["physicalLocation"] = {"artifactLocation": {"uri": item.file}, "region": region}
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"findingHash/v1": fingerprint},
    }
