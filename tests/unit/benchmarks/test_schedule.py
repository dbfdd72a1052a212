"""The times at which requests leave."""

from benchmarks.load.schedule import Schedule

MILLISECOND = 1_000_000


def test_times_are_even_and_told_once() -> None:
    schedule = Schedule(start=1_000, rate=1_000, seconds=0.005)
    assert schedule.due(999) == []
    assert schedule.due(1_000) == [1_000]
    assert schedule.due(1_000 + MILLISECOND - 1) == []
    assert schedule.due(1_000 + 2 * MILLISECOND) == [1_000 + MILLISECOND, 1_000 + 2 * MILLISECOND]
    assert not schedule.over


def test_who_is_late_gets_all_that_has_passed_at_its_own_time() -> None:
    schedule = Schedule(start=0, rate=1_000, seconds=0.005)
    assert schedule.due(3_600 * 1_000 * MILLISECOND) == [number * MILLISECOND for number in range(5)]
    assert schedule.over
    assert schedule.due(3_601 * 1_000 * MILLISECOND) == []


def test_a_rate_that_divides_nothing_evenly_keeps_its_count() -> None:
    schedule = Schedule(start=0, rate=3_000, seconds=1.0)
    times = schedule.due(10_000 * MILLISECOND)
    assert len(times) == 3_000
    assert times[-1] == round(2_999 * 1e9 / 3_000)
