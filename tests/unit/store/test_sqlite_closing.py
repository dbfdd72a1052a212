"""Closing while others still read: they are told, and nothing breaks."""

import asyncio
from pathlib import Path

from llm_schema_registry.store import StoreUnavailableError
from llm_schema_registry.store.sqlite import SqliteStore


async def test_reads_while_the_store_closes_are_refused(tmp_path: Path) -> None:
    for round_ in range(20):
        store = await SqliteStore.open(tmp_path / f"{round_}.db")
        answered = refused = 0
        closing = asyncio.create_task(store.close())
        while not closing.done():
            try:
                await store.revision()
            except StoreUnavailableError:
                refused += 1
            else:
                answered += 1
            await asyncio.sleep(0)
        await closing
        assert answered + refused > 0
        assert refused > 0
