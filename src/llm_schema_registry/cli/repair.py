"""Work and report of `lsr repair`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.import_export import read_source
from llm_schema_registry.client import ClientError, RegisteredSchema, RegistryClient, RegistryError
from llm_schema_registry.client.migration import Snapshot
from llm_schema_registry.store.api import Store, StoreUnavailableError
from llm_schema_registry.store.blobs import BlobSettings, InvalidBlobsUrlError, folder_of, open_blobs
from llm_schema_registry.store.blobs.repair import Fault, Repair, Source
from llm_schema_registry.store.factory import InvalidStoreUrlError, open_tables
from llm_schema_registry.store.records import StoredSchema


@dataclass(frozen=True, slots=True)
class RepairOptions:
    """What is to be done besides looking.

    Attributes:
        fix: restore lost texts that can be obtained.
        source: another place to obtain them: the URL of a registry, or an export.
        move: move what belongs elsewhere by its size.
        prune: remove what nothing refers to.
    """

    fix: bool
    source: str | None
    move: bool
    prune: bool


@dataclass(slots=True)
class RepairReport:
    """What was found and done.

    Attributes:
        objects: how many were looked at.
        schemas: how many schemas have their definition in them.
        lost: the schemas whose definition cannot be read, why, and whether it was put back.
        moved_out: how many definitions went to object storage.
        moved_in: how many came back from there.
        orphans: how many old objects nothing refers to.
        pruned: how many of them were removed.
    """

    objects: int = 0
    schemas: int = 0
    lost: list[tuple[StoredSchema, str, bool]] = field(default_factory=list)
    moved_out: int = 0
    moved_in: int = 0
    orphans: int = 0
    pruned: int = 0

    @property
    def still_lost(self) -> int:
        """How many schemas cannot be read after all."""
        return sum(not fixed for _, _, fixed in self.lost)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "objects": self.objects,
            "schemas": self.schemas,
            "lost": [
                {"context": schema.context, "id": schema.schema_id, "guid": schema.guid, "object": _object_of(schema)}
                | {"why": why, "fixed": fixed}
                for schema, why, fixed in self.lost
            ],
            "movedOut": self.moved_out,
            "movedIn": self.moved_in,
            "orphans": self.orphans,
            "pruned": self.pruned,
        }

    def sentence(self) -> str:
        """For people, on one line."""
        return (
            f"{self.schemas} definitions in {self.objects} objects: {len(self.lost)} lost, "
            f"{len(self.lost) - self.still_lost} put back; {self.moved_out} moved out, {self.moved_in} moved in; "
            f"{self.orphans} old objects that nothing refers to, {self.pruned} removed"
        )


def line_of(schema: StoredSchema, why: str, fixed: bool) -> str:
    """What is said of a lost definition."""
    outcome = ": put back" if fixed else ""
    return f"schema {schema.schema_id} in context '{schema.context}' (object {_object_of(schema)}): {why}{outcome}"


async def repair(store: str, place: BlobSettings, wanted: RepairOptions, say: Callable[[str], None]) -> RepairReport:
    """Looks at every definition in object storage, and does what is wanted.

    Args:
        store: its URL.
        place: where its large definitions are.
        wanted: what to do.
        say: called with a line for each definition that is lost.

    Raises:
        CliError: a URL cannot be used; the store, object storage or the source does not answer.
    """
    try:
        async with AsyncExitStack() as stack:
            tables = await open_tables(store)
            stack.push_async_callback(tables.close)
            blobs = open_blobs(place.url, folder_of(await tables.identity()))
            source = await stack.enter_async_context(_source(wanted.source, tables))
            return await _repair(Repair(tables, blobs, place.threshold), wanted, source, say)
    except (InvalidStoreUrlError, InvalidBlobsUrlError) as error:
        raise CliError(str(error)) from None
    except StoreUnavailableError as error:
        raise CliError(str(error), "Start it, or name another one.", exit_code=ExitCode.UNREACHABLE) from None
    except ClientError as error:
        raise CliError(f"the source: {error}", exit_code=ExitCode.UNREACHABLE) from None


async def _repair(
    repairing: Repair, wanted: RepairOptions, source: Source | None, say: Callable[[str], None]
) -> RepairReport:
    done = RepairReport()
    async for schemas in repairing.objects():
        done.objects += 1
        done.schemas += len(schemas)
        fault = await repairing.check(schemas)
        if fault is not None:
            fixed = wanted.fix and await repairing.fix(fault, source)
            _note(fault, fixed, done, say)
    if wanted.move:
        async for _ in repairing.move_out():
            done.moved_out += 1
        async for _ in repairing.move_in():
            done.moved_in += 1
    async for name in repairing.orphans():
        done.orphans += 1
        done.pruned += wanted.prune and await repairing.prune(name)
    return done


def _note(fault: Fault, fixed: bool, done: RepairReport, say: Callable[[str], None]) -> None:
    for schema in fault.schemas:
        done.lost.append((schema, fault.why, fixed))
        say(line_of(schema, fault.why, fixed))


@asynccontextmanager
async def _source(source: str | None, tables: Store) -> AsyncIterator[Source | None]:
    """Texts by place: from a registry those requested, from an export all."""
    if source is None:
        yield None
    elif source.startswith(("http://", "https://")):
        async with RegistryClient(source) as client:
            yield _in_registry(client, tables)
    else:
        yield _in_export(read_source(source))


def _in_registry(client: RegistryClient, tables: Store) -> Source:
    async def texts(schema: StoredSchema) -> AsyncIterator[str]:
        found = await _text_or_none(client.schema_by_guid(schema.guid))
        if found is not None:
            yield found
        # Not every registry knows GUIDs.
        for version in await tables.versions_of_schema(schema.context, schema.schema_id):
            found = await _text_or_none(client.version(str(version.subject), version.version, deleted=True))
            if found is not None:
                yield found

    return texts


async def _text_or_none(asked: Awaitable[RegisteredSchema]) -> str | None:
    try:
        return (await asked).schema
    except RegistryError:
        # It has no such schema, or cannot read it either.
        return None


def _in_export(snapshot: Snapshot) -> Source:
    by_guid = {version.identity: version.schema for version in snapshot.versions}

    async def texts(schema: StoredSchema) -> AsyncIterator[str]:
        if schema.guid in by_guid:
            yield by_guid[schema.guid]

    return texts


def _object_of(schema: StoredSchema) -> str:
    return (schema.blob or "").partition(":")[0]
