"""Plans of a directory: what is sent, what the answer means, and the file that holds a plan for later."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from llm_schema_registry.cli import reference_graph, schema_files, witnesses
from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.reporting import Item, Report, Status
from llm_schema_registry.cli.schema_files import SchemaFile
from llm_schema_registry.cli.source_positions import with_lines
from llm_schema_registry.client import PlannedOutcome, PlannedSchema, PlanResult
from llm_schema_registry.core.findings import Finding

FORMAT_VERSION = 1


class PlanFile(msgspec.Struct, frozen=True, rename="camel"):
    """A plan to be applied later, exactly as it was made.

    Attributes:
        format_version: of this shape.
        digest: names the outcome; the registry applies no other.
        schemas: what is registered.
        files: where each schema was read from, in the same order.
    """

    format_version: int
    digest: str
    schemas: list[PlannedSchema]
    files: list[str]

    def sources(self) -> list[SchemaFile]:
        """The schemas as the files they were."""
        return [
            SchemaFile(path, schema.subject, schema.schema_type, schema.schema)
            for path, schema in zip(self.files, self.schemas, strict=True)
        ]


def schemas_of(files: Sequence[SchemaFile], references: Sequence[str], *, normalize: bool) -> list[PlannedSchema]:
    """What is sent for the files of a directory, with the references found among them.

    Raises:
        CliError: a reference could mean several files.
    """
    linked = reference_graph.link(files, schema_files.registered_references(references))
    return [
        PlannedSchema(
            file.text,
            file.schema_type,
            linked[file.path],
            subject=file.name,
            normalize=True if normalize else None,
        )
        for file in files
    ]


def report_of(command: str, result: PlanResult, files: Sequence[SchemaFile]) -> Report:
    """The result as a report on the files."""
    items = (_item(command, result, outcome, file) for outcome, file in zip(result.schemas, files, strict=True))
    return Report(command, "schemas", tuple(items))


def write_plan(path: Path, plan: PlanFile) -> None:
    """Writes a plan; `CliError` if that cannot be."""
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n")
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}") from None


def read_plan(path: Path) -> PlanFile:
    """Reads a plan; `CliError` if it is none, or one of a newer shape."""
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=PlanFile)
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CliError(f"{path} is no plan: {error}", "Make one with `lsr plan --out`.") from None
    if plan.format_version != FORMAT_VERSION or len(plan.files) != len(plan.schemas):
        raise CliError(f"{path} is no plan that this version of lsr can read", "Make a new one with `lsr plan --out`.")
    return plan


def _item(command: str, result: PlanResult, outcome: PlannedOutcome, file: SchemaFile) -> Item:
    name = outcome.subject
    if outcome.action == "refuse":
        findings = with_lines(outcome.findings, file.text) or (_refusal(outcome),)
        if isinstance(outcome.witness, msgspec.UnsetType):
            return Item(name, Status.FAILED, _headline(outcome), findings, file=file.path)
        against = next((each.against_version for each in findings if each.against_version is not None), None)
        shown = outcome.witness
        older = f"version {against}"
        note = (
            witnesses.not_found(older)
            if shown is None
            else witnesses.found(shown.direction, shown.outcome, shown.payload, shown.problem, older)
        )
        return Item(name, Status.FAILED, _headline(outcome), (*findings, note), file=file.path)
    place = f"version {outcome.version}, id {outcome.id}"
    status, word = Status.PASSED, f"new: {place}"
    if outcome.action == "unchanged":
        word = f"unchanged: {place}"
    elif result.applied:
        word = f"registered: {place}"
    elif command == "apply":
        status, word = Status.SKIPPED, "not registered: all or nothing"
    return Item(name, status, word, with_lines(outcome.findings, file.text), file=file.path)


def _headline(outcome: PlannedOutcome) -> str:
    return f"refused (error {outcome.error_code})"


def _refusal(outcome: PlannedOutcome) -> Finding:
    return Finding(code=f"registry.{outcome.error_code}", message=outcome.message or "The registry refuses it.")
