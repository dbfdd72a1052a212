"""`lsr validate`: do these events satisfy their schema?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.options import DEFAULT_REGISTRY, MaxSteps, Registry, Report, Type
from llm_schema_registry.cli.payload_files import Encoding
from llm_schema_registry.cli.reporting.formats import OutputFormat

if TYPE_CHECKING:
    from llm_schema_registry.cli.payload_files import Event
    from llm_schema_registry.cli.reporting import Item
    from llm_schema_registry.client import RegistryClient
    from llm_schema_registry.client.model import PayloadResult
    from llm_schema_registry.formats import ParsedSchema

_BATCH = 500


def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="The events; `-` is stdin, one JSON value a line.")
    ],
    schema: Annotated[
        Path | None, typer.Option("--schema", metavar="FILE", help="Validate offline by this schema.")
    ] = None,
    schema_id: Annotated[int | None, typer.Option("--id", help="Validate by this schema of the registry.")] = None,
    subject: Annotated[str | None, typer.Option(help="Validate by a version of this subject.")] = None,
    version: Annotated[str, typer.Option(help="The version of --subject.")] = "latest",
    message: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The message of a Protobuf schema that the events are of, by its full name or its name below the "
            'package. By default an event in JSON may name it as "@type", any other is of the first message.',
        ),
    ] = None,
    encoding: Annotated[
        Encoding | None,
        typer.Option(case_sensitive=False, help="How the events stand in the files; else the suffix tells."),
    ] = None,
    schema_type: Type = None,
    references: Annotated[
        list[str] | None,
        typer.Option("--reference", metavar="NAME=FILE", help="Schemas that --schema references, dependencies first."),
    ] = None,
    max_steps: MaxSteps = 0,
    registry: Registry = DEFAULT_REGISTRY,
    output: Report = OutputFormat.TEXT,
) -> None:
    """Say whether events satisfy their schema.

    Offline by a schema file, or by a schema of the registry.

    Files are one JSON event (.json), one a line (.ndjson, .jsonl), or one in binary encoding without a frame
    (.avro, .bin, .pb).
    """
    from llm_schema_registry.cli.payload_files import read_events
    from llm_schema_registry.cli.reporting import Report as Result
    from llm_schema_registry.cli.reporting import render

    if sum(given is not None for given in (schema, schema_id, subject)) != 1:
        raise CliError("exactly one of --schema, --id and --subject is required", "Add one, or remove the others.")
    events = [event for file in files for event in read_events(file, encoding)]
    if schema is not None:
        from llm_schema_registry.cli.schema_files import read_references, read_schema
        from llm_schema_registry.cli.source_positions import with_lines
        from llm_schema_registry.cli.terminal import warn

        file = read_schema(schema, schema_type)
        parsed = file.parse(read_references(references or ()), steps=max_steps)
        warn(with_lines(parsed.warnings, file.text))
        items = _locally(events, parsed, message)
    else:
        items = _by_registry(events, registry, schema_id, subject or "", version, message)
    result = Result("validate", "events", tuple(items))
    print(render(result, output), end="")
    if not result.ok:
        raise typer.Exit(ExitCode.FINDINGS)


def _locally(events: list["Event"], schema: "ParsedSchema", message: str | None) -> list["Item"]:
    from llm_schema_registry.cli.checks import judge_event
    from llm_schema_registry.formats import (
        InvalidSchemaError,
        MessageValidator,
        UnknownMessageError,
        as_message,
        format_of,
    )

    try:
        validator = format_of(schema.schema_type).validator(schema)
    except InvalidSchemaError as error:
        raise CliError(f"payloads of this schema cannot be validated: {error.message}") from None
    if message is not None:
        try:
            validator = as_message(validator, message)
        except UnknownMessageError as error:
            raise CliError(f"--message {message}: {error}") from None

    def judged(event: "Event") -> "Item":
        if event.problem is not None:
            return judge_event(event, ())
        if isinstance(validator, MessageValidator):
            judge = validator.judge_bytes if event.is_binary else validator.judge_value
            taken, findings = judge(event.value)
            return judge_event(event, findings, taken)
        check = validator.check_bytes if event.is_binary else validator.check_value
        return judge_event(event, check(event.value))

    return [judged(event) for event in events]


def _by_registry(
    events: list["Event"], url: str, schema_id: int | None, subject: str, version: str, message: str | None
) -> list["Item"]:
    from llm_schema_registry.cli.checks import judge_event
    from llm_schema_registry.cli.registry_session import parsed, with_client

    async def conversation(client: "RegistryClient") -> list["Item"]:
        if any(event.is_binary for event in events):
            if schema_id is not None:
                found = await client.schema_by_id(schema_id)
            else:
                found = await client.version(subject, version)
            return _locally(events, await parsed(client, found), message)
        results: dict[int, PayloadResult] = {}
        readable = [event for event in events if event.problem is None]
        for start in range(0, len(readable), _BATCH):
            batch = readable[start : start + _BATCH]
            values = [event.value for event in batch]
            reply = await client.validate_batch(
                values, schema_id=schema_id, subject=subject, version=version, message=message
            )
            results |= {id(event): result for event, result in zip(batch, reply.results, strict=True)}
        return [
            judge_event(event, (*result.errors, *result.warnings), result.message)
            if (result := results.get(id(event))) is not None
            else judge_event(event, ())
            for event in events
        ]

    return with_client(url, conversation)
