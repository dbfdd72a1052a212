"""Integrity checks of SQLite files."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from llm_schema_registry.store import Cause, StoreUnavailableError
from llm_schema_registry.store.sqlite import SqliteStore, integrity
from llm_schema_registry.store.sqlite.integrity import check_integrity
from unit.store.building import registered


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "registry.db"
    store = await SqliteStore.open(path)
    for number in range(50):
        await registered(store, f"s{number}")
    await store.close()
    return path


@pytest.mark.parametrize("thorough", [False, True])
def test_a_whole_file_passes(path: Path, thorough: bool) -> None:
    check_integrity(str(path), thorough=thorough)


def test_a_damaged_page_is_found(path: Path) -> None:
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    for page in range(2, len(content) // size):
        content[page * size : page * size + 100] = b"\xff" * 100
    path.write_bytes(content)
    with pytest.raises(StoreUnavailableError, match="damaged") as found:
        check_integrity(str(path))
    assert found.value.cause is Cause.DAMAGED


def test_an_index_that_lacks_a_row_is_found_by_a_thorough_check(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        index = connection.execute(
            "SELECT * FROM sqlite_master WHERE type = 'index' AND tbl_name = 'versions' AND sql IS NOT NULL"
        ).fetchone()
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = ?", (index[1],))
        connection.execute("PRAGMA writable_schema = RESET")
        connection.execute("UPDATE versions SET subject = 'renamed' WHERE subject = 's0'")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", index)
        connection.execute("PRAGMA writable_schema = RESET")
    check_integrity(str(path))
    with pytest.raises(StoreUnavailableError, match="damaged") as found:
        check_integrity(str(path), thorough=True)
    assert "missing from index" in found.value.detail


def test_it_can_be_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "_STEPS_BETWEEN_POLLS", 1)
    content = bytearray(path.read_bytes())
    content[-4096:-3996] = b"\xff" * 100
    path.write_bytes(content)
    check_integrity(str(path), given_up=lambda: True)
