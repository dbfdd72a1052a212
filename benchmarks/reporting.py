"""Figures as tables of Markdown, which read as plain text too."""

from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.formats import Timing
from benchmarks.interference import Interference
from benchmarks.measuring import Figures, Measurement
from benchmarks.scaling import Scaling

_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"


class Results(msgspec.Struct):
    """Everything one run measured."""

    machine: str
    http: list[Measurement] = []
    interference: list[Interference] = []
    scaling: list[Scaling] = []
    formats: list[Timing] = []


def document(results: Results) -> str:
    """All tables, each under a heading."""
    parts = [f"Machine: {results.machine}.\n"]
    if results.http:
        parts += ["## Over HTTP\n", http_table(results.http), "\n## The yardstick\n", baseline_table(results.http)]
    if results.interference:
        parts += ["\n## Reads beside long checks\n", interference_table(results.interference)]
    if results.scaling:
        parts += ["\n## By number of schemas stored\n", scaling_table(results.scaling)]
    if results.formats:
        parts += ["\n## Formats, in process\n", formats_table(results.formats)]
    return "\n".join(parts) + "\n"


def with_tables(page: str, tables: str) -> str:
    """A page with the tables between its markers."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{tables}\n{_END}{after}"


def http_table(measurements: Iterable[Measurement]) -> str:
    """Workloads by connections: throughput, latencies, processor time, and the same as multiple of the baseline."""
    times = ("p50 ms", "p95 ms", "p99 ms", "CPU µs")
    head = ("workload", "connections", "per second", *times, "of baseline", "CPU of baseline", "load µs")
    rows = []
    for one in measurements:
        ours, theirs = one.registry, one.baseline
        items = f" ({ours.per_second * one.items_per_request:,.0f} events)" if one.items_per_request > 1 else ""
        rows.append(
            (
                one.title,
                str(one.connections),
                f"{ours.per_second:,.0f}{items}",
                *(f"{value:.2f}" for value in (ours.p50, ours.p95, ours.p99)),
                f"{ours.processor_us:,.0f}",
                f"{one.ratio:.2f}",
                f"{ours.processor_us / theirs.processor_us:.2f}",
                f"{ours.load_us:,.0f}",
            )
        )
    return _table(head, rows)


def interference_table(measurements: Iterable[Interference]) -> str:
    """Reads alone and beside long compatibility checks, by connections."""
    head = ("connections", "beside", "per second", "p50 ms", "p95 ms", "p99 ms", "checks", "seconds per check")
    rows = []
    for one in measurements:
        for beside, read, checks in (
            ("nothing", one.alone, ("", "")),
            ("long checks", one.beside, (str(one.checks), f"{one.seconds_per_check:.2f}")),
        ):
            latencies = (f"{value:.2f}" for value in (read.p50, read.p95, read.p99))
            rows.append((str(one.connections), beside, f"{read.per_second:,.0f}", *latencies, *checks))
    return _table(head, rows)


def baseline_table(measurements: Sequence[Measurement]) -> str:
    """The baseline itself by connections: the median of its measurements, by throughput."""
    rows = []
    for connections in sorted({one.connections for one in measurements}):
        of_these = sorted((one.baseline for one in measurements if one.connections == connections), key=_throughput)
        middle = of_these[len(of_these) // 2]
        latencies = (f"{value:.2f}" for value in (middle.p50, middle.p95, middle.p99))
        rows.append((str(connections), f"{middle.per_second:,.0f}", *latencies, f"{middle.processor_us:,.0f}"))
    return _table(("connections", "per second", "p50 ms", "p95 ms", "p99 ms", "CPU µs"), rows)


def scaling_table(scalings: Sequence[Scaling]) -> str:
    """Operations by number of schemas stored, and starts."""
    head = ("", *(f"{one.stored:,} schemas" for one in scalings))
    operations = list(dict.fromkeys(name for one in scalings for name in one.rates))
    rows = []
    for name in operations:
        rates = [one.rates.get(name) for one in scalings]
        rows.append((f"{name}, per second", *(f"{rate.per_second:,.0f}" if rate else "" for rate in rates)))
        rows.append((f"{name}, CPU µs", *(f"{rate.processor_us:,.0f}" if rate else "" for rate in rates)))
    rows.append(("start to first answer, s", *(f"{one.start_seconds:.2f}" for one in scalings)))
    rows.append(("memory, MiB", *(f"{one.memory_mib:,.0f}" for one in scalings)))
    return _table(head, rows)


def formats_table(timings: Sequence[Timing]) -> str:
    """Operations by format, in microseconds."""
    formats = list(dict.fromkeys(one.format for one in timings))
    operations = list(dict.fromkeys(one.operation for one in timings))
    found = {(one.operation, one.format): one.microseconds for one in timings}
    rows = [(name, *(f"{found[name, format_]:,.1f}" for format_ in formats)) for name in operations]
    return _table(("µs, median", *formats), rows)


def _throughput(figures: Figures) -> float:
    return figures.per_second


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
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
