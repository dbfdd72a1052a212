"""Decisions of a node that has not heard yet what another one committed: what is written is right all the same."""

import json
from collections.abc import AsyncIterator
from typing import cast

import msgspec
import pytest

from llm_schema_registry.contracts import Reference, Subject
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.config import ConfigUpdate, put_config
from llm_schema_registry.registry.plan import Planned, plan
from llm_schema_registry.registry.reads import get_version
from llm_schema_registry.registry.registration import register
from llm_schema_registry.server.response_cache import LocalCommitSignal
from llm_schema_registry.store import Store, dependencies, open_store
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.layers.dependency_tracking import DependencyTrackingStore
from llm_schema_registry.store.layers.local_cache import LocalCacheStore

S, T = Subject(".", "s"), Subject(".", "t")


def node(store: Store) -> Registry:
    """A node of its own: it hears of what others commit only where it finds it."""
    follower = ChangeLogFollower(LocalCommitSignal())
    follower.follow(store)
    cached = cast(Store, LocalCacheStore(store, follower))
    return Registry(cast(Store, DependencyTrackingStore(cached, follower.signal.notify)), seen=follower.catch_up)


@pytest.fixture
async def nodes() -> AsyncIterator[tuple[Registry, Registry]]:
    store = await open_store("sqlite://")
    yield node(store), node(store)
    await store.close()


def schema(**fields: str) -> SchemaRequest:
    described = [{"name": name, "type": kind} for name, kind in fields.items()]
    return SchemaRequest(schema=json.dumps({"type": "record", "name": "R", "fields": described}))


async def test_of_two_that_exclude_each_other_the_second_is_refused(nodes: tuple[Registry, Registry]) -> None:
    one, two = nodes
    for registry in nodes:
        assert await registry.store.versions(S) == []
    assert (await register(one, S, schema(a="string"))).version.version == 1
    assert await two.store.versions(S) == [], "else this is no test"
    with pytest.raises(RegistryError) as refusal:
        await register(two, S, schema(a="int"))
    assert refusal.value.code is ErrorCode.INCOMPATIBLE_SCHEMA


async def test_the_same_at_two_nodes_is_one_version(nodes: tuple[Registry, Registry]) -> None:
    one, two = nodes
    assert await two.store.versions(S) == []
    first = await register(one, S, schema(a="string"))
    second = await register(two, S, schema(a="string"))
    assert second.version == first.version
    assert (first.created, second.created) == (True, False)


async def test_a_config_that_came_meanwhile_counts(nodes: tuple[Registry, Registry]) -> None:
    one, two = nodes
    await register(two, S, schema(a="string"))
    assert (await get_version(two, S, 1)).version.version == 1
    await put_config(one, S, ConfigUpdate(compatibility="FORWARD"))
    with pytest.raises(RegistryError) as refusal:
        await register(two, S, schema())
    assert refusal.value.code is ErrorCode.INCOMPATIBLE_SCHEMA


async def test_nothing_is_refused_for_what_is_no_more(nodes: tuple[Registry, Registry]) -> None:
    one, two = nodes
    await register(two, S, schema(a="string"))
    with pytest.raises(RegistryError):
        await register(two, S, schema(a="int"))
    await put_config(one, S, ConfigUpdate(compatibility="NONE"))
    assert (await register(two, S, schema(a="int"))).version.version == 2


async def test_what_is_referred_to_may_have_come_meanwhile(nodes: tuple[Registry, Registry]) -> None:
    one, two = nodes
    near = msgspec.structs.replace(schema(), schema='"R"', references=[Reference("R", "t", 1)])
    with pytest.raises(RegistryError) as refusal:
        await register(two, S, near)
    assert refusal.value.code is ErrorCode.INVALID_SCHEMA
    await register(one, T, schema(a="string"))
    assert (await register(two, S, near)).version.version == 1


async def test_plans_are_held_to_the_same(nodes: tuple[Registry, Registry]) -> None:
    one, two = nodes
    assert await two.store.versions(S) == []
    await register(one, S, schema(a="string"))
    planned = await plan(two, [Planned(S, schema(a="int"))], apply=True)
    assert planned.refused
    assert len(await two.store.versions(S)) == 1


async def test_where_the_log_is_known_its_revision_is_not_asked_for(nodes: tuple[Registry, Registry]) -> None:
    one, two = nodes
    asked: list[str] = []
    inner = two.store
    while isinstance(inner, DependencyTrackingStore | LocalCacheStore):
        inner = inner._store
    revision = inner.revision

    async def counted() -> int:
        asked.append("revision")
        return await revision()

    inner.revision = counted  # type: ignore[method-assign]
    await register(one, S, schema(a="string"))
    assert asked == ["revision"], "to find the end of the log, once"
    with dependencies.track() as noted:
        registered = await register(one, T, schema(a="string"))
    assert asked == ["revision"]
    assert registered.revision == noted.revision == 2
    with dependencies.track() as noted:
        assert not (await register(one, T, schema(a="string"))).created
    assert noted.revision == 0
