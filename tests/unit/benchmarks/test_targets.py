"""Targets held against results that are made up."""

import pytest

from benchmarks.histogram import Histogram
from benchmarks.measuring import FRAMEWORK, NGINX, REGISTRY, Measurement, Slice
from benchmarks.parts.memory import EMPTY, Memory
from benchmarks.results import Results
from benchmarks.targets import TARGETS, Bound, Reading, Target, Verdict, evaluated


def taken(server: str, processor: float, **more: object) -> Slice:
    latencies = Histogram.of([1_000_000] * 1_000)
    return Slice(server, 1.0, latencies, processor, 0.0, 0.0, **more)  # type: ignore[arg-type]


def measured(part: str, workload: str, *slices: Slice, x: float = 0) -> Measurement:
    return Measurement(part=part, workload=workload, title=workload, connections=16, x=x, slices=list(slices))


def verdict_on(what: str, results: Results) -> tuple[Reading | None, Verdict]:
    (found,) = ((reading, verdict) for target, reading, verdict in evaluated(results) if target.what == what)
    return found


BY_ID = "GET by id, one worker: CPU per request"
COLD = "GET by id, cold, on PostgreSQL: per second of CPU"
AT_RATE = "GET by id at 10,000/s, open loop, one core: p95"
GROWTH = "GET by id with many versions stored, cold: CPU per request"


@pytest.mark.parametrize(("ours", "verdict"), [(0.014, Verdict.MET), (0.0151, Verdict.MISSED), (0.0150, Verdict.MET)])
def test_cost_is_held_against_nginx(ours: float, verdict: Verdict) -> None:
    one = measured("workloads", "get-by-id", taken(REGISTRY, ours), taken(NGINX, 0.01), taken(FRAMEWORK, 0.05))
    reading, found = verdict_on(BY_ID, Results("", measurements=[one]))
    assert found is verdict
    assert reading is not None
    assert (reading.measured, reading.baseline, reading.beside) == (pytest.approx(ours * 1e3), 10.0, NGINX)
    assert reading.ratio == pytest.approx(ours / 0.01)


def test_without_nginx_the_framework_stands_beside_and_the_target_is_open() -> None:
    one = measured("workloads", "get-by-id", taken(REGISTRY, 0.01), taken(FRAMEWORK, 0.05))
    reading, found = verdict_on(BY_ID, Results("", measurements=[one]))
    assert found is Verdict.NOT_MEASURED
    assert reading is not None
    assert (reading.beside, reading.note) == (FRAMEWORK, "no nginx on the PATH")


@pytest.mark.parametrize("more", [{"refused": 1}, {"lost": 1}])
@pytest.mark.parametrize("troubled", [REGISTRY, FRAMEWORK])
def test_one_refusal_or_loss_makes_a_figure_invalid(more: dict[str, int], troubled: str) -> None:
    slices = [taken(server, 0.1, **(more if server == troubled else {})) for server in (REGISTRY, FRAMEWORK)]
    results = Results("", measurements=[measured("workloads", "get-by-id-cold", *slices)])
    reading, found = verdict_on(COLD, results)
    assert found is Verdict.INVALID
    assert reading is not None
    assert reading.trouble.startswith("1 ")
    assert len(list(results.troubles())) == 1


@pytest.mark.parametrize(("processor", "verdict"), [(0.5, Verdict.MET), (0.51, Verdict.MISSED)])
def test_more_has_to_be_more(processor: float, verdict: Verdict) -> None:
    one = measured("workloads", "get-by-id-cold", taken(REGISTRY, processor), taken(FRAMEWORK, 0.1))
    assert verdict_on(COLD, Results("", measurements=[one]))[1] is verdict


@pytest.mark.parametrize(
    ("latency", "late", "verdict"),
    [
        (1_000_000, 9_000_000, Verdict.MET),
        (3_000_000, 100_000, Verdict.MISSED),
        (3_000_000, 2_000_000, Verdict.DOUBTFUL),
    ],
)
def test_a_load_that_is_late_itself_proves_no_miss(latency: int, late: int, verdict: Verdict) -> None:
    ours = Slice(REGISTRY, 1.0, Histogram.of([latency] * 100), 0.1, 0.0, 0.0, lateness=Histogram.of([late] * 100))
    one = measured("open-loop", "get-by-id", ours, taken(NGINX, 0.1), x=10_000)
    assert verdict_on(AT_RATE, Results("", measurements=[one]))[1] is verdict


@pytest.mark.parametrize(("many", "verdict"), [(0.129, Verdict.MET), (0.131, Verdict.MISSED)])
def test_growth_is_held_against_a_thousand_in_the_same_minute(many: float, verdict: Verdict) -> None:
    one = measured("growth", "cold", taken(REGISTRY, many), taken("at 1,000", 0.1), x=100_000)
    reading, found = verdict_on(GROWTH, Results("", measurements=[one]))
    assert found is verdict
    assert reading is not None
    assert "at 100,000; 1,000,000 with --full" in reading.note


def test_memory_has_the_framework_beside_it() -> None:
    reading, verdict = verdict_on(
        "memory of a worker, empty", Results("", memory=[Memory(FRAMEWORK, 50.0), Memory(EMPTY, 121.0)])
    )
    assert verdict is Verdict.MISSED
    assert reading is not None
    assert reading.ratio == pytest.approx(2.42)


def test_what_was_not_measured_is_said_so() -> None:
    assert {verdict for _, _, verdict in evaluated(Results(""))} == {Verdict.NOT_MEASURED}
    assert len({target.what for target in TARGETS}) == len(TARGETS)


def test_a_limit_belongs_to_the_good_side() -> None:
    for bound in Bound:
        target = Target("", bound, 2.0, "ms", lambda _: None)
        assert target.verdict(Reading(2.0)) is Verdict.MET
