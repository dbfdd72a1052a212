"""The sandbox of a server: bounded, fair between clients, and without work for clients that left."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.sandbox import DeadlineExceededError, Limits, QueueFullError
from llm_schema_registry.sandbox.fair import FairSandbox
from unit.sandbox import programs

pytestmark = pytest.mark.services


class Noted:
    def __init__(self) -> None:
        self.events: Counter[str] = Counter()

    def __call__(self, event: str) -> None:
        self.events[event] += 1


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
async def single(noted: Noted) -> AsyncIterator[FairSandbox]:
    found = FairSandbox(programs.calls, limits=Limits(seconds=30.0), waiting=4, noted=noted)
    await found.run((programs.double, 1))
    yield found
    found.close()


@pytest.fixture
async def double(noted: Noted) -> AsyncIterator[FairSandbox]:
    found = FairSandbox(programs.calls, limits=Limits(seconds=30.0), processes=2, waiting=4, noted=noted)
    await found.run((programs.double, 1))
    yield found
    found.close()


async def test_the_event_loop_stays_free(single: FairSandbox) -> None:
    job = asyncio.create_task(single.run((programs.sleep, 0.3)))
    turns = 0
    while not job.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert await job == "slept"
    assert turns > 5


async def test_a_deadline_ends_one_job_alone(single: FairSandbox, noted: Noted) -> None:
    with pytest.raises(DeadlineExceededError):
        await single.run((programs.sleep, 60), "a", 0.2)
    assert await single.run((programs.double, 3), "a") == 6
    assert noted.events == {"start": 2, "deadline": 1}


async def test_clients_take_turns(single: FairSandbox) -> None:
    order: list[str] = []

    async def job(client: str) -> None:
        await single.run((programs.sleep, 0.01), client)
        order.append(client)

    await asyncio.gather(*(job(client) for client in ("a", "a", "a", "b", "c")))
    assert order.index("b") <= 2
    assert order.index("c") <= 3


async def test_one_client_does_not_hold_all_processes(double: FairSandbox) -> None:
    greedy = [asyncio.create_task(double.run((programs.sleep, 60), "greedy")) for _ in range(3)]
    await asyncio.sleep(0)
    assert (double.running, double.queued) == (1, 2)
    assert await double.run((programs.double, 4), "honest") == 8
    for job in greedy:
        job.cancel()
    await asyncio.gather(*greedy, return_exceptions=True)


async def test_a_full_queue_refuses_the_client_with_most_jobs(single: FairSandbox, noted: Noted) -> None:
    greedy = [asyncio.create_task(single.run((programs.sleep, 0.3), "greedy")) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await single.run((programs.double, 4), "greedy")
    assert await single.run((programs.double, 4), "honest") == 8
    outcomes = await asyncio.gather(*greedy, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, str, str, str, QueueFullError]
    assert noted.events["refused"] == 2
    assert (single.running, single.queued) == (0, 0)


async def test_a_running_job_is_killed_when_its_caller_is_cancelled(single: FairSandbox, noted: Noted) -> None:
    abandoned = asyncio.create_task(single.run((programs.sleep, 60), "a"))
    await asyncio.sleep(0.1)
    abandoned.cancel()
    assert await single.run((programs.double, 4), "b") == 8
    assert noted.events == {"start": 2, "cancel": 1}


async def test_a_waiting_job_is_dropped_when_its_caller_is_cancelled(single: FairSandbox, noted: Noted) -> None:
    running = asyncio.create_task(single.run((programs.sleep, 0.3), "a"))
    waiting = [asyncio.create_task(single.run((programs.sleep, 60), "b")) for _ in range(4)]
    await asyncio.sleep(0)
    assert single.queued == 4
    for job in waiting:
        job.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert single.queued == 0
    assert await running == "slept"
    assert await single.run((programs.double, 4), "b") == 8
    assert noted.events == {"start": 1}


async def test_a_job_that_is_cancelled_when_its_turn_has_come_gives_it_back(single: FairSandbox) -> None:
    running = asyncio.create_task(single.run((programs.sleep, 0.05), "a"))
    waiting = asyncio.create_task(single.run((programs.sleep, 60), "b"))
    await running
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await single.run((programs.double, 4), "c") == 8


async def test_closing_ends_what_runs(noted: Noted) -> None:
    sandbox = FairSandbox(programs.calls, noted=noted)
    await sandbox.run((programs.double, 1))
    job = asyncio.create_task(sandbox.run((programs.sleep, 60)))
    await asyncio.sleep(0.1)
    sandbox.close()
    (outcome,) = await asyncio.gather(job, return_exceptions=True)
    assert isinstance(outcome, Exception)
    sandbox.close()
