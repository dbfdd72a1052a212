"""Limits of a refusal: how many findings and messages one answer holds."""

from collections.abc import Sequence

from llm_schema_registry.core.findings import Finding, Severity

MAX_REPORTED = 1_000
"""The most findings, and the most messages of incompatibilities, of one verdict."""
MAX_CHARACTERS = 1_000_000
"""The most characters of all messages of a verdict, and of all texts of its findings."""


def limited_messages(messages: Sequence[str]) -> list[str]:
    """The first messages, and instead of the others one that gives their number."""
    kept = _fitting([len(message) for message in messages])
    if kept == len(messages):
        return list(messages)
    return [*messages[:kept], f"{{omittedIncompatibilities: {len(messages) - kept}}}"]


def limited_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The first findings, and instead of the others one that gives their number."""
    kept = _fitting([_length(finding) for finding in findings])
    if kept == len(findings):
        return tuple(findings)
    omitted = Finding(
        code="schema.FINDINGS_OMITTED",
        severity=Severity.INFO,
        message=f"{len(findings) - kept} more findings are omitted: an answer holds at most {MAX_REPORTED}.",
        fix="Resolve the listed findings and check again.",
        docs="reference/findings/schema.md#findings_omitted",
    )
    return (*findings[:kept], omitted)


def _length(finding: Finding) -> int:
    return len(finding.message) + len(finding.path) + len(finding.old or "") + len(finding.new or "")


def _fitting(lengths: Sequence[int]) -> int:
    """How many items fit, at least one."""
    left = MAX_CHARACTERS
    for index, length in enumerate(lengths[:MAX_REPORTED]):
        left -= length
        if left < 0 and index:
            return index
    return min(len(lengths), MAX_REPORTED)
