"""The schema files of a directory, each parsed with the files that it refers to."""

from collections.abc import Sequence
from pathlib import Path

from llm_schema_registry.cli import schema_files
from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.reference_graph import Links
from llm_schema_registry.cli.reporting import Item, Status
from llm_schema_registry.cli.schema_files import SchemaFile
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats import Dependency, ParsedSchema, SchemaType


class SchemaSet:
    """The schema files below a directory. A file that cannot be read is a failure of its own.

    Args:
        directory: the directory.
        available: schemas from elsewhere; one concerns the files that mention its name, and wins over the set.
        steps: how many steps one parse may take; 0 takes the default.

    Attributes:
        files: the readable files, by their path below the directory.
        failures: the errors of the others, as items of a report, by their path below the directory.

    Raises:
        CliError: there is no schema file.
    """

    def __init__(self, directory: Path, available: Sequence[Dependency] = (), steps: int = 0) -> None:
        self.files, errors = schema_files.readable_below(directory)
        self.failures = {
            below: failure((directory / below).as_posix(), Path(below).with_suffix("").as_posix(), error)
            for below, error in errors.items()
        }
        self._available = list(available)
        self._steps = steps
        self._links = Links(tuple(self.files.values()))
        self._by_name = {(file.schema_type, file.name): file for file in self.files.values()}

    def parse(self, file: SchemaFile, *, strict: bool = True) -> ParsedSchema:
        """The parsed schema of a file of the set.

        Raises:
            CliError: the text is not a valid schema, with the places; or a reference could mean several files.
        """
        given = schema_files.needed_by(file.text, self._available)
        found = {dependency.name: dependency for dependency in given}
        self._collect(file, found, {(file.schema_type, file.name)})
        return file.parse(list(found.values()), strict=strict, steps=self._steps)

    def _collect(self, file: SchemaFile, found: dict[str, Dependency], on_the_way: set[tuple[SchemaType, str]]) -> None:
        """Adds what a file refers to, dependencies before dependants; a circle ends where it began."""
        for reference in self._links.of(file):
            place = (file.schema_type, reference.subject)
            if reference.name in found or place in on_the_way:
                continue
            other = self._by_name[place]
            self._collect(other, found, on_the_way | {place})
            found.setdefault(reference.name, Dependency(reference.name, other.text))


def failure(path: str, name: str, error: CliError) -> Item:
    """A file that could not be judged, as an item of a report."""
    findings = error.findings or (
        Finding(
            code="schema.UNREADABLE",
            message=f"{error.message}.",
            fix=error.fix or None,
            docs="reference/findings/schema.md#unreadable",
        ),
    )
    return Item(name, Status.FAILED, error.message, findings, file=path)


def deleted(file: SchemaFile) -> Item:
    """A file that is gone although generated code is made from it, as an item of a report."""
    finding = Finding(
        code="schema.FILE_DELETED",
        message=f"{file.path} was deleted. Code that imports the file, or was generated from it, no longer compiles.",
        fix="Keep the file; leave deprecated messages in it until no code uses them.",
        docs="reference/findings/schema.md#file_deleted",
    )
    return Item(file.name, Status.FAILED, "deleted", (finding,), file=file.path)
