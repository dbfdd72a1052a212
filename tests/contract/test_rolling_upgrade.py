"""Nodes of two versions on one store: older ones go on while newer ones migrate it, and can be started after."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import ChangeKind, Store, StoreUnavailableError, open_store
from llm_schema_registry.store.migrations import LAYOUT, Migration, load_migrations
from servers import fresh_schema
from unit.store.building import registered

WRITES = 100
STORE = "llm_schema_registry.store"


def additions() -> str:
    """Everything that a migration may do to the tables there are."""
    tables = re.findall(r"CREATE TABLE (\w+)", "".join(migration.text for migration in load_migrations()))
    lines = ["CREATE TABLE later (\n    name TEXT NOT NULL\n);", "INSERT INTO later (name) VALUES ('x');"]
    for table in tables:
        lines.append(f"ALTER TABLE {table} ADD COLUMN\n    later TEXT;")
        lines.append(f"ALTER TABLE {table} ADD COLUMN later_still BIGINT NOT NULL DEFAULT 7;")
        lines.append(f"CREATE INDEX {table}_later ON {table} (later) WHERE later IS NOT NULL;")
    return "\n".join(lines) + "\n"


class Version:
    """The code as it would be with further migrations: while it is installed, stores are opened by it."""

    def __init__(self, patch: pytest.MonkeyPatch, *names: str) -> None:
        self._patch = patch
        self._migrations = load_migrations()
        for name in names:
            text = additions() if name == "later" else "DROP TABLE later;\n"
            self._migrations.append(Migration(len(self._migrations) + 1, name, text, f"checksum of {name}"))

    async def open(self, url: str) -> Store:
        with self._patch.context() as patch:
            for engine in ("sqlite", "postgresql"):
                patch.setattr(f"{STORE}.{engine}.bootstrap.LAYOUT", len(self._migrations))
                patch.setattr(f"{STORE}.{engine}.migration.load_migrations", lambda: self._migrations)
            patch.setattr(f"{STORE}.migrations.LAYOUT", len(self._migrations))
            return await open_store(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/registry.db" if request.param == "sqlite" else fresh_schema()


async def test_nodes_of_two_versions_share_a_store_during_an_upgrade(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = await open_store(url)
    acknowledged: set[tuple[Subject, int]] = set()
    enough, done = asyncio.Event(), asyncio.Event()

    async def write(through: Store, name: str) -> None:
        number = 0
        while not done.is_set() or number < 20:
            number += 1
            put = await registered(through, name, version=number)
            acknowledged.add((put.subject, put.version))
            if len(acknowledged) == WRITES:
                enough.set()
            assert await through.latest(put.subject) == put
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(write(old, "old"))
        await asyncio.sleep(0.05)
        new = await Version(monkeypatch, "later").open(url)
        group.create_task(write(new, "new"))
        # A node of the old version that is started again finds a layout that it does not know.
        again = await open_store(url)
        group.create_task(write(again, "again"))
        await enough.wait()
        done.set()
    stores = [old, new, again]
    logs: list[Any] = [await store.changes(0, 1_000_000) for store in stores]
    assert logs[0] == logs[1] == logs[2]
    logged = [(change.subject, change.version) for change in logs[0] if change.kind is ChangeKind.VERSION_REGISTERED]
    assert len(logged) == len(set(logged))
    assert set(logged) == acknowledged
    assert [change.revision for change in logs[0] if change.ordinal == 0] == list(range(1, len(acknowledged) + 1))
    for store in stores:
        assert {(version.subject, version.version) for version in await store.list_versions()} == acknowledged
        assert await store.max_schema_id(".") == len(acknowledged)
        await store.close()


async def test_a_version_that_needs_what_was_taken_away_is_not_started(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await open_store(url)
    await (await Version(monkeypatch, "later", f"less_needs_{LAYOUT + 1}").open(url)).close()
    with pytest.raises(StoreUnavailableError, match="was written by a newer version"):
        await open_store(url)
    # Whoever knows the additions may work without what they replaced.
    await (await Version(monkeypatch, "later").open(url)).close()
    await registered(running, "s")
    await running.close()
