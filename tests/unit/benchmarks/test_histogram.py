"""Percentiles of histograms against those of the times themselves."""

import random

import pytest

from benchmarks.histogram import Histogram, bounds, bucket_of


def test_a_bucket_holds_the_times_that_it_says() -> None:
    times = [*range(600), *(2**power + offset for power in range(9, 62) for offset in (-1, 0, 1))]
    for time in times:
        low, high = bounds(bucket_of(time))
        assert low <= time <= high
        assert high - low <= time / 128
    assert [bucket_of(time) for time in sorted(times)] == sorted(bucket_of(time) for time in times)


@pytest.mark.parametrize("part", [0.0, 0.5, 0.95, 0.99, 0.999, 1.0])
def test_percentiles_are_exact_to_a_hundredth(part: float) -> None:
    chance = random.Random(1)  # noqa: S311
    times = sorted(int(chance.lognormvariate(12, 2)) for _ in range(10_000))
    exact = times[max(1, round(part * len(times))) - 1]
    assert Histogram.of(times).percentile(part) == pytest.approx(exact / 1e6, rel=0.01)


def test_the_median_of_two_is_the_lower_and_all_of_them_the_higher() -> None:
    two = Histogram.of([100, 200])
    assert two.percentile(0.5) == pytest.approx(100 / 1e6)
    assert two.percentile(0.51) == pytest.approx(200 / 1e6)


def test_histograms_add_up() -> None:
    together = Histogram.together([Histogram.of([1, 1, 5]), Histogram.of([5, 1_000_000])])
    assert together == Histogram.of([1, 1, 5, 5, 1_000_000])
    assert together.count == 5


def test_nothing_has_no_percentile() -> None:
    assert Histogram().percentile(0.99) == 0.0
