"""Nodes that share a cache: each answers what its store would answer, whatever stands in the cache."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import ChangeKind, Setting, State, StoreUnavailableError, Transaction, Version
from llm_schema_registry.store.layers.redis_cache import backfill, write_behind
from servers import ValkeyServer
from unit.store.building import REGISTERED, content, register, registered, subject
from unit.store.layers.redis_cache.faults import until
from unit.store.layers.redis_cache.nodes import Node, node

S = subject("s")
GUID = content('".:s:1"').guid
READS: list[tuple[str, tuple[Any, ...]]] = [
    ("schema", (".", 1)),
    ("schemas_by_guid", (GUID,)),
    ("version", (S, 1)),
    ("versions", (S,)),
    ("versions_of_schema", (".", 1)),
    ("latest", (S,)),
    ("setting", (S, Setting.CONFIG)),
    ("setting", (S, Setting.MODE)),
]


@pytest.fixture(scope="module")
def cache() -> Any:
    server = ValkeyServer()
    yield server
    server.stop()


@pytest.fixture
def kept(cache: ValkeyServer) -> Any:
    """What is in the cache, from nothing on."""
    with cache.client() as client:
        client.flushall()
        yield client


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/registry.db"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets nobody wait long before what was read is kept."""
    monkeypatch.setattr(write_behind, "_GATHER_SECONDS", 0.05)


@pytest.fixture
async def one(store: str, cache: ValkeyServer, kept: redis.Redis) -> AsyncIterator[Node]:
    async with node(store, cache.url) as made:
        yield made


@pytest.fixture
async def other(store: str, cache: ValkeyServer) -> AsyncIterator[Node]:
    async with node(store, cache.url) as made:
        yield made


async def write(by: Node, change: Callable[[Transaction], Any]) -> None:
    async with by.store.transaction() as transaction:
        await change(transaction)


async def configured(by: Node, value: str | None, scope: Subject = S) -> None:
    await write(by, lambda transaction: transaction.put_setting(scope, Setting.CONFIG, value))


async def everything(by: Node) -> list[Any]:
    return [await by.reads(name, *arguments) for name, arguments in READS]


async def filled(by: Node) -> list[Any]:
    """Writes something, and has all of it read and kept."""
    await registered(by.store, "s")
    await configured(by, '{"compatibilityLevel":"FULL"}')
    read = await everything(by)
    await by.is_done_keeping()
    assert by.counts["kept"] == len(READS)
    return read


async def test_what_one_node_has_read_another_finds(one: Node, other: Node, kept: redis.Redis) -> None:
    read = await filled(one)
    assert read[0].text == '".:s:1"'
    assert read[-2:] == ['{"compatibilityLevel":"FULL"}', None]
    assert len(kept.keys("lsr:*")) == len(READS)
    assert await everything(other) == read
    assert other.counts == {"hit": len(READS)}
    times = sorted(kept.ttl(key) for key in kept.keys("*"))
    assert [
        limit for time, limit in zip(times, (60, *[300] * 5, 3600, 3600), strict=True) if not 0 <= limit - time < 30
    ] == []


async def test_what_changes_is_found_outdated_and_kept_anew(one: Node, other: Node) -> None:
    before = await filled(one)
    async with other.store.transaction() as transaction:
        await register(transaction, "s", version=2)
        await transaction.put_version(before[2].__class__(subject=S, version=1, schema_id=1, deleted=True), REGISTERED)
        await transaction.put_setting(S, Setting.CONFIG, None)
    await one.hears()
    one.counts.clear()
    now = await everything(one)
    assert now == [await getattr(one.tables, name)(*arguments) for name, arguments in READS]
    assert [old == new for old, new in zip(before, now, strict=True)] == [True, True, *[False] * 5, True]
    # The schema is as it was, but its versions are not; one fact stands for both.
    assert one.counts["outdated"] == len(READS) - 1
    await one.is_done_keeping()
    assert await everything(other) == now
    assert other.counts["hit"] == len(READS)


async def test_an_entry_that_is_ahead_of_a_reader_is_not_taken(one: Node, other: Node) -> None:
    await registered(one.store, "s")
    await other.hears()
    await configured(one, "1")
    await one.reads("setting", S, Setting.CONFIG)
    await one.is_done_keeping()
    # The other has not heard yet, so it cannot know whether this is true.
    assert await other.store.setting(S, Setting.CONFIG) == "1"
    assert other.counts == {"outdated": 1}


async def test_without_knowing_the_log_nobody_is_asked(one: Node, other: Node) -> None:
    await filled(one)
    other.follower.mark_stale()
    assert await other.store.setting(S, Setting.CONFIG) == '{"compatibilityLevel":"FULL"}'
    assert not other.counts


async def test_only_settings_are_kept_that_are_not_there(one: Node, other: Node) -> None:
    reads = [read for read in READS if read[0] != "setting"]
    assert not any([await one.reads(name, *arguments) for name, arguments in reads])
    await one.reads("setting", S, Setting.CONFIG)
    await one.is_done_keeping()
    assert one.counts["kept"] == 1
    assert await other.reads("setting", S, Setting.CONFIG) is None
    assert other.counts == {"hit": 1}


async def test_an_id_that_is_given_again_by_an_import_elsewhere(one: Node, other: Node) -> None:
    await filled(one)
    await other.hears()

    async def remove(transaction: Transaction) -> None:
        await transaction.remove_version(S, 1)
        await transaction.remove_schema(".", 1)

    async def give_again(transaction: Transaction) -> None:
        stored = await transaction.add_schema(content('"another"', schema_id=1))
        await transaction.put_version(Version(subject=S, version=1, schema_id=stored.schema_id), REGISTERED)

    for change, text in ((remove, None), (give_again, '"another"')):
        await write(other, change)
        for reader in (one, other, one):
            found = await reader.reads("schema", ".", 1)
            assert (found and found.text) == text
            assert await reader.reads("schemas_by_guid", GUID) == []
            latest = await reader.reads("latest", S)
            assert (latest is None) == (text is None)
            await reader.is_done_keeping()


@pytest.mark.parametrize("damage", ["noise", "swapped", "cut", "empty", "another kind"])
async def test_whatever_is_written_into_the_cache_by_others(
    one: Node, other: Node, kept: redis.Redis, damage: str
) -> None:
    read = await filled(one)
    keys = kept.keys("lsr:*")
    entries = [kept.get(key) for key in keys]
    for place, key in enumerate(keys):
        noise = {
            "noise": bytes(range(256)),
            "swapped": entries[place - 1],
            "cut": (entries[place] or b"")[:-1],
            "empty": b"",
        }
        kept.delete(key)
        if damage == "another kind":
            kept.rpush(key, "x")
        else:
            kept.set(key, noise[damage] or b"")
    assert await everything(other) == read
    assert other.counts["hit"] == 0
    if damage != "another kind":
        assert other.counts["damaged"] == len(READS)
    await other.is_done_keeping()
    assert await everything(one) == read
    assert one.counts["hit"] == len(READS)


async def test_an_entry_from_before_that_is_put_back(one: Node, other: Node, kept: redis.Redis) -> None:
    await filled(one)
    old = {key: kept.get(key) for key in kept.keys("lsr:*")}
    await configured(other, "2")
    for key, entry in old.items():
        kept.set(key, entry or b"")
    assert await one.reads("setting", S, Setting.CONFIG) == "2"


async def test_registries_on_one_cache_do_not_see_each_other(one: Node, cache: ValkeyServer, tmp_path: Path) -> None:
    await filled(one)
    async with node(f"sqlite:///{tmp_path}/another.db", cache.url) as another:
        assert not any(await everything(another))
        assert another.counts["hit"] == 0
        await registered(another.store, "t")
        assert (await another.reads("schema", ".", 1)).text == '".:t:1"'
        await another.is_done_keeping()
    assert (await one.reads("schema", ".", 1)).text == '".:s:1"'
    assert one.counts["hit"] == 1


async def test_a_backup_that_is_restored(store: str, cache: ValkeyServer, kept: redis.Redis, tmp_path: Path) -> None:
    file, backup = tmp_path / "registry.db", tmp_path / "backup.db"
    async with node(store, cache.url) as before:
        await registered(before.store, "a")
    shutil.copy(file, backup)
    async with node(store, cache.url) as before:
        await filled(before)
        assert await before.reads("schema", ".", 2) is not None
        assert await before.reads("schema", ".", 1) is not None
        await before.is_done_keeping()
        lost = await before.store.revision()
    assert sorted(os.listdir(tmp_path)) == ["backup.db", "registry.db"], "and no log of what was written since"
    shutil.copy(backup, file)
    async with node(store, cache.url) as after:
        # Another history reaches the same revisions, with other facts.
        while await after.store.revision() < lost:
            await registered(after.store, f"t{await after.store.revision()}")
        assert await everything(after) == [await getattr(after.tables, name)(*arguments) for name, arguments in READS]
        found = await after.reads("schema", ".", 2)
        assert found.text == '".:t1:1"'
        after.counts.clear()
        await after.is_done_keeping()
        assert await after.reads("schema", ".", 2) == found
        assert after.counts["hit"] == 1, "and the cache is of use again"


async def test_what_was_kept_before_a_backup_is_good_after_it(
    store: str, cache: ValkeyServer, kept: redis.Redis
) -> None:
    async with node(store, cache.url) as before:
        read = await filled(before)
    async with node(store, cache.url) as after:
        await registered(after.store, "t")
        assert await everything(after) == read
        assert after.counts["hit"] == len(READS)


async def test_what_changed_before_it_was_kept_is_not_kept(one: Node, other: Node) -> None:
    await registered(one.store, "s")
    await one.reads("setting", S, Setting.CONFIG)
    # The other commits before the one has looked whether anything did.
    await configured(other, "1")
    await asyncio.sleep(0.3)
    await one.hears()
    await one.is_done_keeping()
    assert one.counts["dropped"] == 1
    assert one.counts["kept"] == 0


async def test_an_answer_that_is_younger_than_its_revision_is_not_kept(one: Node, other: Node) -> None:
    await registered(one.store, "s")
    await one.hears()
    await configured(other, "1")
    # The log is not known that far, so the answer would be dated too early.
    assert await one.store.setting(S, Setting.CONFIG) == "1"
    await one.hears()
    await one.is_done_keeping()
    assert one.counts["kept"] == 0


async def test_what_was_read_in_a_history_that_ended_is_not_kept(one: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_behind, "_GATHER_SECONDS", 0.3)
    await registered(one.store, "s")
    await one.reads("setting", S, Setting.CONFIG)
    changes = await one.tables.changes(0)
    one.follower.recent.restart(0)
    one.follower.recent.note([msgspec.structs.replace(change, at=1) for change in changes])
    await one.is_done_keeping()
    assert one.counts == {"miss": 1, "dropped": 1}


async def test_nothing_is_kept_while_the_store_is_out_of_reach(one: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails() -> int:
        raise StoreUnavailableError("gone")

    await registered(one.store, "s")
    monkeypatch.setattr(type(one.tables), "revision", lambda _store: fails())
    await one.store.setting(S, Setting.CONFIG)
    await one.is_done_keeping()
    assert one.counts["kept"] == 0
    assert one.counts["dropped"] == 1


async def test_more_than_can_wait_is_dropped(one: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_behind, "_GATHER_SECONDS", 0.5)
    await registered(one.store, "s")
    await one.hears()
    await asyncio.gather(*(one.store.setting(subject(f"{number}"), Setting.CONFIG) for number in range(450)))
    await one.is_done_keeping()
    assert one.counts["dropped"] >= 50
    assert one.counts["kept"] + one.counts["dropped"] == 450


async def test_a_text_that_bytes_cannot_hold_is_answered_and_not_kept(one: Node) -> None:
    await configured(one, '{"a":"\ud800"}')
    for _ in range(2):
        assert await one.reads("setting", S, Setting.CONFIG) == '{"a":"\ud800"}'
        await one.is_done_keeping()
    assert one.counts["kept"] == 0


async def test_names_and_texts_of_every_kind_come_back(one: Node, other: Node) -> None:
    odd = Subject(".c-ontext", "é/%'\"\x01😀")
    async with one.store.transaction() as transaction:
        stored = await transaction.add_schema(content('"\x01\U0001f600é' + "x" * 20_000 + '"', ".c-ontext"))
        version = Version(subject=odd, version=2**31 - 1, schema_id=1, state=State.DEPRECATED, registered_at=2**62)
        await transaction.put_version(version, ChangeKind.VERSION_REGISTERED)
    for reader in (one, other):
        assert await reader.reads("schema", ".c-ontext", 1) == stored
        assert await reader.reads("latest", odd) == version
        assert await reader.reads("versions", odd) == [version]
        await reader.is_done_keeping()
    assert other.counts == {"hit": 3}


async def test_a_process_that_starts_learns_what_was_before(
    store: str, one: Node, cache: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = await filled(one)
    for number in range(20):
        await registered(one.store, f"t{number}")
    async with node(store, cache.url) as late:
        assert late.follower.recent.floor == 0
        assert await everything(late) == read
        assert late.counts["hit"] == len(READS)
    # No more than there is room for: what was kept before that is of no use.
    monkeypatch.setattr(backfill, "_PAGE", 4)
    monkeypatch.setattr(backfill, "_PAGES", 3)
    async with node(store, cache.url) as late:
        assert 0 < 22 - late.follower.recent.floor <= 12
        assert await everything(late) == read
        assert late.counts["hit"] == 0


async def test_learning_begins_anew_with_the_log(one: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        await registered(one.store, f"t{number}")
    await one.hears()
    one.follower.recent.restart(5)
    one.store.clear()  # type: ignore[attr-defined]
    assert one.follower.recent.history_fingerprint(5) is None
    await until(lambda: one.follower.recent.floor == 0)
    assert one.follower.recent.history_fingerprint(5) is not None


async def test_a_log_that_cannot_be_read_is_learnt_later(one: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_PAUSE_SECONDS", 0.01)
    await registered(one.store, "s")
    await one.hears()
    changes, failures = one.tables.changes, iter(range(3))

    async def failing(after: int, limit: int) -> Any:
        if next(failures, None) is not None:
            raise StoreUnavailableError("gone")
        return await changes(after, limit)

    monkeypatch.setattr(type(one.tables), "changes", lambda _store, *arguments: failing(*arguments))
    one.follower.recent.restart(1)
    one.store.clear()  # type: ignore[attr-defined]
    await until(lambda: one.follower.recent.floor == 0)


async def test_without_the_cache_the_store_answers(store: str, one: Node) -> None:
    read = await filled(one)
    own = ValkeyServer()
    try:
        async with node(store, own.url, seconds=0.05) as alone:
            own.freeze()
            assert await everything(alone) == read
            own.thaw()
            own.kill()
            for _ in range(3):
                assert await everything(alone) == read
            assert not alone.server.answers
            own.start()
            await until(lambda: alone.server.answers)
            alone.counts.clear()
            assert await everything(alone) == read
            await alone.is_done_keeping()
            assert alone.counts["kept"] > 0
    finally:
        own.stop()
