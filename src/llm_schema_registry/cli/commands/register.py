"""`lsr register`: put a schema into the registry."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.options import DEFAULT_REGISTRY, AsJson, Registry, Type

if TYPE_CHECKING:
    from llm_schema_registry.client import RegisteredSchema, RegistryClient


def register(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The schema.")],
    subject: Annotated[str | None, typer.Option(help="The subject; else the file's name without suffix.")] = None,
    schema_type: Type = None,
    references: Annotated[
        list[str] | None,
        typer.Option("--reference", metavar="NAME=SUBJECT@VERSION", help="What the schema refers to; once for each."),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="NAME=VALUE", help="A property of its metadata (owner=…); once for each."),
    ] = None,
    normalize: Annotated[bool, typer.Option("--normalize", help="Compare and store the normal form.")] = False,
    registry: Registry = DEFAULT_REGISTRY,
    as_json: AsJson = False,
) -> None:
    """Register a schema and print its id and version.

    The same schema again gives the same id and version. An incompatible one is refused with the reasons (exit 1).
    """
    import msgspec

    from llm_schema_registry.cli import schema_files
    from llm_schema_registry.cli.registry_session import with_client
    from llm_schema_registry.cli.source_positions import with_lines
    from llm_schema_registry.cli.terminal import warn
    from llm_schema_registry.client import SchemaRequest
    from llm_schema_registry.contracts import Metadata

    source = schema_files.read_schema(file, schema_type, subject)
    given = dict(_property(option) for option in properties or ())
    request = SchemaRequest(
        source.text,
        source.schema_type,
        schema_files.registered_references(references or ()),
        Metadata(properties=given) if given else None,
    )

    async def conversation(client: "RegistryClient") -> "RegisteredSchema":
        return await client.register(source.name, request, normalize=normalize)

    registered = with_client(registry, conversation)
    warn(with_lines(registered.details, source.text))
    if as_json:
        result = {"subject": source.name, "version": registered.version, "id": registered.id, "guid": registered.guid}
        print(msgspec.json.encode(result).decode())
    else:
        version = f"version {registered.version}, " if registered.version else ""
        print(f"{source.name}: {version}id {registered.id}")


def _property(option: str) -> tuple[str, str]:
    name, separator, value = option.partition("=")
    if not name or not separator:
        raise CliError(f"--property {option} is not NAME=VALUE")
    return name, value
