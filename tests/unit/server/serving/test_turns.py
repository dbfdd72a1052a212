"""Turns of the event loop: few reads per turn, in order, and none is lost."""

import asyncio

from llm_schema_registry.server.serving.turns import Turns


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
