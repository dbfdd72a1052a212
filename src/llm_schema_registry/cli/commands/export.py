"""`lsr export`: the whole content of a registry as a directory."""

from pathlib import Path
from typing import Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.options import DEFAULT_REGISTRY, Registry


def export(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Where to; made if missing, or an earlier export.")
    ],
    registry: Registry = DEFAULT_REGISTRY,
) -> None:
    """Write everything that a registry holds into a directory: one file per version, and a manifest.

    The manifest holds ids, GUIDs, versions, soft-deleted ones too, references, metadata, rule sets, contexts, and
    the config and mode of every scope. `lsr import --from DIRECTORY` brings it into a registry again. The registry
    may be any compatible one; nobody should write to it meanwhile.
    """
    from llm_schema_registry.cli.registry_session import with_client
    from llm_schema_registry.client import RegistryClient
    from llm_schema_registry.client.migration import NotAnExportError, take_snapshot, write_directory

    snapshot = with_client(registry, take_snapshot)
    try:
        written = write_directory(directory, snapshot, RegistryClient(registry).url)
    except NotAnExportError as error:
        raise CliError(str(error), "Name another directory, or one that does not exist.") from None
    except OSError as error:
        raise CliError(f"{directory} cannot be written: {error.strerror}") from None
    print(f"{directory}: {written} versions of {len({each.subject for each in snapshot.versions})} subjects")
