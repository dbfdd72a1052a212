"""The end of a process: when it drains, leaves and is gone."""

import pytest

from llm_schema_registry.server.process.handshakes import HANDSHAKE_SECONDS
from llm_schema_registry.server.process.shutdown import GracefulShutdown, Phase


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def phases(shutdown: GracefulShutdown, clock: Clock, *times: float, connections: int = 1) -> list[Phase]:
    """The stage at so many seconds after the clock's beginning."""
    found = []
    for time in times:
        clock.now = Clock.now + time
        found.append(shutdown.phase(connections))
    return found


def test_without_being_asked_it_serves_for_ever(clock: Clock) -> None:
    assert phases(GracefulShutdown(5, 75, clock), clock, 0, 1e9) == [Phase.SERVING] * 2


def test_a_stop_drains_then_waits_a_moment_for_those_who_are_still_there(clock: Clock) -> None:
    shutdown = GracefulShutdown(5, 75, clock)
    shutdown.stop(drains=True)
    assert shutdown.is_stop
    expected = [Phase.DRAINING, Phase.DRAINING, Phase.CLOSING, Phase.CLOSING, Phase.STOPPED]
    assert phases(shutdown, clock, 0, 4.9, 5, 5.4, 5.5) == expected


def test_nobody_is_waited_for_who_is_not_there(clock: Clock) -> None:
    shutdown = GracefulShutdown(5, 75, clock)
    shutdown.stop(drains=True)
    assert phases(shutdown, clock, 0, 4.9, 5, connections=0) == [Phase.DRAINING, Phase.DRAINING, Phase.STOPPED]


def test_a_person_does_not_wait_for_a_drain(clock: Clock) -> None:
    shutdown = GracefulShutdown(5, 75, clock)
    shutdown.stop(drains=True)
    clock.now += 1
    shutdown.stop(drains=False)
    accepts = 1 + HANDSHAKE_SECONDS
    found = phases(shutdown, clock, 1, accepts + 0.01, accepts + 0.49, accepts + 0.51)
    assert found == [Phase.DRAINING, Phase.CLOSING, Phase.CLOSING, Phase.STOPPED]


def test_handshakes_under_way_complete_without_a_drain(clock: Clock) -> None:
    shutdown = GracefulShutdown(0, 75, clock)
    shutdown.stop(drains=True)
    found = phases(shutdown, clock, 0, HANDSHAKE_SECONDS - 0.01, HANDSHAKE_SECONDS + 0.01)
    assert found == [Phase.DRAINING, Phase.DRAINING, Phase.CLOSING]


def test_asking_again_delays_nothing(clock: Clock) -> None:
    shutdown = GracefulShutdown(5, 75, clock)
    shutdown.stop(drains=True)
    clock.now += 4
    shutdown.stop(drains=True)
    assert phases(shutdown, clock, 5, 5.5) == [Phase.CLOSING, Phase.STOPPED]


def test_a_retired_process_stays_for_its_clients_longer_than_they_keep_connections(clock: Clock) -> None:
    shutdown = GracefulShutdown(5, 75, clock)
    shutdown.retire()
    assert not shutdown.is_stop
    clock.now += 50
    shutdown.retire()
    assert phases(shutdown, clock, 0, 75, 89, 90) == [Phase.CLOSING] * 3 + [Phase.STOPPED]
    assert phases(shutdown, clock, 0, connections=0) == [Phase.STOPPED]


def test_a_stop_ends_a_retirement(clock: Clock) -> None:
    shutdown = GracefulShutdown(5, 75, clock)
    shutdown.retire()
    clock.now += 10
    shutdown.stop(drains=True)
    assert phases(shutdown, clock, 10, 10.4, 10.5) == [Phase.CLOSING, Phase.CLOSING, Phase.STOPPED]
