"""Tables of Markdown, which read as plain text too."""

from collections.abc import Iterable, Sequence

from benchmarks.measuring import FRAMEWORK, NGINX, PEER, Figures, Measurement
from benchmarks.parts.formats import Timing
from benchmarks.parts.memory import Memory
from benchmarks.results import Results
from benchmarks.targets import Bound, Reading, Target, evaluated

INVALID = "INVALID"
_TIMES = ("p50 ms", "p95 ms", "p99 ms")


def targets_table(results: Results) -> str:
    """Each target with what was measured, what was measured beside it, and whether it is met."""
    head = ("target", "limit", "measured", "baseline", "ratio", "verdict", "note")
    rows = []
    for target, reading, verdict in evaluated(results):
        cells = ("", "", "", "") if reading is None else _cells_of(target, reading)
        rows.append((target.what, _limit(target), *cells[:3], verdict.value, cells[3]))
    return table(head, rows)


def workloads_table(measurements: Iterable[Measurement]) -> str:
    """Workloads: throughput, latencies, processor time, and the same as multiple of what stands beside it."""
    head = (
        *("workload", "per second", *_TIMES, "CPU µs", "database µs", "per s of CPU"),
        *("CPU of nginx", "CPU of framework", "load µs"),
    )
    rows = []
    for one in measurements:
        ours = one.registry
        if ours.trouble:
            rows.append((one.title, INVALID, *[""] * (len(head) - 2)))
            continue
        items = f" ({ours.per_second * one.items:,.0f} events)" if one.items > 1 else ""
        rows.append(
            (
                one.title,
                f"{ours.per_second:,.0f}{items}",
                *_latencies(ours),
                f"{ours.processor_us:,.1f}",
                _or_nothing(ours.store_us),
                f"{ours.per_core:,.0f}",
                *(_times(ours.processor_us, one.of(server)) for server in (NGINX, FRAMEWORK)),
                f"{ours.load_us:,.1f}",
            )
        )
    return table(head, rows)


def yardsticks_table(measurements: Sequence[Measurement]) -> str:
    """The yardsticks themselves, by the median of their throughputs."""
    rows = []
    for server in (NGINX, FRAMEWORK):
        found = sorted(
            (figures for one in measurements if (figures := one.of(server)) is not None),
            key=lambda figures: figures.per_second,
        )
        if found:
            middle = found[len(found) // 2]
            rows.append((server, f"{middle.per_second:,.0f}", *_latencies(middle), f"{middle.processor_us:,.1f}"))
    return table(("yardstick", "per second", *_TIMES, "CPU µs"), rows)


def peers_table(measurements: Iterable[Measurement]) -> str:
    """The registry beside another one."""
    sides = [f"{what}, {who}" for what in ("per second", "p50 ms", "p99 ms", "CPU µs") for who in ("ours", "other")]
    rows = []
    for one in measurements:
        ours, theirs = one.registry, one.of(PEER)
        if theirs is None:
            continue
        if ours.trouble or theirs.trouble:
            rows.append((one.title, str(one.connections), INVALID, *[""] * len(sides)))
            continue
        rows.append(
            (
                *(one.title, str(one.connections)),
                *(f"{each.per_second:,.0f}" for each in (ours, theirs)),
                *(f"{each.p50:.2f}" for each in (ours, theirs)),
                *(f"{each.p99:.2f}" for each in (ours, theirs)),
                *(_or_nothing(each.processor_us) for each in (ours, theirs)),
                f"{ours.per_second / theirs.per_second:.2f}",
            )
        )
    return table(("workload", "connections", *sides, "throughput, ours of other"), rows)


def curve_table(measurements: Iterable[Measurement], axis: str) -> str:
    """Workloads along an axis."""
    head = ("workload", axis, "per second", *_TIMES, "CPU µs", "database µs", "CPU of nginx", "CPU of framework")
    rows = []
    for one in sorted(measurements, key=lambda one: one.workload):
        ours = one.registry
        if ours.trouble:
            rows.append((one.title, f"{one.x:,.0f}", INVALID, *[""] * (len(head) - 3)))
            continue
        rows.append(
            (
                *(one.title, f"{one.x:,.0f}", f"{ours.per_second:,.0f}", *_latencies(ours)),
                *(f"{ours.processor_us:,.1f}", _or_nothing(ours.store_us)),
                *(_times(ours.processor_us, one.of(server)) for server in (NGINX, FRAMEWORK)),
            )
        )
    return table(head, rows)


def open_loop_table(measurements: Iterable[Measurement]) -> str:
    """Latencies at fixed rates, of the registry and what stands beside it."""
    head = ("rate", "server", "per second", *_TIMES, "p99.9 ms", "CPU µs", "load late ms (p99)", "waited")
    rows = []
    for one in measurements:
        for server in one.servers:
            found = one.of(server)
            if found is None or found.trouble:
                rows.append((f"{one.rate:,.0f}", server, INVALID, *[""] * (len(head) - 3)))
                continue
            rows.append(
                (
                    *(f"{one.rate:,.0f}", server, f"{found.per_second:,.0f}", *_latencies(found), f"{found.p999:.2f}"),
                    *(f"{found.processor_us:,.1f}", f"{found.late:.2f}", f"{found.waited:,}"),
                )
            )
    return table(head, rows)


def interference_table(measurements: Iterable[Measurement]) -> str:
    """Reads alone and beside long compatibility checks, by connections."""
    rows = []
    for one in measurements:
        figures = one.registry
        rate = INVALID if figures.trouble else f"{figures.per_second:,.0f}"
        rows.append((str(one.connections), one.title, rate, *_latencies(figures)))
    return table(("connections", "what", "per second", *_TIMES), rows)


def memory_table(memory: Iterable[Memory]) -> str:
    """What workers hold."""
    return table(("worker", "MiB"), [(one.state, f"{one.resident:,.0f}") for one in memory])


def formats_table(timings: Sequence[Timing]) -> str:
    """Operations by format, in microseconds."""
    formats = list(dict.fromkeys(one.format for one in timings))
    operations = list(dict.fromkeys(one.operation for one in timings))
    found = {(one.operation, one.format): one.microseconds for one in timings}
    rows = [(name, *(f"{found[name, format_]:,.1f}" for format_ in formats)) for name in operations]
    return table(("µs, median", *formats), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a head, the first column to the left, the others to the right."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, tuple("-" * (width - 1) + ":" if column else "-" * width for column, width in enumerate(widths)))
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def _cells_of(target: Target, reading: Reading) -> tuple[str, str, str, str]:
    baseline = "" if reading.baseline is None else f"{_amount(reading.baseline, target.unit)} ({reading.beside})"
    ratio = "" if reading.ratio is None else f"{reading.ratio:,.2f}"
    return _amount(reading.measured, target.unit), baseline, ratio, reading.trouble or reading.note


def _limit(target: Target) -> str:
    sign = "≤" if target.bound is Bound.AT_MOST else "≥"
    if target.of_baseline:
        return f"{sign} {target.limit:g} of {target.of_baseline}"
    return f"{sign} {_amount(target.limit, target.unit)}"


def _amount(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{'' if unit.startswith('/') else ' '}{unit}"


def _latencies(figures: Figures) -> Iterable[str]:
    return (f"{value:.2f}" for value in (figures.p50, figures.p95, figures.p99))


def _times(value: float, other: Figures | None) -> str:
    return f"{value / other.processor_us:.2f}" if other is not None and other.processor_us else ""


def _or_nothing(value: float) -> str:
    return f"{value:,.1f}" if value else ""
