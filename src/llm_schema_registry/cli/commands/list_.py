"""`lsr list`: what the registry holds."""

from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.options import DEFAULT_REGISTRY, AsJson, Registry

if TYPE_CHECKING:
    from llm_schema_registry.client import RegisteredSchema, RegistryClient


def list_subjects(
    prefix: Annotated[str, typer.Argument(metavar="[PREFIX]", help="Only subjects whose name begins so.")] = "",
    registry: Registry = DEFAULT_REGISTRY,
    as_json: AsJson = False,
) -> None:
    """List the subjects with their latest version."""
    import msgspec

    from llm_schema_registry.cli.registry_session import with_client
    from llm_schema_registry.cli.terminal import print_table
    from llm_schema_registry.contracts import property_of

    async def conversation(client: "RegistryClient") -> "list[RegisteredSchema]":
        return await client.latest_schemas(prefix)

    found = with_client(registry, conversation)
    rows = [
        (s.subject, s.version, str(s.schema_type), s.id, property_of(s.metadata, "owner") or "")
        for s in sorted(found, key=lambda s: s.subject)
    ]
    columns = ("subject", "version", "type", "id", "owner")
    if as_json:
        print(msgspec.json.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode())
    else:
        print_table(columns, rows)
        print(f"{len(rows)} subject{'' if len(rows) == 1 else 's'}")
