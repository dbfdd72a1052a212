"""`lsr catalog`: the starter catalogue of LLM event schemas."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.options import DEFAULT_REGISTRY, AsJson, Registry

if TYPE_CHECKING:
    from llm_schema_registry.cli.catalog_install import Installed
    from llm_schema_registry.client import RegistryClient


def install(registry: Registry = DEFAULT_REGISTRY, as_json: AsJson = False) -> None:
    """Register the catalogue, and print what was new.

    Schemas come with references, owners, tags and rules, subjects with their compatibility level. Doing it again
    changes nothing; a compatibility level that you chose yourself stays.
    """
    import msgspec

    from llm_schema_registry.catalog import Catalog
    from llm_schema_registry.cli import catalog_install
    from llm_schema_registry.cli.registry_session import with_client
    from llm_schema_registry.cli.terminal import console

    catalog = Catalog.load()

    async def conversation(client: "RegistryClient") -> "list[Installed]":
        err = console(stderr=True)
        if not err.is_terminal:
            return await catalog_install.install(client, catalog)
        with err.status("Installing the catalogue") as status:
            return await catalog_install.install(
                client, catalog, lambda subject: status.update(f"Registering {subject}")
            )

    done = with_client(registry, conversation)
    if as_json:
        print(msgspec.json.encode(done).decode())
        return
    for one in done:
        if one.registered or one.level_set:
            print(f"{one.subject}: {_what_was_done(one)}")
    new = sum(len(one.registered) for one in done)
    present = sum(len(one.present) for one in done)
    print(f"{len(done)} subjects: {new} schemas registered, {present} were there already")


def list_catalog(as_json: AsJson = False) -> None:
    """List what the catalogue holds."""
    import msgspec

    from llm_schema_registry.catalog import Catalog
    from llm_schema_registry.cli.terminal import print_table

    subjects = Catalog.load().subjects
    if as_json:
        print(msgspec.json.encode(subjects).decode())
        return
    columns = ("subject", "versions", "type", "compatibility", "owner", "tags")
    print_table(
        columns,
        [
            (s.subject, len(s.versions), str(s.versions[-1].type), s.compatibility, s.owner_team, ", ".join(s.tags))
            for s in subjects
        ],
    )
    print(f"{len(subjects)} subjects")


def export(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where to; it is made if it is not there.")],
) -> None:
    """Write the catalogue's schemas, sample events and next versions into a directory, to play with.

    A file that is there already stays as it is.
    """
    from llm_schema_registry.catalog import Catalog

    catalog = Catalog.load()
    contents = {
        f"schemas/{version.file}": catalog.schema_text(version.file)
        for subject in catalog.subjects
        for version in subject.versions
    }
    contents |= {f"samples/{sample.name}.json": sample.text for sample in catalog.samples}
    contents |= {f"drift/{drift.name}.json": drift.text for drift in catalog.drift}
    contents |= {f"evolution/{evolution.file}": evolution.text for evolution in catalog.evolutions}
    written = 0
    for name, text in contents.items():
        path = directory / name
        if path.is_file():
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written += 1
        except OSError as error:
            raise CliError(f"{path} cannot be written: {error.strerror}") from None
    print(f"{directory}: {written} files written, {len(contents) - written} were there already")


COMMANDS: dict[str, Callable[..., None]] = {"install": install, "list": list_catalog, "export": export}


def _what_was_done(one: "Installed") -> str:
    done = []
    if one.registered:
        numbers = ", ".join(map(str, one.registered))
        done.append(f"version{'' if len(one.registered) == 1 else 's'} {numbers} registered")
    if one.level_set:
        done.append(f"compatibility {one.level}")
    return "; ".join(done)
