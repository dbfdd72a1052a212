"""Turns of the event loop: few reads per turn, in order, and none is lost."""

import asyncio
import time

import pytest

from llm_schema_registry.server.connections.turns import OwnTurns, Turns


async def test_reads_beyond_a_turn_wait_in_order_and_all_come() -> None:
    turns = Turns()
    turns.writes = 1
    begun: list[int] = []
    per_turn = []
    admitted = [number for number in range(20) if turns.admit(lambda number=number: begun.append(number))]  # type: ignore[misc]
    while len(admitted) + len(begun) < 20:
        before = len(begun)
        await asyncio.sleep(0)
        per_turn.append(len(begun) - before)
    assert admitted == list(range(len(admitted)))
    assert begun == list(range(len(admitted), 20))
    assert 0 < len(admitted) < 20
    assert max(per_turn) <= len(admitted)


async def test_nobody_overtakes_those_who_wait() -> None:
    turns = Turns()
    turns.writes = 1
    begun: list[str] = []
    while turns.admit(lambda: begun.append("first")):
        pass
    assert not turns.admit(lambda: begun.append("second"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert begun == ["first", "second"]
    assert turns.admit(lambda: begun.append("third"))


async def test_few_requests_begin_per_turn_in_order_and_all_do() -> None:
    turns = Turns()
    begun: list[int] = []
    per_turn = []
    for number in range(100):
        turns.begin(lambda number=number: begun.append(number))  # type: ignore[misc]
    per_turn.append(len(begun))
    while len(begun) < 100:
        before = len(begun)
        await asyncio.sleep(0)
        per_turn.append(len(begun) - before)
    assert begun == list(range(100))
    assert 0 < max(per_turn) < 50


async def test_after_a_long_turn_one_request_begins_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    begun: list[int] = []
    per_turn = []
    for number in range(40):
        turns.begin(lambda number=number: begun.append(number))  # type: ignore[misc]
    while len(begun) < 40:
        before = len(begun)
        now += 1
        await asyncio.sleep(0)
        if len(begun) > before:
            per_turn.append(len(begun) - before)
    assert set(per_turn) == {1}
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # Short turns let more and more begin again.
    for number in range(40):
        turns.begin(lambda number=number: begun.append(number))  # type: ignore[misc]
    per_turn.clear()
    while len(begun) < 80:
        before = len(begun)
        await asyncio.sleep(0)
        if len(begun) > before:
            per_turn.append(len(begun) - before)
    assert per_turn == sorted(per_turn[:-1]) + per_turn[-1:]
    assert max(per_turn) > 1


async def test_long_steps_have_turns_of_their_own_in_order() -> None:
    turns = OwnTurns()
    ran: list[int] = []
    per_turn: list[int] = []

    async def step(number: int) -> None:
        await turns.take()
        ran.append(number)

    steps = [asyncio.create_task(step(number)) for number in range(10)]
    given_up = asyncio.create_task(step(10))
    await asyncio.sleep(0)
    given_up.cancel()
    while len(ran) < 10:
        before = len(ran)
        await asyncio.sleep(0)
        per_turn.append(len(ran) - before)
    assert max(per_turn) == 1
    assert ran == list(range(10))
    await asyncio.gather(*steps)
    await step(11)
    assert ran[-1] == 11
