"""A file on a disk that has no room for its write-ahead log: it is read, and written when there is room."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_schema_registry.store import Cause, StoreUnavailableError
from llm_schema_registry.store.sqlite import SqliteStore
from unit.store.building import registered, subject

_NO_ROOM = 4096


@pytest.fixture
def room() -> Iterator[Callable[[bool], None]]:
    """Takes the room for larger files away from this process, and gives it back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def give(room: bool) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft if room else _NO_ROOM, hard))

    yield give
    give(True)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "a ?#%20" / "registry.db"
    path.parent.mkdir()
    store = await SqliteStore.open(path)
    for number in range(1200):
        await registered(store, f"s{number:04}")
    await store.close()
    return path


async def test_reads_go_on_and_writes_return_with_the_room(path: Path, room: Callable[[bool], None]) -> None:
    room(False)
    store = await SqliteStore.open(path)
    try:
        assert await store.revision() == 1200
        assert await store.latest(subject("s0007")) is not None
        assert len(await store.list_versions()) == 1200
        for write in (store.check_writable(), registered(store, "t")):
            with pytest.raises(StoreUnavailableError, match="the disk is full") as raised:
                await write
            assert raised.value.cause is Cause.FULL
        assert len(await store.subjects()) == 1200
        room(True)
        await registered(store, "t")
        assert len(await store.subjects()) == 1201
    finally:
        room(True)
        await store.close()


async def test_what_another_process_writes_is_read(path: Path, room: Callable[[bool], None]) -> None:
    room(False)
    stores = [await SqliteStore.open(path) for _ in range(3)]
    room(True)
    writer, reader, lister = stores
    await registered(writer, "t")
    assert await reader.revision() == 1201
    assert len(await lister.list_versions()) == 1201
    for store in stores:
        await store.close()
    again = await SqliteStore.open(path)
    assert await again.revision() == 1201
    await again.close()


async def test_a_write_ahead_log_is_not_passed_over(path: Path, room: Callable[[bool], None]) -> None:
    store = await SqliteStore.open(path)
    await registered(store, "t")
    kept = {name: (path.parent / name).read_bytes() for name in ("registry.db", "registry.db-wal")}
    await store.close()
    for name, data in kept.items():
        (path.parent / name).write_bytes(data)
    room(False)
    with pytest.raises(StoreUnavailableError, match="the disk is full"):
        await SqliteStore.open(path)
