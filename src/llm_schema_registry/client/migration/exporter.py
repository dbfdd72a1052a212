"""Takes a snapshot of a registry over HTTP: of this one, or of any that is compatible with Confluent's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from llm_schema_registry.client.client import RegistryClient
from llm_schema_registry.client.errors import RegistryError
from llm_schema_registry.client.migration.snapshot import Snapshot, VersionRecord
from llm_schema_registry.client.model import RegisteredSchema, ScopeSettings
from llm_schema_registry.contracts import DEFAULT_CONTEXT, GLOBAL_SCOPE, Subject

_NOT_SERVED = frozenset({404, 405})
_AT_ONCE = 8
_T = TypeVar("_T")
_Item = TypeVar("_Item")


async def take_snapshot(client: RegistryClient) -> Snapshot:
    """Everything that the registry holds, read while others should not write.

    Raises:
        ClientError: it does not answer, or refuses to.
    """
    contexts = await _or_none(client.contexts()) or [DEFAULT_CONTEXT]
    scopes = await _or_none(client.scopes())
    listed = await _versions(client, tells_deleted=scopes is not None)
    versions = await _each(_with_stored_text, client, listed)
    if scopes is None:
        names = [str(Subject(context, "")) for context in contexts if context != DEFAULT_CONTEXT]
        names += [str(GLOBAL_SCOPE), *dict.fromkeys(version.subject for version in versions)]
        scopes = [each for each in await _each(_settings, client, ["", *names]) if each.config or each.mode]
    order = sorted(versions, key=lambda version: version.place)
    return Snapshot(contexts, sorted(scopes, key=lambda scope: scope.scope), order)


async def _versions(client: RegistryClient, *, tells_deleted: bool) -> list[VersionRecord]:
    listed = await _or_none(client.all_schemas(deleted=True))
    if listed is None:
        subjects = await client.subjects(deleted=True)
        return [version for found in await _each(_versions_of, client, subjects) for version in found]
    if not tells_deleted:
        alive = {(schema.subject, schema.version) for schema in await client.all_schemas()}
        listed = [
            msgspec.structs.replace(schema, deleted=(schema.subject, schema.version) not in alive) for schema in listed
        ]
    return [_record(schema) for schema in listed]


async def _versions_of(client: RegistryClient, subject: str) -> list[VersionRecord]:
    numbers = await client.versions(subject, deleted=True)
    alive = await _or_none(client.versions(subject)) or []
    found = [await client.version(subject, number, deleted=True) for number in numbers]
    return [_record(msgspec.structs.replace(schema, deleted=schema.version not in alive)) for schema in found]


async def _with_stored_text(client: RegistryClient, version: VersionRecord) -> VersionRecord:
    """A version with the text that gives its GUID, which clients may have been given another form of."""
    if not (version.references and version.guid) or version.guid == version.identity:
        return version
    try:
        text = await client.stored_text(version.id, version.parsed_subject.context)
    except RegistryError:
        # A registry that knows no such form; what its GUIDs are made from is its own business.
        return version
    return msgspec.structs.replace(version, schema=text) if version.identity_with(text) == version.guid else version


async def _settings(client: RegistryClient, scope: str) -> ScopeSettings:
    return ScopeSettings(scope, await _or_none(client.own_config(scope)), await _or_none(client.own_mode(scope)))


async def _or_none(call: Awaitable[_T]) -> _T | None:
    """The answer, or `None` where there is nothing of the kind."""
    try:
        return await call
    except RegistryError as error:
        if error.status in _NOT_SERVED:
            return None
        raise


async def _each(
    use: Callable[[RegistryClient, _Item], Awaitable[_T]], client: RegistryClient, items: Sequence[_Item]
) -> list[_T]:
    """What each item gives, a few at a time."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(item: _Item) -> _T:
        async with room:
            return await use(client, item)

    return await asyncio.gather(*(one(item) for item in items))


def _record(schema: RegisteredSchema) -> VersionRecord:
    return VersionRecord(**{name: getattr(schema, name) for name in VersionRecord.__struct_fields__})
