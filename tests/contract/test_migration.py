"""Snapshots of registries that serve less than this one, and imports that meet what is there."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from contract.asgi import Caller, started
from contract.clients import InProcess
from llm_schema_registry.client import ALL_CONTEXTS, RegisteredSchema, RegistryError, ScopeSettings
from llm_schema_registry.client.migration import Snapshot, VersionRecord, apply_import, compare, take_snapshot

_PART = '{"type":"record","name":"Part","fields":[]}'
_NOT_FOUND = RegistryError(404, 404, "HTTP 404 Not Found")


class NoScopes(InProcess):
    """A registry that is only compatible with Confluent's."""

    async def scopes(self) -> list[ScopeSettings]:
        raise _NOT_FOUND

    async def all_schemas(self, prefix: str = ALL_CONTEXTS, *, deleted: bool = False) -> list[RegisteredSchema]:
        found = await super().all_schemas(prefix, deleted=deleted)
        return [RegisteredSchema(**{**_fields(each), "deleted": False, "guid": "", "ts": None}) for each in found]


class NoLists(NoScopes):
    """One that lists no schemas and knows no contexts either."""

    async def all_schemas(self, prefix: str = ALL_CONTEXTS, *, deleted: bool = False) -> list[RegisteredSchema]:
        raise _NOT_FOUND

    async def contexts(self) -> list[str]:
        raise _NOT_FOUND


def _fields(schema: RegisteredSchema) -> dict[str, object]:
    return {name: getattr(schema, name) for name in schema.__struct_fields__}


@pytest.fixture
async def old() -> AsyncIterator[Caller]:
    async with started(compatibility="NONE") as call:
        await call("POST", "/subjects/part/versions", {"schema": _PART})
        await call("POST", "/subjects/part/versions", {"schema": '"int"', "metadata": {"properties": {"a": "b"}}})
        reference = {"name": "Part", "subject": "part", "version": 1}
        whole = _PART.replace("Part", "Whole").replace("[]", '[{"name":"p","type":"Part"}]')
        await call("POST", "/subjects/w%2Fhole/versions", {"schema": whole, "references": [reference]})
        await call("POST", "/subjects/gone/versions", {"schema": '{"type":"object"}', "schemaType": "JSON"})
        await call("DELETE", "/subjects/gone")
        await call("DELETE", "/subjects/part/versions/2")
        await call("PUT", "/config", {"compatibility": "FULL"})
        await call("PUT", "/config/part", {"compatibility": "NONE"})
        await call("PUT", "/mode/w%2Fhole", {"mode": "READONLY"})
        yield call


@pytest.mark.parametrize("kind", [NoScopes, NoLists])
async def test_any_compatible_registry_can_be_read(old: Caller, kind: type[InProcess]) -> None:
    full, less = await take_snapshot(InProcess(old)), await take_snapshot(kind(old))
    assert [each.place for each in less.versions] == [each.place for each in full.versions]
    assert [each.identity for each in less.versions] == [each.identity for each in full.versions]
    assert [each.deleted for each in less.versions] == [each.deleted for each in full.versions]
    assert {scope: each.config for scope, each in less.by_scope.items()} == {
        scope: each.config for scope, each in full.by_scope.items()
    }
    async with started() as new:
        client = InProcess(new)
        target = await take_snapshot(client)
        await apply_import(client, target, compare(less, target))
        left = compare(full, await take_snapshot(client))
        assert (left.is_done, left.present, left.collisions) == (True, 4, [])


async def test_it_goes_on_where_it_was_interrupted(old: Caller) -> None:
    source = await take_snapshot(InProcess(old))

    class Interrupted(InProcess):
        steps = 0

        async def register(self, *arguments: object, **options: object) -> RegisteredSchema:
            self.steps += 1
            if self.steps == 3:
                raise RegistryError(500, 50001, "somebody pulled the plug")
            return await super().register(*arguments, **options)  # type: ignore[arg-type]

    async with started() as new:
        client = InProcess(new)
        target = await take_snapshot(client)
        with pytest.raises(RegistryError, match="pulled the plug"):
            await apply_import(Interrupted(new), target, compare(source, target))
        half = await take_snapshot(client)
        assert (len(half.versions), half.scopes) == (2, [])
        work = compare(source, half)
        assert (work.present, len(work.register)) == (1, 2)
        await apply_import(client, half, work)
        assert compare(source, await take_snapshot(client)).is_done


async def test_what_is_there_stays(old: Caller) -> None:
    """Subjects, modes and later ids of the registry that is imported into."""
    source = await take_snapshot(InProcess(old))
    async with started() as new:
        client = InProcess(new)
        await apply_import(client, await take_snapshot(client), compare(source, await take_snapshot(client)))
        await client.put_mode("part", "READONLY")
        later = await new("POST", "/subjects/mine/versions", {"schema": '"bytes"'})
        assert later.json["id"] == max(version.id for version in source.versions) + 1
        target = await take_snapshot(client)
        assert compare(source, target).is_done
        more = Snapshot(source.contexts, [], [*source.versions, _next(source)])
        await apply_import(client, target, compare(more, target))
        assert (await new("GET", "/subjects/part/versions")).json == [1, 3]
        assert (await new("GET", "/mode/part")).json == {"mode": "READONLY"}
        assert (await new("GET", "/mode")).json == {"mode": "READWRITE"}


def _next(source: Snapshot) -> VersionRecord:
    part = next(version for version in source.versions if version.subject == "part")
    return msgspec.structs.replace(part, version=3, id=50, schema='"string"', guid="")
