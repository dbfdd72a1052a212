"""`lsr get`: a schema out of the registry."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.options import DEFAULT_REGISTRY, AsJson, Registry
from llm_schema_registry.formats.format import SchemaType

if TYPE_CHECKING:
    from llm_schema_registry.client import RegisteredSchema, RegistryClient

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_VERSION = re.compile(r"(?P<subject>.+)/(?P<version>\d+|latest)")


def get(
    which: Annotated[
        str, typer.Argument(metavar="WHICH", help="An id (12), a GUID, SUBJECT/VERSION, or SUBJECT for its latest.")
    ],
    registry: Registry = DEFAULT_REGISTRY,
    as_json: AsJson = False,
) -> None:
    """Print the text of a schema.

    With --json everything that the registry knows of it.
    """
    import msgspec

    from llm_schema_registry.cli.registry_session import with_client

    async def conversation(client: "RegistryClient") -> "RegisteredSchema":
        return await _find(client, which)

    schema = with_client(registry, conversation)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(schema), indent=2).decode())
    elif schema.schema_type is SchemaType.PROTOBUF:
        print(schema.schema.rstrip("\n"))
    else:
        print(msgspec.json.format(schema.schema, indent=2))


async def _find(client: "RegistryClient", which: str) -> "RegisteredSchema":
    if which.isascii() and which.isdigit():
        return await client.schema_by_id(int(which))
    if _GUID.fullmatch(which):
        return await client.schema_by_guid(which)
    if match := _VERSION.fullmatch(which):
        return await client.version(match["subject"], match["version"])
    return await client.version(which)
