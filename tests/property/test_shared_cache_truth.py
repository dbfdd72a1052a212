"""Two nodes on one store and one cache: whatever they write, and whatever happens to the cache, reads are true.

A node that has heard of every commit answers what the store would; one that has not answers what was true at some time
since it last heard.
"""

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import ChangeKind, Setting, State, Store, Transaction, Version
from llm_schema_registry.store.layers.redis_cache import write_behind
from servers import valkey
from unit.store.building import content
from unit.store.layers.redis_cache.nodes import Node, node

SUBJECTS = [Subject(".", "s"), Subject(".", "t"), Subject(".c", "s")]
TEXTS = ['"int"', '"long"']
IDS = [1, 2]
READS: list[tuple[str, tuple[Any, ...]]] = [
    *(("schema", (context, schema_id)) for context in (".", ".c") for schema_id in IDS),
    *(("versions_of_schema", (context, schema_id)) for context in (".", ".c") for schema_id in IDS),
    *(("schemas_by_guid", (content(text).guid,)) for text in TEXTS),
    *(("version", (subject, 1)) for subject in SUBJECTS),
    *(("versions", (subject,)) for subject in SUBJECTS),
    *(("latest", (subject,)) for subject in SUBJECTS),
    *(("setting", (subject, kind)) for subject in SUBJECTS for kind in Setting),
]
nodes = st.integers(0, 1)
writes = st.tuples(
    st.sampled_from(["register", "state", "remove", "remove", "import", "setting", "place"]),
    st.sampled_from(SUBJECTS),
    st.sampled_from(TEXTS),
    st.sampled_from(IDS),
)
steps = st.one_of(
    st.tuples(st.just("write"), nodes, writes),
    st.tuples(st.just("hear"), nodes, st.none()),
    st.tuples(st.just("read"), nodes, st.lists(st.sampled_from(READS), min_size=1, max_size=8)),
    st.tuples(st.just("read"), nodes, st.lists(st.sampled_from(READS), min_size=1, max_size=8)),
    st.tuples(st.just("damage"), nodes, st.sampled_from(["shuffle", "restore", "noise", "flush"])),
)


async def change(transaction: Transaction, what: str, subject: Subject, text: str, schema_id: int) -> None:
    """Writes something that the registry could write."""
    current = await transaction.versions(subject)
    stored = await transaction.schema(subject.context, schema_id)
    if what == "setting":
        await transaction.put_setting(subject, Setting.CONFIG, None if schema_id == 1 else text)
    elif what == "place":
        if stored is not None:
            await transaction.place_text(stored)
    elif what == "import":
        if stored is None:
            await transaction.add_schema(content(text, subject.context, schema_id))
    elif what == "remove":
        for version in current:
            await transaction.remove_version(subject, version.version)
        if stored is not None and not await transaction.versions_of_schema(subject.context, schema_id):
            await transaction.remove_schema(subject.context, schema_id)
    elif what == "register" and not current and stored is not None:
        version = Version(subject=subject, version=1, schema_id=schema_id)
        await transaction.put_version(version, ChangeKind.VERSION_REGISTERED)
    elif what == "state" and current:
        (version,) = current
        state = State.DEPRECATED if schema_id == 1 else State.ACTIVE
        changed = Version(subject=subject, version=1, schema_id=version.schema_id, state=state, deleted=text == '"int"')
        await transaction.put_version(changed, ChangeKind.VERSION_STATE_CHANGED)


def damage(client: redis.Redis, how: str, earlier: dict[bytes, Any]) -> None:
    """Writes into the cache what does not belong there; `earlier` is what was there at some time."""
    keys = sorted(client.keys("lsr:*"))
    now = {key: client.get(key) for key in keys}
    if how == "flush":
        client.flushdb()
    elif how == "noise":
        for key in keys:
            client.set(key, b"noise" * 10)
    elif how == "shuffle":
        for key, entry in zip(keys, [*now.values()][1:], strict=False):
            client.set(key, entry or b"")
    else:
        for key, entry in earlier.items():
            client.set(key, entry)
    for key, entry in now.items():
        earlier.setdefault(key, entry)


async def truth(store: Store) -> dict[str, Any]:
    return {str(read): await getattr(store, read[0])(*read[1]) for read in READS}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets nobody wait before what was read is kept."""
    monkeypatch.setattr(write_behind, "_GATHER_SECONDS", 0.001)
    return


@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(st.lists(steps, min_size=15, max_size=40))
def test_every_read_is_true(stream: list[tuple[str, int, Any]]) -> None:
    asyncio.run(_play(stream))


async def _play(stream: list[tuple[str, int, Any]]) -> int:
    with tempfile.TemporaryDirectory() as directory, valkey().client() as client:
        url = f"sqlite:///{directory}/registry.db"
        async with node(url, valkey().url) as one, node(url, valkey().url) as other:
            for context, text in itertools.product((".", ".c"), TEXTS):
                async with one.store.transaction() as transaction:
                    await transaction.add_schema(content(text, context))
            both, earlier = (one, other), dict[bytes, Any]()
            history = {await one.tables.revision(): await truth(one.tables)}
            for each in both:
                await each.hears()
            for kind, index, how in stream:
                acting = both[index]
                if kind == "write":
                    async with acting.store.transaction() as transaction:
                        await change(transaction, *how)
                    acting.follower.signal.notify()
                    await acting.follower.catch_up()
                    history[await acting.tables.revision()] = await truth(acting.tables)
                elif kind == "hear":
                    await acting.hears()
                elif kind == "damage":
                    damage(client, how, earlier)
                else:
                    await _check(acting, how, history)
            return sum(each.counts["hit"] for each in both)


async def _check(acting: Node, reads: list[tuple[str, tuple[Any, ...]]], history: dict[int, dict[str, Any]]) -> None:
    for read in reads:
        known = acting.follower.cursor
        answer = await getattr(acting.store, read[0])(*read[1])
        possible = [state[str(read)] for revision, state in history.items() if revision >= known]
        assert answer in possible, (read, answer, possible)
    await acting.is_done_keeping()


async def test_answers_do_come_from_the_cache() -> None:
    """Or else the property above would hold of nothing."""
    steps: list[tuple[str, int, Any]] = [("read", 0, READS), ("read", 1, READS), ("damage", 0, "restore")]
    assert await _play(steps) >= 10
