import asyncio
import os
import pathlib
import re
import sqlite3
import subprocess
import sys

import pytest

from llm_schema_registry.store import InvalidStoreUrlError, StoreUnavailableError, open_store
from llm_schema_registry.store.migrations import LAYOUT, load_migrations
from llm_schema_registry.store.sqlite import SqliteStore
from unit.store.building import registered, subject


async def refusal(path: pathlib.Path) -> str:
    """The message with which a file is refused; names no path."""
    with pytest.raises(StoreUnavailableError) as caught:
        await SqliteStore.open(path, timeout_seconds=0.1)
    assert str(path) not in str(caught.value)
    assert path.name not in str(caught.value)
    return str(caught.value)


async def test_what_was_written_is_there_after_reopening(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "registry.db"
    store = await SqliteStore.open(path)
    await registered(store, "s")
    before = await store.changes(0)
    await store.close()
    assert os.listdir(tmp_path) == ["registry.db"]
    store = await SqliteStore.open(path)
    assert await store.changes(0) == before
    assert await store.revision() == 1
    await store.close()


async def test_a_commit_waits_for_the_disk(tmp_path: pathlib.Path) -> None:
    store = await SqliteStore.open(tmp_path / "registry.db")
    answers = [store._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
    await store.close()
    assert answers == [2, "wal"]


async def test_stores_in_memory_are_apart_and_leave_nothing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    one, other = await open_store("sqlite://"), await open_store("sqlite:///:memory:")
    await registered(one, "s")
    assert await other.subjects() == []
    await one.close()
    await other.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("absolute", [True, False])
async def test_urls_of_files(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, absolute: bool) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "of the registry 100%?.db"
    store = await open_store(f"sqlite:///{path if absolute else path.name}")
    await store.close()
    assert path.exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://ann:s3cret@db/registry", "A store of the kind 'mysql' is not supported"),
        ("mysql+pymysql://ann:s3cret@db", "A store of the kind 'mysql+pymysql' is not supported"),
        ("ann:s3cret@db", "no scheme"),
        ("s3cret://", "A store of the kind 's3cret'"),
        ("", "no scheme"),
        ("sqlite://s3cret.db", "three slashes"),
        ("sqlite:///", "names no file"),
    ],
)
async def test_other_urls_are_refused_without_telling_secrets(url: str, says: str) -> None:
    with pytest.raises(InvalidStoreUrlError) as caught:
        await open_store(url)
    message = str(caught.value)
    assert says in message
    assert "sqlite:///path/to/file.db" in message
    assert "s3cret" not in message.removeprefix("A store of the kind 's3cret'")


async def test_files_that_cannot_be_opened(tmp_path: pathlib.Path) -> None:
    assert "its directory must exist" in await refusal(tmp_path / "none" / "registry.db")
    assert "its directory must exist" in await refusal(tmp_path)
    noise = tmp_path / "noise.db"
    noise.write_bytes(b"no database " * 1000)
    assert "no SQLite database" in await refusal(noise)
    assert noise.read_bytes() == b"no database " * 1000


async def test_a_database_of_another_application_is_left_alone(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE versions (a)")
    connection.close()
    assert "another application" in await refusal(path)
    connection = sqlite3.connect(path)
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["versions"]
    connection.close()


async def test_a_store_of_newer_code_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "registry.db"
    await (await SqliteStore.open(path)).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {LAYOUT + 1}")
    connection.close()
    message = await refusal(path)
    assert f"has layout {LAYOUT + 1}" in message
    assert "newer version" in message


async def test_a_changed_migration_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "registry.db"
    await (await SqliteStore.open(path)).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 0")
    connection.execute("UPDATE migrations SET checksum = 'x' WHERE number = 1")
    connection.commit()
    connection.close()
    assert "Migration 1 (registry) is not the one" in await refusal(path)


async def test_a_failed_migration_leaves_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "registry.db"
    broken = load_migrations()[0]._replace(text="CREATE TABLE head (a); CREATE TABLE head (a);\nSELECT nonsense;\n")
    monkeypatch.setattr("llm_schema_registry.store.sqlite.migration.load_migrations", lambda: [broken])
    await refusal(path)
    monkeypatch.undo()
    store = await SqliteStore.open(path)
    await registered(store, "s")
    await store.close()


def test_migrations_are_numbered_without_gaps_up_to_the_layout() -> None:
    assert [migration.number for migration in load_migrations()] == list(range(1, LAYOUT + 1))


async def test_applied_migrations_are_recorded(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "registry.db"
    await (await SqliteStore.open(path)).close()
    connection = sqlite3.connect(path)
    recorded = connection.execute("SELECT number, name, checksum FROM migrations").fetchall()
    connection.close()
    assert recorded == [(migration.number, migration.name, migration.checksum) for migration in load_migrations()]
    assert all(re.fullmatch("[0-9a-f]{64}", checksum) for _, _, checksum in recorded)


def test_an_up_to_date_file_is_opened_without_the_runner_of_migrations(tmp_path: pathlib.Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from llm_schema_registry.store.sqlite import SqliteStore\n"
        "async def main():\n"
        "    await (await SqliteStore.open(sys.argv[1])).close()\n"
        "asyncio.run(main())\n"
        "print('llm_schema_registry.store.sqlite.migration' in sys.modules)\n"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", code, tmp_path / "registry.db"], check=True, capture_output=True, text=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert answers == ["True", "False"]


async def test_a_file_that_another_is_setting_up_is_waited_for(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "registry.db"
    another = sqlite3.connect(path, isolation_level=None)
    another.execute("BEGIN IMMEDIATE")
    assert "hold it for too long" in await refusal(path)
    opening = asyncio.create_task(SqliteStore.open(path))
    await asyncio.sleep(0.05)
    assert not opening.done()
    another.execute("ROLLBACK")
    another.close()
    await (await opening).close()


@pytest.mark.slow
async def test_processes_that_start_at_once_on_a_new_file_all_come_up(tmp_path: pathlib.Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from llm_schema_registry.store.sqlite import SqliteStore\n"
        "async def main():\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    store = await SqliteStore.open(sys.argv[1])\n"
        "    print(await store.revision())\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            str(tmp_path / "registry.db"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(process.communicate(b"\n") for process in processes))
    assert [answer for answer, _ in answers] == [b"0\n"] * 4
    store = await SqliteStore.open(tmp_path / "registry.db")
    await registered(store, "s")
    assert await store.subjects() == [subject("s")]
    await store.close()
