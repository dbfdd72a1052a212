"""The pool of sessions: how many there are, which are used again, and how they end."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from llm_schema_registry.store.postgresql import connections
from llm_schema_registry.store.postgresql.connections import Connections
from servers import execute, postgres

pytestmark = pytest.mark.timeout(30)

PROCESS = "SELECT pg_backend_pid()"


@pytest.fixture
async def pool() -> AsyncIterator[Connections]:
    pool = Connections(postgres().url(), "public", 1.0)
    yield pool
    await pool.close()


async def process_of(pool: Connections) -> int:
    return int((await pool.fetch(PROCESS, ()))[0][0])


async def test_a_session_is_used_again(pool: Connections) -> None:
    assert len({await process_of(pool) for _ in range(5)}) == 1


async def test_there_are_no_more_than_so_many_at_once(pool: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = await asyncio.gather(*(process_of(pool) for _ in range(50)))
    assert 1 < len(set(processes)) <= 8
    taken = [await pool.take() for _ in range(8)]
    monkeypatch.setattr(connections, "_CONNECT_SECONDS", 0.05)
    with pytest.raises(asyncpg.TooManyConnectionsError, match="in time"):
        await pool.take()
    waiting = asyncio.create_task(process_of(pool))
    await asyncio.sleep(0)
    for session in taken:
        await pool.give_back(session, roll_back=True)
    assert await waiting in processes


async def test_a_session_whose_statement_was_cancelled_is_not_used_again(pool: Connections) -> None:
    before = await process_of(pool)
    slow = asyncio.create_task(pool.fetch("SELECT pg_sleep(20)", ()))
    await asyncio.sleep(0.05)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await process_of(pool) != before


async def test_a_session_that_is_lost_takes_the_others_along(pool: Connections) -> None:
    used = await pool.take()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await pool.fetch("SELECT pg_terminate_backend(pg_backend_pid())", ())
    assert not used.is_closed()
    await pool.give_back(used, roll_back=True)
    assert used.is_closed()
    assert await process_of(pool)


async def test_a_transaction_is_rolled_back_when_its_session_is_given_back(pool: Connections) -> None:
    session = await pool.take()
    await session.execute("BEGIN")
    await pool.give_back(session, roll_back=True)
    again = await pool.take()
    assert again is session
    assert not again.is_in_transaction()
    await pool.give_back(again, roll_back=False)


async def test_sessions_that_nobody_uses_end(pool: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_IDLE_SECONDS", 0.05)
    session = await pool.take()
    await pool.give_back(session, roll_back=False)
    await asyncio.sleep(0.2)
    assert session.is_closed()
    assert await process_of(pool)


async def test_closing_waits_for_sessions_in_use(pool: Connections) -> None:
    session = await pool.take()
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0.02)
    assert not closing.done()
    assert await session.fetchval("SELECT 1") == 1
    await pool.give_back(session, roll_back=False)
    await closing
    await pool.close()
    assert session.is_closed()


async def test_closing_cuts_off_what_does_not_end(pool: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_CLOSE_SECONDS", 0.05)
    session = await pool.take()
    await pool.close()
    assert session.is_closed()
    await pool.give_back(session, roll_back=True)
    with pytest.raises(asyncpg.InterfaceError, match="closed"):
        await pool.take()


async def test_a_role_with_few_connections_is_served_by_those_it_has() -> None:
    server = postgres()
    role = f"few_{uuid.uuid4().hex[:8]}"
    await execute(server.url(), f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 2")
    pool = Connections(server.url(user=role), "public", 10.0)
    try:
        processes = await asyncio.gather(*(process_of(pool) for _ in range(200)))
        assert len(set(processes)) <= 2
        held = [await pool.take(), await pool.take()]
        waiting = asyncio.create_task(process_of(pool))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await pool.give_back(held.pop(), roll_back=False)
        assert await waiting in set(processes)
        await pool.give_back(held.pop(), roll_back=False)
    finally:
        await pool.close()


async def test_a_pool_without_any_connection_waits_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    server = postgres()
    role = f"none_{uuid.uuid4().hex[:8]}"
    await execute(server.url(), f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
    pool = Connections(server.url(user=role), "public", 10.0)
    try:
        waiting = asyncio.create_task(process_of(pool))
        await asyncio.sleep(0.2)
        await execute(server.url(), f"ALTER ROLE {role} CONNECTION LIMIT 1")
        assert await waiting > 0
        await execute(server.url(), f"ALTER ROLE {role} CONNECTION LIMIT 0")
        await pool.close()
        pool = Connections(server.url(user=role), "public", 10.0)
        monkeypatch.setattr(connections, "_CONNECT_SECONDS", 0.2)
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await process_of(pool)
    finally:
        await pool.close()
