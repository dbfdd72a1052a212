"""Doing the work of an import: IMPORT mode where it is needed, for as long as it is needed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from llm_schema_registry.client.client import RegistryClient
from llm_schema_registry.client.errors import ClientError, ModeNotRestoredError, NotAsSentError
from llm_schema_registry.client.migration.comparing import Work
from llm_schema_registry.client.migration.snapshot import Snapshot, VersionRecord
from llm_schema_registry.client.model import SchemaRequest
from llm_schema_registry.contracts import Subject

_IMPORT = "IMPORT"
_TAKES_IDS = frozenset({_IMPORT, "FORWARD"})


async def bring(
    client: RegistryClient, target: Snapshot, work: Work, announce: Callable[[str], None] = lambda name: None
) -> None:
    """Does the work, in an order in which each step can be taken, and so that it can be begun again anywhere.

    Contexts and subjects that get schemas are in IMPORT mode meanwhile, and are put back whatever happens.

    Args:
        client: the registry.
        target: what it held when the work was decided.
        work: without collisions.
        announce: called before each step.

    Raises:
        RegistryError: the registry refused a step.
        NotAsSentError: it made another version of a schema than the one that was brought.
        ModeNotRestoredError: a scope stays in IMPORT mode.
        RegistryUnreachableError: it went away.
    """
    # A mode that takes ids may only be set where a schema lives, or it removes what is soft-deleted: before deletes.
    early = {scope: mode for scope, mode in work.modes.items() if mode is not None and mode in _TAKES_IDS}
    async with _importing(client, _scopes_of(target, work.register), target, keep=early):
        for version in work.register:
            announce(f"{version.subject} version {version.version}")
            await _register(client, version)
        for scope, mode in early.items():
            await client.put_mode(scope, mode)
        for version in work.delete:
            announce(f"deleting {version.subject} version {version.version}")
            await client.delete_version(version.subject, version.version)
        for change in work.configs:
            announce(f"config of {change.scope or 'the default context'}")
            await client.put_config(change.scope, change.changes)
    for scope, wanted in work.modes.items():
        if scope not in early:
            announce(f"mode of {scope or 'the default context'}")
            await (client.delete_mode(scope) if wanted is None else client.put_mode(scope, wanted))


async def _register(client: RegistryClient, version: VersionRecord) -> None:
    request = SchemaRequest(
        version.schema,
        version.schema_type,
        version.references,
        version.metadata,
        version.rule_set,
        version.id,
        version.version,
    )
    made = await client.register(version.subject, request)
    # An older registry answers the id alone.
    if made.id != version.id or made.version not in (0, version.version):
        raise NotAsSentError(
            f"{version.subject} version {version.version}, id {version.id}, became version {made.version}, id {made.id}"
        )


def _scopes_of(target: Snapshot, register: Iterable[VersionRecord]) -> list[Subject]:
    """Where IMPORT mode is needed: the contexts, and the subjects that have a mode of their own."""
    subjects = dict.fromkeys(version.parsed_subject for version in register)
    own = [subject for subject in subjects if (found := target.by_scope.get(subject)) and found.mode]
    return [*dict.fromkeys(subject.scope_of_context for subject in subjects), *own]


@asynccontextmanager
async def _importing(
    client: RegistryClient, scopes: Iterable[Subject], target: Snapshot, keep: Iterable[str]
) -> AsyncIterator[None]:
    """IMPORT mode in these scopes; afterwards as before, save for those in `keep` if all went well."""
    before: dict[str, str | None] = {}
    done = False
    try:
        for scope in scopes:
            settings = target.by_scope.get(scope)
            mode = settings.mode if settings else None
            if mode != _IMPORT:
                before[str(scope)] = mode
                await client.put_mode(str(scope), _IMPORT)
        yield
        done = True
    finally:
        left = {scope: mode for scope, mode in before.items() if not (done and scope in keep)}
        # Not even an interruption may leave the registry taking foreign ids.
        await asyncio.shield(_put_back(client, left))


async def _put_back(client: RegistryClient, modes: dict[str, str | None]) -> None:
    failed: ModeNotRestoredError | None = None
    for scope, mode in reversed(modes.items()):
        try:
            await (client.delete_mode(scope) if mode is None else client.put_mode(scope, mode))
        except ClientError as error:
            failed = ModeNotRestoredError(scope, mode, error)
    if failed is not None:
        raise failed
