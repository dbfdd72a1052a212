"""The pool of sessions: how many there are, which are used again, and how they end."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from llm_schema_registry.store.postgresql import pool as pooling
from llm_schema_registry.store.postgresql.pool import ConnectionPool
from servers import execute, postgres

pytestmark = pytest.mark.timeout(30)

PROCESS = "SELECT pg_backend_pid()"


@pytest.fixture
async def pool() -> AsyncIterator[ConnectionPool]:
    pool = ConnectionPool(postgres().url(), "public", 1.0)
    yield pool
    await pool.close()


async def process_of(pool: ConnectionPool) -> int:
    return int((await pool.fetch(PROCESS, ()))[0][0])


async def test_a_session_is_used_again(pool: ConnectionPool) -> None:
    assert len({await process_of(pool) for _ in range(5)}) == 1


async def test_there_are_no_more_than_so_many_at_once(pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = await asyncio.gather(*(process_of(pool) for _ in range(50)))
    assert 1 < len(set(processes)) <= 8
    taken = [await pool.acquire() for _ in range(8)]
    monkeypatch.setattr(pooling, "_WAIT_SECONDS", 0.05)
    with pytest.raises(asyncpg.TooManyConnectionsError, match="in time"):
        await pool.acquire()
    waiting = asyncio.create_task(process_of(pool))
    await asyncio.sleep(0)
    for session in taken:
        await pool.release(session, roll_back=True)
    assert await waiting in processes


async def test_a_session_whose_statement_was_cancelled_is_not_used_again(pool: ConnectionPool) -> None:
    before = await process_of(pool)
    slow = asyncio.create_task(pool.fetch("SELECT pg_sleep(20)", ()))
    await asyncio.sleep(0.05)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await process_of(pool) != before


async def test_a_session_that_is_lost_takes_the_others_along(pool: ConnectionPool) -> None:
    used = await pool.acquire()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await pool.fetch("SELECT pg_terminate_backend(pg_backend_pid())", ())
    assert not used.is_closed()
    await pool.release(used, roll_back=True)
    assert used.is_closed()
    assert await process_of(pool)


async def test_a_transaction_is_rolled_back_when_its_session_is_given_back(pool: ConnectionPool) -> None:
    session = await pool.acquire()
    await session.execute("BEGIN")
    await pool.release(session, roll_back=True)
    again = await pool.acquire()
    assert again is session
    assert not again.is_in_transaction()
    await pool.release(again, roll_back=False)


async def test_sessions_that_nobody_uses_end(pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "_IDLE_SECONDS", 0.05)
    session = await pool.acquire()
    await pool.release(session, roll_back=False)
    await asyncio.sleep(0.2)
    assert session.is_closed()
    assert await process_of(pool)


async def test_closing_waits_for_sessions_in_use(pool: ConnectionPool) -> None:
    session = await pool.acquire()
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0.02)
    assert not closing.done()
    assert await session.fetchval("SELECT 1") == 1
    await pool.release(session, roll_back=False)
    await closing
    await pool.close()
    assert session.is_closed()


async def test_closing_cuts_off_what_does_not_end(pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "_CLOSE_SECONDS", 0.05)
    session = await pool.acquire()
    await pool.close()
    assert session.is_closed()
    await pool.release(session, roll_back=True)
    with pytest.raises(asyncpg.InterfaceError, match="closed"):
        await pool.acquire()


async def test_a_role_with_few_connections_is_served_by_those_it_has() -> None:
    server = postgres()
    role = f"few_{uuid.uuid4().hex[:8]}"
    await execute(server.url(), f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 2")
    pool = ConnectionPool(server.url(user=role), "public", 10.0)
    try:
        await asyncio.gather(*(process_of(pool) for _ in range(200)))
        held = [await pool.acquire(), await pool.acquire()]
        waiting = asyncio.create_task(process_of(pool))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await pool.release(held.pop(), roll_back=False)
        assert await waiting > 0
        await pool.release(held.pop(), roll_back=False)
    finally:
        await pool.close()


async def test_a_pool_without_any_connection_waits_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    server = postgres()
    role = f"none_{uuid.uuid4().hex[:8]}"
    await execute(server.url(), f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
    pool = ConnectionPool(server.url(user=role), "public", 10.0)
    try:
        waiting = asyncio.create_task(process_of(pool))
        await asyncio.sleep(0.2)
        await execute(server.url(), f"ALTER ROLE {role} CONNECTION LIMIT 1")
        assert await waiting > 0
        await execute(server.url(), f"ALTER ROLE {role} CONNECTION LIMIT 0")
        await pool.close()
        pool = ConnectionPool(server.url(user=role), "public", 10.0)
        monkeypatch.setattr(pooling, "_WAIT_SECONDS", 0.2)
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await process_of(pool)
    finally:
        await pool.close()


@pytest.fixture
async def role() -> str:
    """A role that may have one connection."""
    name = f"one_{uuid.uuid4().hex[:8]}"
    await execute(postgres().url(), f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 1")
    return name


async def test_processes_that_share_a_connection_take_turns(role: str) -> None:
    pools = [ConnectionPool(postgres().url(user=role), "public", 10.0) for _ in range(3)]
    served = [0, 0, 0]

    async def work(number: int) -> None:
        while min(served) < 20:
            await pools[number].fetch("SELECT 1", ())
            served[number] += 1

    try:
        await asyncio.gather(*(work(number) for number in range(3) for _ in range(4)))
        assert all(pool.scarcity for pool in pools)
    finally:
        for pool in pools:
            await pool.close()


async def test_the_last_connection_is_let_go_after_its_use(role: str) -> None:
    pool, other = (ConnectionPool(postgres().url(user=role), "public", 10.0) for _ in range(2))
    try:
        assert await process_of(pool) != await process_of(other)
        # It was never refused one, and knows all the same.
        assert pool.scarcity
    finally:
        await pool.close()
        await other.close()


async def test_a_spare_connection_gives_way_to_the_only_one(role: str) -> None:
    pool = ConnectionPool(postgres().url(user=role), "public", 10.0)
    try:
        spare = await pool.connect_spare()
        assert await process_of(pool) > 0
        assert spare.is_closed()
    finally:
        await pool.close()


async def test_a_long_read_in_the_only_connection_goes_on(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(pooling, "_SOON_SECONDS", 0.05)
    pool = ConnectionPool(postgres().url(user=role), "public", 10.0)
    try:
        reading = asyncio.create_task(pool.fetch("SELECT 1 FROM pg_sleep(0.6)", (), 60.0))
        await asyncio.sleep(0.2)
        with pytest.raises(asyncpg.TooManyConnectionsError, match="too many connections"):
            await pool.fetch_soon("SELECT 1", ())
        assert len(await reading) == 1
    finally:
        await pool.close()


async def test_what_is_wanted_soon_does_not_wait_for_long_reads(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooling, "_SOON_SECONDS", 0.05)
    taken = [await pool.acquire() for _ in range(8)]
    assert [tuple(row) for row in await pool.fetch_soon("SELECT 1", ())] == [(1,)]
    for session in taken:
        await pool.release(session, roll_back=False)
