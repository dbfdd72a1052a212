"""A session with a registry: errors become exit codes, schemas become parsed ones."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.schema_files import parse
from llm_schema_registry.client import LATEST, ClientError, RegisteredSchema, RegistryClient, RegistryError
from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.contracts import Reference
from llm_schema_registry.formats import Dependency, ParsedSchema

SUBJECT_NOT_FOUND = 40401
VERSION_NOT_FOUND = 40402
SUBJECT_CONFIG_NOT_FOUND = 40408
_T = TypeVar("_T")
_DETAILS = ", details: "
_EXITS = {401: ExitCode.FORBIDDEN, 403: ExitCode.FORBIDDEN, 409: ExitCode.FINDINGS}


def with_client(url: str, conversation: Callable[[RegistryClient], Awaitable[_T]]) -> _T:
    """Runs a conversation with the registry at `url`.

    Raises:
        CliError: no registry answers (exit 3), or it answered with an error (exit by its kind, with its findings).
    """

    async def run() -> _T:
        async with RegistryClient(url) as client:
            return await conversation(client)

    try:
        return asyncio.run(run())
    except RegistryError as error:
        # With findings, the details that other clients read out of the message would say everything twice.
        sentence = error.message.partition(_DETAILS)[0] if error.findings else error.message
        raise CliError(
            f"registry error {error.error_code}: {sentence}",
            findings=error.findings,
            exit_code=exit_of(error.status),
        ) from None
    except ClientError as error:
        raise CliError(
            str(error),
            "Start one with `lsr serve`, or name another with --registry or LSR_REGISTRY.",
            exit_code=ExitCode.UNREACHABLE,
        ) from None


def exit_of(status: int) -> ExitCode:
    """The exit code for an HTTP status of 400 or more."""
    return ExitCode.UNREACHABLE if status >= 500 else _EXITS.get(status, ExitCode.USAGE)


async def parsed(client: RegistryClient, schema: RegisteredSchema, steps: int = 0) -> ParsedSchema:
    """A schema of the registry, parsed with everything that it refers to."""
    where = f"{schema.subject} version {schema.version}" if schema.subject else f"schema {schema.id}"
    dependencies = await dependencies_of(client, schema.references)
    return parse(where, schema.schema_type, schema.schema, dependencies, strict=False, steps=steps)


async def dependencies_of(client: RegistryClient, references: Sequence[Reference]) -> list[Dependency]:
    """What references name, and what that refers to in turn: dependencies first, each name once."""
    dependencies: dict[str, Dependency] = {}
    await _collect(client, references, dependencies)
    return list(dependencies.values())


async def history_of(
    client: RegistryClient, subject: str, level: CompatibilityLevel, steps: int = 0
) -> list[tuple[int, ParsedSchema]]:
    """The versions that a new one must agree with under `level`, newest first; none for a new subject."""
    try:
        if level.transitive:
            numbers: list[int | str] = sorted(await client.versions(subject), reverse=True)
        else:
            numbers = [LATEST] if level.directions else []
        schemas = [await client.version(subject, number) for number in numbers]
    except RegistryError as error:
        if error.error_code in (SUBJECT_NOT_FOUND, VERSION_NOT_FOUND):
            return []
        raise
    return [(schema.version, await parsed(client, schema, steps)) for schema in schemas]


async def _collect(client: RegistryClient, references: Sequence[Reference], into: dict[str, Dependency]) -> None:
    for reference in references:
        if reference.name not in into:
            number = LATEST if reference.version == -1 else reference.version
            referred = await client.version(reference.subject, number, deleted=True)
            await _collect(client, referred.references, into)
            into[reference.name] = Dependency(reference.name, referred.schema)
