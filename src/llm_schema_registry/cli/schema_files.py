"""Schema files: finding, pairing, reading and parsing them."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.source_positions import with_lines
from llm_schema_registry.contracts import Reference
from llm_schema_registry.core.budget import MAX_SCHEMA_BYTES, Budget, BudgetExceededError, default_steps
from llm_schema_registry.formats import Dependency, InvalidSchemaError, ParsedSchema, SchemaType, format_of

_LIMIT_VARIABLE = "LSR_MAX_SCHEMA_BYTES"
SUFFIXES = {".avsc": SchemaType.AVRO, ".json": SchemaType.JSON, ".proto": SchemaType.PROTOBUF}


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """A schema in a file.

    Attributes:
        path: the path as the caller named it, with `/`.
        name: the path below the named directory, or the file's name, without suffix: the subject it stands for.
        schema_type: its format.
        text: its text.
    """

    path: str
    name: str
    schema_type: SchemaType
    text: str

    def parse(self, dependencies: Sequence[Dependency] = (), *, strict: bool = True, steps: int = 0) -> ParsedSchema:
        """The parsed schema; `CliError` with the places if the text is no schema."""
        return parse(self.path, self.schema_type, self.text, dependencies, strict=strict, steps=steps)


def read_schema(path: Path, schema_type: SchemaType | None = None, name: str | None = None) -> SchemaFile:
    """Reads one file.

    Args:
        path: the file.
        schema_type: its format; by default the suffix tells.
        name: its name; by default the file's name without suffix.

    Raises:
        CliError: it cannot be read, is too large, is no text, or nothing tells its format.
    """
    schema_type = schema_type or SUFFIXES.get(path.suffix)
    if schema_type is None:
        raise CliError(
            f"{path} could be a schema of any format", f"Name it {', '.join(SUFFIXES)}, or say which with --type."
        )
    return SchemaFile(path.as_posix(), name or path.stem, schema_type, read_text(path))


def read_text(path: Path) -> str:
    """The text of a file that is not larger than a schema may be; `CliError` names what is wrong with it."""
    limit = largest_schema()
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > limit:
        raise CliError(
            f"{path} is larger than the {limit} bytes that a schema may have",
            f"Split it, or set {_LIMIT_VARIABLE} as the registry has it.",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CliError(f"{path} is not UTF-8 text (byte {error.start})") from None


def largest_schema() -> int:
    """The limit of the registry's setting, in bytes; `CliError` for a value that is not a number."""
    text = os.environ.get(_LIMIT_VARIABLE)
    if text is None:
        return MAX_SCHEMA_BYTES
    if not (text.isascii() and text.isdigit()):
        raise CliError(f"{_LIMIT_VARIABLE} is not a number of bytes: {text}")
    return int(text)


def schemas_below(directory: Path) -> dict[str, SchemaFile]:
    """Every schema file below a directory, by its relative path, in the order of the paths.

    Raises:
        CliError: there is none, or one cannot be read.
    """
    files, errors = readable_below(directory)
    for error in errors.values():
        raise error
    return files


def readable_below(directory: Path) -> tuple[dict[str, SchemaFile], dict[str, CliError]]:
    """The schema files below a directory that can be read, and why the others cannot; both by their relative path.

    Raises:
        CliError: there is none.
    """
    paths = sorted(path for path in directory.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    if not paths:
        raise CliError(f"{directory} holds no schema", f"Schema files end with {', '.join(SUFFIXES)}.")
    files: dict[str, SchemaFile] = {}
    errors: dict[str, CliError] = {}
    for path in paths:
        below = path.relative_to(directory)
        try:
            files[below.as_posix()] = read_schema(path, name=below.with_suffix("").as_posix())
        except CliError as error:
            errors[below.as_posix()] = error
    return files, errors


def subjects_below(directory: Path) -> list[SchemaFile]:
    """Every schema file below a directory, where the name of each stands for a subject.

    Raises:
        CliError: as `schemas_below`; or two differ only in their suffix and so stand for one subject.
    """
    files = list(schemas_below(directory).values())
    check_subjects(files)
    return files


def check_subjects(files: Iterable[SchemaFile]) -> None:
    """Raises `CliError` if two files differ only in their suffix, and so stand for one subject."""
    found: dict[str, SchemaFile] = {}
    for file in files:
        if file.name in found:
            raise CliError(f"{found[file.name].path} and {file.path} stand for one subject", "Rename one of them.")
        found[file.name] = file


def parse(
    where: str,
    schema_type: SchemaType,
    text: str,
    dependencies: Sequence[Dependency] = (),
    *,
    strict: bool = True,
    steps: int = 0,
) -> ParsedSchema:
    """Parses a text that came from `where`, in at most `steps` steps.

    Raises:
        CliError: the text is no valid schema, with the places; or it is too much work.
    """
    try:
        return format_of(schema_type).parse(
            text, dependencies, strict=strict, budget=budget(steps, "Parsing the schema")
        )
    except InvalidSchemaError as error:
        findings = with_lines(error.findings, text)
        raise CliError(f"{where} is not a valid {schema_type} schema: {error.message}", findings=findings) from None
    except BudgetExceededError as error:
        raise over_budget(where, error, steps) from None


def budget(steps: int, what: str) -> Budget:
    """The budget of one piece of work: `steps`, or for 0 as many as definitions of the largest size need."""
    return Budget(_steps(steps), what)


def over_budget(where: str, error: BudgetExceededError, steps: int) -> CliError:
    """The error for work on `where` that took more than `steps`."""
    option = f" Or raise --max-steps (LSR_MAX_STEPS), which is {_steps(steps)}." if error.is_out_of_steps else ""
    return CliError(f"{where}: {error}{option}")


def _steps(steps: int) -> int:
    return steps or default_steps(largest_schema())


def read_references(options: Sequence[str]) -> list[Dependency]:
    """The schemas of `--reference NAME=FILE`, in the given order: what a file refers to stands before it."""
    return [Dependency(name, read_text(Path(file))) for name, file in _split(options, "NAME=FILE")]


def needed_by(text: str, references: Sequence[Dependency]) -> list[Dependency]:
    """The references that a text mentions by their full name, and what those mention in turn."""
    needed: list[Dependency] = []
    texts = [text]
    for reference in reversed(references):
        if reference.text != text and any(reference.name in one for one in texts):
            needed.insert(0, reference)
            texts.append(reference.text)
    return needed


def registered_references(options: Sequence[str]) -> list[Reference]:
    """The references of `--reference NAME=SUBJECT@VERSION`; without a version the latest (-1)."""
    references = []
    for name, target in _split(options, "NAME=SUBJECT@VERSION"):
        subject, separator, version = target.rpartition("@")
        if not separator:
            references.append(Reference(name, target, -1))
        elif version.isascii() and version.isdigit() and subject:
            references.append(Reference(name, subject, int(version)))
        else:
            raise CliError(f"--reference {name}={target} is not NAME=SUBJECT@VERSION")
    return references


def _split(options: Sequence[str], form: str) -> list[tuple[str, str]]:
    """Each `NAME=TARGET` as a pair; the name may be a URI that holds `=`, so the last one splits."""
    pairs = []
    for option in options:
        name, _, target = option.rpartition("=")
        if not name or not target:
            raise CliError(f"--reference {option} is not {form}")
        pairs.append((name, target))
    return pairs
