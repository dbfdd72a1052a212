"""Work beyond the inline budget is done in a process beside, with the same outcome."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llm_schema_registry.contracts import Metadata
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError, RegistryOptions
from llm_schema_registry.registry.offload import ProcessOffload
from llm_schema_registry.sandbox import Limits
from llm_schema_registry.store import StoreUnavailableError
from llm_schema_registry.store.blobs import BlobSettings
from llm_schema_registry.store.factory import open_store
from servers import s3
from unit.registry.building import S1, S, put, record, refused

pytestmark = pytest.mark.services

WIDE = record(*(f"f{number}:string" for number in range(3_000)))
WIDER = record(*(f"f{number}:string" for number in range(3_000)), 'g:string="x"')
CHANGED = record(*(f"f{number}:int" for number in range(3_000)))


@pytest.fixture
async def heavy(tmp_path: Path) -> AsyncIterator[ProcessOffload]:
    work = ProcessOffload(f"sqlite:///{tmp_path}/registry.db", RegistryOptions())
    yield work
    work.close()


@pytest.fixture
async def registry(tmp_path: Path, heavy: ProcessOffload) -> AsyncIterator[Registry]:
    store = await open_store(f"sqlite:///{tmp_path}/registry.db")
    yield Registry(store, steps=1_000, elsewhere=heavy)
    await store.close()


async def test_the_outcome_is_the_same(registry: Registry) -> None:
    first = await put(registry, WIDE)
    assert (first.content.schema_id, first.created) == (1, True)
    assert not (await put(registry, WIDE)).created
    assert (await put(registry, WIDER)).version.version == 2
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, CHANGED))
    assert len([finding for finding in error.findings if finding.code == "avro.TYPE_MISMATCH"]) == 1000
    invalid = await refused(ErrorCode.INVALID_SCHEMA, put(registry, WIDE.replace('"f2999"', '"f 2999"')))
    assert "f 2999" in invalid.message
    assert invalid.findings[0].path


async def test_the_event_loop_stays_free_meanwhile(registry: Registry) -> None:
    await put(registry, S1)
    work = asyncio.create_task(put(registry, WIDE, subject=S._replace(name="wide")))
    answers = 0
    while not work.done():
        assert await registry.store.version(S, 1) is not None
        answers += 1
        await asyncio.sleep(0)
    await work
    assert answers > 100


async def test_sealed_metadata_is_compared_as_it_was_given(tmp_path: Path) -> None:
    url, keys = f"sqlite:///{tmp_path}/registry.db", [b"k" * 32]
    metadata = Metadata(properties={"owner": "me"}, sensitive=["owner"])
    work = ProcessOffload(url, RegistryOptions(), keys=keys)
    store = await open_store(url, keys)
    registry = Registry(store, steps=1_000, elsewhere=work)
    try:
        assert (await put(registry, WIDE, metadata=metadata)).created
        # Without metadata of its own it takes the latest version's, which the other process has read.
        assert (await put(registry, WIDER)).content.metadata == metadata
    finally:
        work.close()
        await store.close()


async def test_large_definitions_are_found_where_they_are(tmp_path: Path) -> None:
    url, blobs = f"sqlite:///{tmp_path}/registry.db", BlobSettings(s3().fresh_bucket(), 100)
    work = ProcessOffload(url, RegistryOptions(), blobs=blobs)
    store = await open_store(url, blobs=blobs)
    registry = Registry(store, steps=1_000, elsewhere=work)
    try:
        assert (await put(registry, WIDE)).created
        assert (await store.schemas_in_blobs())[0].text == ""
        await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, CHANGED))
    finally:
        work.close()
        await store.close()


async def test_a_process_that_dies_or_hangs_is_replaced(registry: Registry, heavy: ProcessOffload) -> None:
    await refused(ErrorCode.BUDGET_EXCEEDED, heavy.run(_die))
    assert (await put(registry, WIDE)).created
    impatient = ProcessOffload("sqlite://", RegistryOptions(), limits=Limits(seconds=0.5))
    with pytest.raises(RegistryError, match="given up"):
        await impatient.run(_hang)
    impatient.close()


async def test_a_process_that_died_while_it_had_nothing_to_do_is_replaced(
    registry: Registry, heavy: ProcessOffload
) -> None:
    assert (await put(registry, WIDE)).created
    os.kill(await heavy.run(_pid), signal.SIGKILL)
    await asyncio.sleep(0.1)
    assert (await put(registry, WIDER)).created


async def test_a_process_that_cannot_open_the_store_is_no_fault_of_the_schema(
    tmp_path: Path, registry: Registry
) -> None:
    file, aside = tmp_path / "registry.db", tmp_path / "aside"
    file.rename(aside)
    file.mkdir()
    with pytest.raises(StoreUnavailableError):
        await put(registry, WIDE)
    file.rmdir()
    aside.rename(file)
    assert (await put(registry, WIDE)).created


async def test_a_process_that_ends_as_it_starts_is_no_fault_of_the_schema(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    error = await refused(ErrorCode.OVERLOADED, put(registry, WIDE))
    assert "cannot be started" in error.message
    monkeypatch.undo()
    assert (await put(registry, WIDE)).created


async def test_without_another_place_the_work_is_refused(tmp_path: Path) -> None:
    store = await open_store("sqlite:///:memory:")
    error = await refused(ErrorCode.BUDGET_EXCEEDED, put(Registry(store, steps=1_000), WIDE))
    assert "too large or too deeply nested" in error.message
    await store.close()


async def test_the_budget_is_a_setting_that_the_answer_names(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/r.db"
    rules = RegistryOptions(max_steps=500)
    store, work = await open_store(url), ProcessOffload(url, rules)
    try:
        error = await refused(ErrorCode.BUDGET_EXCEEDED, put(Registry(store, rules, elsewhere=work), WIDE))
        assert error.message.endswith("Or raise LSR_MAX_STEPS, which is 500.")
        assert "Split the schema" in error.message
    finally:
        work.close()
        await store.close()


async def _die(registry: Registry) -> None:
    os._exit(3)


async def _pid(registry: Registry) -> int:
    return os.getpid()


async def _hang(registry: Registry) -> None:
    time.sleep(60)  # noqa: ASYNC251
