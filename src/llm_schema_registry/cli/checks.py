"""Checks of a schema or a payload for a report."""

from collections.abc import Iterable, Sequence

from llm_schema_registry.cli import schema_files, witnesses
from llm_schema_registry.cli.payload_files import Event
from llm_schema_registry.cli.reporting import Item, Status
from llm_schema_registry.cli.schema_files import SchemaFile
from llm_schema_registry.cli.source_positions import with_lines
from llm_schema_registry.compatibility import (
    CompatibilityLevel,
    DuplicateKeys,
    LogicalTypes,
    Policy,
    check,
    overlooked_break,
    weighed,
)
from llm_schema_registry.compatibility.witnesses import find_witness
from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.core.findings import Finding, Severity
from llm_schema_registry.formats import ParsedSchema
from llm_schema_registry.formats.profiles import Profile


def judge_schema(
    file: SchemaFile,
    candidate: ParsedSchema,
    history: Sequence[tuple[int, ParsedSchema]],
    level: CompatibilityLevel,
    policy: Policy,
    against: str = "",
    *,
    profile: Profile = Profile.CONFLUENT,
    logical_types: LogicalTypes = LogicalTypes.WARN,
    duplicate_keys: DuplicateKeys = DuplicateKeys.ERROR,
    steps: int = 0,
    witness: bool = False,
) -> Item:
    """Whether a schema may follow the versions of a history, as an item of a report.

    Args:
        file: where the schema comes from.
        candidate: the schema, parsed.
        history: (version, schema), newest first.
        level: what is promised.
        policy: how strict JSON Schema is.
        against: what the history is; by default its version numbers.
        profile: what a change must not break besides the promises of the level.
        logical_types: what a change of a logical type of Avro means.
        duplicate_keys: what a duplicate key in the text of a JSON Schema means.
        steps: how many steps the comparison may take; 0 takes the default.
        witness: show a payload that an incompatible change would break.

    Raises:
        CliError: the comparison is too much work.
    """
    of_text = with_lines(weighed(candidate.warnings, duplicate_keys), file.text)
    is_faulty = any(finding.severity is Severity.ERROR for finding in of_text)
    if not level.directions or not history:
        note = "new, nothing to compare it with" if level.directions else f"{level} promises nothing"
        status = Status.PASSED if level.directions else Status.SKIPPED
        return Item(file.name, Status.FAILED if is_faulty else status, note, of_text, file=file.path)
    budget = schema_files.budget(steps, "The compatibility check")
    try:
        verdict = check(
            candidate, history, level, policy, budget, profile=profile, logical_types=logical_types, annotate=True
        )
    except BudgetExceededError as error:
        raise schema_files.over_budget(file.path, error, steps) from None
    found = verdict.findings
    if verdict.compatible:
        overlooked = overlooked_break(candidate, history, level, policy, older=against)
        found += () if overlooked is None else (overlooked,)
    findings = (*of_text, *with_lines(found, file.text))
    if witness and verdict.against_version is not None:
        older = against or f"version {verdict.against_version}"
        findings += (_witness(candidate, dict(history)[verdict.against_version], level, older),)
    versions = [version for version, _ in history]
    if not against:
        against = f"version {versions[0]}" if len(versions) == 1 else f"versions {versions[-1]} to {versions[0]}"
    note = f"{level} against {against}"
    status = Status.PASSED if verdict.compatible and not is_faulty else Status.FAILED
    return Item(file.name, status, note, findings, file=file.path)


def _witness(candidate: ParsedSchema, previous: ParsedSchema, level: CompatibilityLevel, older: str) -> Finding:
    witness = find_witness(candidate, previous, level)
    if witness is None:
        return witnesses.not_found(older)
    reading = witness.reading
    return witnesses.found(witness.direction, reading.outcome.value, witness.payload, reading.problem, older)


def judge_event(event: Event, findings: Iterable[Finding], message: str | None = None) -> Item:
    """An item of a report from what a validator found in an event, or from the reason why there was none.

    Args:
        event: the event.
        findings: what a validator found in it.
        message: the full name of the Protobuf message that it was taken for, if any.
    """
    found = (event.problem,) if event.problem is not None else tuple(findings)
    failed = any(finding.severity is Severity.ERROR for finding in found)
    status = Status.FAILED if failed else Status.PASSED
    note = f"as {message}" if message is not None else ""
    return Item(event.name, status, note, found, file=event.file, line=event.line)
