"""When a circuit opens, what it costs then, and when it closes."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from llm_schema_registry.store import Cause, StoreUnavailableError
from llm_schema_registry.store.layers import circuit_breaker
from llm_schema_registry.store.layers.circuit_breaker import CircuitBreaker


class Probed:
    """Something that answers probes, or does not."""

    def __init__(self) -> None:
        self.answers = False
        self.silent = False
        self.probes = 0

    async def probe(self) -> None:
        self.probes += 1
        if self.silent:
            await asyncio.sleep(60)
        if not self.answers:
            raise StoreUnavailableError("gone")


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> Probed:
    monkeypatch.setattr(circuit_breaker, "_FIRST_PAUSE_SECONDS", 0.005)
    monkeypatch.setattr(circuit_breaker, "_LONGEST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(circuit_breaker, "_PROBE_SECONDS", 0.05)
    return Probed()


@pytest.fixture
async def circuit(probed: Probed) -> AsyncIterator[CircuitBreaker]:
    made = CircuitBreaker("test", probed.probe)
    yield made
    await made.close()


async def test_it_opens_after_three_failures_in_a_row(circuit: CircuitBreaker) -> None:
    for _ in range(3):
        circuit.failed()
        circuit.failed()
        circuit.check()
        circuit.succeeded()
    for _ in range(3):
        circuit.check()
        circuit.failed()
    with pytest.raises(StoreUnavailableError):
        circuit.check()


async def test_one_long_silence_opens_it(circuit: CircuitBreaker) -> None:
    circuit.failed(for_long=True)
    assert circuit.is_open


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it does not come to that")


async def test_it_closes_once_a_probe_is_answered(circuit: CircuitBreaker, probed: Probed) -> None:
    circuit.failed(for_long=True)
    await _until(lambda: probed.probes > 2)
    assert circuit.is_open
    probed.answers = True
    await _until(lambda: not circuit.is_open)
    circuit.check()
    probes = probed.probes
    await asyncio.sleep(0.03)
    assert probed.probes == probes


async def test_what_answers_a_probe_is_shut_out_for_no_time(circuit: CircuitBreaker, probed: Probed) -> None:
    """So that requests which fail by themselves do no harm to others."""
    probed.answers = True
    for _ in range(3):
        circuit.failed()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    circuit.check()
    circuit.failed()
    circuit.check()


async def test_a_silent_probe_is_given_up(circuit: CircuitBreaker, probed: Probed) -> None:
    probed.silent = True
    circuit.failed(for_long=True)
    await _until(lambda: probed.probes == 1)
    probed.silent, probed.answers = False, True
    await _until(lambda: not circuit.is_open)
    circuit.check()
    assert probed.probes >= 2


async def test_it_can_be_closed_for_good_while_it_probes(probed: Probed) -> None:
    circuit = CircuitBreaker("test", probed.probe)
    await circuit.close()
    circuit.failed(for_long=True)
    await asyncio.sleep(0.02)
    await circuit.close()
    probes = probed.probes
    await asyncio.sleep(0.02)
    assert probed.probes == probes


async def test_a_cause_that_lasts_opens_it_at_once_and_is_reported(circuit: CircuitBreaker) -> None:
    circuit.failed(StoreUnavailableError(cause=Cause.FULL, reason="the disk is full"))
    with pytest.raises(StoreUnavailableError, match="the disk is full") as refused:
        circuit.check()
    assert refused.value.cause is Cause.FULL
    assert circuit.failure is not None
    assert circuit.failure.cause in {Cause.FULL, Cause.UNREACHABLE}


async def test_a_want_of_connections_never_opens_it(circuit: CircuitBreaker) -> None:
    for _ in range(10):
        circuit.failed(StoreUnavailableError(cause=Cause.NO_CONNECTION, reason="no connection left"))
    circuit.check()
