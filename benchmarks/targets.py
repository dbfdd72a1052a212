"""What the registry is meant to reach, and whether it did: a table of targets over the results of a run."""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.measuring import FRAMEWORK, NGINX, REGISTRY, Figures
from benchmarks.parts import formats, memory, over_http, sizes
from benchmarks.results import Results

OPEN_LOOP_RATE = 10_000
MANY = 1_000_000
# What the load is late by counts as latency: beyond this, a latency above its limit may be the load's own.
_TRUSTED_LATENESS_MS = 1.0


class Bound(enum.Enum):
    """On which side of its limit a figure has to be."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


class Verdict(enum.StrEnum):
    """What came out."""

    MET = "met"
    MISSED = "MISSED"
    INVALID = "INVALID"
    DOUBTFUL = "doubtful"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a run says about a target.

    Attributes:
        measured: the figure.
        baseline: what was measured beside it in the same minute; `None` if there was nothing.
        beside: what the baseline is.
        note: what else helps to read the figure.
        trouble: why the figure means nothing; empty if it means something.
        doubtful: whether the load was too late itself to tell that the limit is not kept.
    """

    measured: float
    baseline: float | None = None
    beside: str = ""
    note: str = ""
    trouble: str = ""
    doubtful: bool = False

    @property
    def ratio(self) -> float | None:
        """The figure as a multiple of the baseline."""
        return self.measured / self.baseline if self.baseline else None


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    Attributes:
        what: what is measured.
        bound: on which side of the limit the figure has to be.
        limit: the limit.
        unit: of figure and baseline.
        read: finds the figure in the results of a run; `None` if it was not measured.
        of_baseline: what has to be the baseline if the limit is for the ratio; empty if it is for the figure.
    """

    what: str
    bound: Bound
    limit: float
    unit: str
    read: Callable[[Results], Reading | None]
    of_baseline: str = ""

    def verdict(self, reading: Reading | None) -> Verdict:
        """Whether the target is met by what was read."""
        if reading is None:
            return Verdict.NOT_MEASURED
        if reading.trouble:
            return Verdict.INVALID
        figure: float | None = reading.measured
        if self.of_baseline:
            figure = reading.ratio if reading.beside == self.of_baseline else None
        if figure is None:
            return Verdict.NOT_MEASURED
        good = figure <= self.limit if self.bound is Bound.AT_MOST else figure >= self.limit
        if good:
            return Verdict.MET
        return Verdict.DOUBTFUL if reading.doubtful else Verdict.MISSED


def evaluated(results: Results) -> Iterator[tuple[Target, Reading | None, Verdict]]:
    """Every target with what a run says about it."""
    for target in TARGETS:
        reading = target.read(results)
        yield target, reading, target.verdict(reading)


_Choose = Callable[[Figures], float]


def _http(
    part: str,
    workload: str,
    choose: _Choose,
    *,
    beside: str = FRAMEWORK,
    x: float | None = None,
    note: Callable[[Figures], str] = lambda _: "",
) -> Callable[[Results], Reading | None]:
    """Reads a figure of the registry and the same of a baseline, the framework's where there is no other."""

    def read(results: Results) -> Reading | None:
        ours = results.figures(part, workload, REGISTRY, x)
        if ours is None:
            return None
        name = beside if results.figures(part, workload, beside, x) else FRAMEWORK
        theirs = results.figures(part, workload, name, x)
        trouble = ours.trouble or (theirs.trouble if theirs else "")
        said = note(ours) if name == beside else f"no {beside} on the PATH"
        return Reading(
            choose(ours), choose(theirs) if theirs else None, name, said, trouble, ours.late > _TRUSTED_LATENESS_MS
        )

    return read


def _growth(workload: str) -> Callable[[Results], Reading | None]:
    """Reads what a request costs with many schemas stored, beside the same with a few."""

    def read(results: Results) -> Reading | None:
        found = results.find(sizes.GROWTH_PART, workload)
        few = None if found is None else found.of(sizes.AT_FEW)
        if found is None or few is None:
            return None
        many = found.registry
        full = "" if found.x >= MANY else f"; {MANY:,} with --full"
        database = f"database {many.store_us:,.0f} and {few.store_us:,.0f} µs"
        note = f"at {found.x:,.0f}{full}; {database}"
        return Reading(many.processor_us, few.processor_us, sizes.AT_FEW, note, many.trouble or few.trouble)

    return read


def _memory(state: str) -> Callable[[Results], Reading | None]:
    def read(results: Results) -> Reading | None:
        found = {one.state: one.resident for one in results.memory}
        return Reading(found[state], found.get(memory.FRAMEWORK_STATE), FRAMEWORK) if state in found else None

    return read


def _timing(format_: str, operation: str) -> Callable[[Results], Reading | None]:
    def read(results: Results) -> Reading | None:
        found = {one.operation: one.microseconds / 1000 for one in results.formats if one.format == format_}
        if operation not in found:
            return None
        return Reading(found[operation], found[formats.YARDSTICK], formats.YARDSTICK)

    return read


def _following(results: Results) -> Reading | None:
    found = results.following
    if found is None:
        return None
    note = f"median {found.other.percentile(0.5):.2f}, of {found.other.count} writes"
    return Reading(found.other.percentile(0.99), found.same.percentile(0.99), "the node itself", note)


def _processor_us(figures: Figures) -> float:
    return figures.processor_us


def _per_core(figures: Figures) -> float:
    return figures.per_core


def _in_time(figures: Figures) -> str:
    return f"{figures.per_second:,.0f}/s sent; load late {figures.late:.2f} ms (p99)"


def _cold(figures: Figures) -> str:
    return f"{figures.per_second:,.0f}/s of wall time; database {figures.store_us:,.0f} µs each"


_AT_RATE = f"GET by id at {OPEN_LOOP_RATE:,}/s, open loop, one core"
_REGISTRATION = "new version on PostgreSQL, checked against one, 16 clients"
_WORKLOADS = over_http.WORKLOADS_PART
_OPEN = over_http.OPEN_LOOP_PART

TARGETS = (
    Target(
        "GET by id, one worker: CPU per request",
        *(Bound.AT_MOST, 1.5, "µs"),
        _http(_WORKLOADS, "get-by-id", _processor_us, beside=NGINX),
        of_baseline=NGINX,
    ),
    Target(
        "GET latest, PostgreSQL behind, hot: CPU per request",
        *(Bound.AT_MOST, 1.5, "µs"),
        _http(_WORKLOADS, "get-latest", _processor_us, beside=NGINX),
        of_baseline=NGINX,
    ),
    Target(
        f"{_AT_RATE}: p95",
        *(Bound.AT_MOST, 2.0, "ms"),
        _http(_OPEN, "get-by-id", lambda figures: figures.p95, beside=NGINX, x=OPEN_LOOP_RATE, note=_in_time),
    ),
    Target(
        f"{_AT_RATE}: p99",
        *(Bound.AT_MOST, 10.0, "ms"),
        _http(_OPEN, "get-by-id", lambda figures: figures.p99, beside=NGINX, x=OPEN_LOOP_RATE, note=_in_time),
    ),
    Target(
        "GET by id, cold, on PostgreSQL: per second of CPU",
        *(Bound.AT_LEAST, 2_000, "/s"),
        _http(_WORKLOADS, "get-by-id-cold", _per_core, note=_cold),
    ),
    Target(
        f"{_REGISTRATION}: per second",
        *(Bound.AT_LEAST, 500, "/s"),
        _http(_WORKLOADS, "register-next", lambda figures: figures.per_second),
    ),
    Target(
        f"{_REGISTRATION}: p95",
        *(Bound.AT_MOST, 50.0, "ms"),
        _http(_WORKLOADS, "register-next", lambda figures: figures.p95),
    ),
    Target(
        "compatibility check, Avro, over HTTP: per second of CPU",
        *(Bound.AT_LEAST, 1_500, "/s"),
        _http(_WORKLOADS, "check-avro", _per_core),
    ),
    Target(
        "validation in batches of 100, JSON Schema: events per second of CPU",
        *(Bound.AT_LEAST, 60_000, "/s"),
        _http(_WORKLOADS, "validate-batch-json", lambda figures: 100 * figures.per_core),
    ),
    Target("memory of a worker, empty", Bound.AT_MOST, 120, "MiB", _memory(memory.EMPTY)),
    Target(f"memory of a worker, {memory.FILLED}", Bound.AT_MOST, 250, "MiB", _memory(memory.FILLED)),
    Target(
        "GET by id with many versions stored, hot: CPU per request",
        *(Bound.AT_MOST, 1.1, "µs"),
        _growth("hot"),
        of_baseline=sizes.AT_FEW,
    ),
    Target(
        "GET by id with many versions stored, cold: CPU per request",
        *(Bound.AT_MOST, 1.3, "µs"),
        _growth("cold"),
        of_baseline=sizes.AT_FEW,
    ),
    *(
        Target(f"check of 20 fields, {format_}, parsed: median", Bound.AT_MOST, 1.0, "ms", _timing(format_, operation))
        for operation in (formats.FROM_PARSED,)
        for format_ in ("avro", "json", "protobuf")
    ),
    *(
        Target(
            f"check of 20 fields, {format_}, from text: median", Bound.AT_MOST, 3.0, "ms", _timing(format_, operation)
        )
        for operation in (formats.FROM_TEXT,)
        for format_ in ("avro", "json")
    ),
    Target("another node shows a write: p99", Bound.AT_MOST, 50.0, "ms", _following),
)
