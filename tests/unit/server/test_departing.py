"""The end of a process: when it drains, leaves and is gone."""

import pytest

from llm_schema_registry.server.departing import Departure, Stage
from llm_schema_registry.server.handshakes import HANDSHAKE_SECONDS


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def stages(departure: Departure, clock: Clock, *times: float, connections: int = 1) -> list[Stage]:
    """The stage at so many seconds after the clock's beginning."""
    found = []
    for time in times:
        clock.now = Clock.now + time
        found.append(departure.stage(connections))
    return found


def test_without_being_asked_it_serves_for_ever(clock: Clock) -> None:
    assert stages(Departure(5, 75, clock), clock, 0, 1e9) == [Stage.SERVING] * 2


def test_a_stop_drains_then_waits_a_moment_for_those_who_are_still_there(clock: Clock) -> None:
    departure = Departure(5, 75, clock)
    departure.stop(drains=True)
    assert departure.is_stop
    expected = [Stage.DRAINING, Stage.DRAINING, Stage.LEAVING, Stage.LEAVING, Stage.GONE]
    assert stages(departure, clock, 0, 4.9, 5, 5.4, 5.5) == expected


def test_nobody_is_waited_for_who_is_not_there(clock: Clock) -> None:
    departure = Departure(5, 75, clock)
    departure.stop(drains=True)
    assert stages(departure, clock, 0, 4.9, 5, connections=0) == [Stage.DRAINING, Stage.DRAINING, Stage.GONE]


def test_a_person_does_not_wait_for_a_drain(clock: Clock) -> None:
    departure = Departure(5, 75, clock)
    departure.stop(drains=True)
    clock.now += 1
    departure.stop(drains=False)
    accepts = 1 + HANDSHAKE_SECONDS
    found = stages(departure, clock, 1, accepts + 0.01, accepts + 0.49, accepts + 0.51)
    assert found == [Stage.DRAINING, Stage.LEAVING, Stage.LEAVING, Stage.GONE]


def test_handshakes_under_way_complete_without_a_drain(clock: Clock) -> None:
    departure = Departure(0, 75, clock)
    departure.stop(drains=True)
    found = stages(departure, clock, 0, HANDSHAKE_SECONDS - 0.01, HANDSHAKE_SECONDS + 0.01)
    assert found == [Stage.DRAINING, Stage.DRAINING, Stage.LEAVING]


def test_asking_again_delays_nothing(clock: Clock) -> None:
    departure = Departure(5, 75, clock)
    departure.stop(drains=True)
    clock.now += 4
    departure.stop(drains=True)
    assert stages(departure, clock, 5, 5.5) == [Stage.LEAVING, Stage.GONE]


def test_a_retired_process_stays_for_its_clients_longer_than_they_keep_connections(clock: Clock) -> None:
    departure = Departure(5, 75, clock)
    departure.retire()
    assert not departure.is_stop
    clock.now += 50
    departure.retire()
    assert stages(departure, clock, 0, 75, 89, 90) == [Stage.LEAVING] * 3 + [Stage.GONE]
    assert stages(departure, clock, 0, connections=0) == [Stage.GONE]


def test_a_stop_ends_a_retirement(clock: Clock) -> None:
    departure = Departure(5, 75, clock)
    departure.retire()
    clock.now += 10
    departure.stop(drains=True)
    assert stages(departure, clock, 10, 10.4, 10.5) == [Stage.LEAVING, Stage.LEAVING, Stage.GONE]
