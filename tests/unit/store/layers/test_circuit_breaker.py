"""A store behind circuits: the same store, and no waiting for what fails."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import Cause, OutcomeUnknownError, Setting, Store, StoreUnavailableError, open_store
from llm_schema_registry.store.blobs import BlobsUnavailableError
from llm_schema_registry.store.layers.circuit_breaker import CircuitBreakerStore, FailureLog, StoreFile

S = Subject(".", "s")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
async def guarded(path: Path) -> AsyncIterator[CircuitBreakerStore]:
    made = CircuitBreakerStore(await open_store(f"sqlite:///{path}"), StoreFile(path))
    yield made
    await made.close()


def move(path: Path, to: Path) -> None:
    path.rename(to)


async def write(store: CircuitBreakerStore, value: str = '"READONLY"') -> None:
    async with store.transaction() as transaction:
        await transaction.put_setting(S, Setting.MODE, value)


def test_everything_a_store_can_do_is_guarded() -> None:
    declared = {name for kind in Store.__mro__ for name in vars(kind) if not name.startswith("_")}
    assert declared <= set(vars(CircuitBreakerStore))
    for name in declared - {"is_shared", "transaction"}:
        assert inspect.iscoroutinefunction(getattr(CircuitBreakerStore, name)), name


async def test_it_reads_and_writes(guarded: CircuitBreakerStore) -> None:
    await write(guarded)
    assert await guarded.revision() == 1
    assert await guarded.setting(S, Setting.MODE) == '"READONLY"'  # type: ignore[attr-defined]
    assert len(await guarded.changes(0)) == 1
    assert await guarded.wait_for_change(0, 1) == 1
    assert guarded.is_shared


async def test_the_three_ways_fail_by_themselves(guarded: CircuitBreakerStore) -> None:
    for circuit, work in (
        (guarded.log, guarded.revision),
        (guarded.reads, guarded.contexts),  # type: ignore[attr-defined]
        (guarded.writes, lambda: write(guarded)),
    ):
        circuit.failed(for_long=True)
        with pytest.raises(StoreUnavailableError):
            await work()
        for other in {guarded.log, guarded.reads, guarded.writes} - {circuit}:
            other.check()
        await circuit.close()
        circuit.check()


async def test_object_storage_out_of_reach_closes_no_way_into_the_store(guarded: CircuitBreakerStore) -> None:
    async def fails(*arguments: object) -> None:
        raise BlobsUnavailableError("gone")

    async def transaction() -> None:
        async with guarded.transaction():
            await fails()

    inner = guarded._store
    for _ in range(5):
        with pytest.raises(BlobsUnavailableError):
            await transaction()
        inner.schema = fails  # type: ignore[method-assign]
        with pytest.raises(BlobsUnavailableError):
            await guarded.schema(".", 1)  # type: ignore[attr-defined]
    await write(guarded)
    assert await guarded.contexts() == ["."]  # type: ignore[attr-defined]


async def test_a_deleted_file_is_neither_read_nor_written(guarded: CircuitBreakerStore, path: Path) -> None:
    await write(guarded)
    aside = path.with_name("aside")
    move(path, aside)
    for work in (guarded.revision, lambda: write(guarded), lambda: guarded.changes(0)):
        with pytest.raises(StoreUnavailableError):
            await work()
    await asyncio.to_thread(path.touch)
    with pytest.raises(StoreUnavailableError):
        await guarded.setting(S, Setting.MODE)  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailableError):
        await guarded.revision()
    move(aside, path)
    for _ in range(500):
        if not guarded.log.is_open and not guarded.writes.is_open:
            break
        await asyncio.sleep(0.01)
    assert await guarded.revision() == 1
    await write(guarded, '"READWRITE"')


async def test_a_file_that_goes_while_it_is_written_is_an_unknown_outcome(
    guarded: CircuitBreakerStore, path: Path
) -> None:
    async def write_and_lose() -> None:
        async with guarded.transaction() as transaction:
            await transaction.put_setting(S, Setting.MODE, '"READONLY"')
            move(path, path.with_name("aside"))

    with pytest.raises(OutcomeUnknownError):
        await write_and_lose()


async def test_what_callers_do_wrong_is_no_failure_of_the_store(guarded: CircuitBreakerStore) -> None:
    for _ in range(5):
        with pytest.raises(ValueError, match="mine"):
            async with guarded.transaction():
                raise ValueError("mine")
    guarded.writes.check()


async def _refused(store: CircuitBreakerStore) -> StoreUnavailableError:
    with pytest.raises(StoreUnavailableError) as refused:
        await write(store)
    return refused.value


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
async def test_a_deleted_log_of_the_file_ends_writes(guarded: CircuitBreakerStore, path: Path, suffix: str) -> None:
    await write(guarded)
    path.with_name(path.name + suffix).unlink()
    assert "moved or deleted" in (await _refused(guarded)).reason
    with pytest.raises(StoreUnavailableError):
        await guarded.revision()


async def test_the_first_sign_of_damage_ends_writes_for_good(path: Path) -> None:
    causes: list[Cause] = []
    store = CircuitBreakerStore(await open_store(f"sqlite:///{path}"), failed=causes.append)
    await write(store)
    damage = StoreUnavailableError(cause=Cause.DAMAGED, reason="the file is damaged", code="SQLITE_CORRUPT")

    async def fails(*arguments: object) -> None:
        raise damage

    store._store.setting = fails  # type: ignore[method-assign, assignment]
    with capture_logs() as logs, pytest.raises(StoreUnavailableError):
        await store.setting(S, Setting.MODE)  # type: ignore[attr-defined]
    assert store.damage is damage
    assert causes == [Cause.DAMAGED]
    assert [line["event"] for line in logs] == ["store failure", "store damaged: no more writes; restore a backup"]
    refused = await _refused(store)
    assert (refused.cause, refused.reason) == (Cause.DAMAGED, damage.reason)
    assert await store.revision() == 1, "reads of what is whole go on"
    await store.close()


def test_failures_are_logged_once_in_a_while_with_their_number() -> None:
    log = FailureLog()
    failure = StoreUnavailableError(cause=Cause.FULL, reason="the disk is full", code="53100", detail="no space")
    with capture_logs() as logs:
        for _ in range(1000):
            log.add(failure, "writes")
        log.add(failure, "log")
        log._logged["writes", Cause.FULL] = (-1e9, log._logged["writes", Cause.FULL][1])
        log.add(failure, "writes")
    assert [(line["part"], line["left_out"]) for line in logs] == [("writes", 0), ("log", 0), ("writes", 999)]
    assert logs[0] | {"cause": "full", "code": "53100", "detail": "no space"} == logs[0]


async def test_a_write_that_failed_for_good_is_remembered_for_a_while(guarded: CircuitBreakerStore) -> None:
    guarded.note(StoreUnavailableError(cause=Cause.FULL, reason="the disk is full"), "writes")
    await write(guarded)
    failure = guarded.write_failure
    assert failure is not None
    assert failure.cause is Cause.FULL
