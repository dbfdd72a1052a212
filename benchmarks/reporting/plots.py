"""Plots of a run: SVG files that are the same for the same results."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.measuring import FRAMEWORK, NGINX, PEER, REGISTRY, Figures, Measurement
from benchmarks.parts import over_http
from benchmarks.reporting.document import CURVES
from benchmarks.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "benchmarks",
    "svg.fonttype": "none",
    "font.size": 7,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
_COLORS = {REGISTRY: "#1f6f8b", NGINX: "#3a9d5d", FRAMEWORK: "#c07b2c", PEER: "#8b3a62"}
_WIDTH, _HEIGHT = 7.0, 3.2
_BAR_HEIGHT = 0.28


class MissingError(Exception):
    """There is no library to draw with; the message says what to install."""


class _Panel(NamedTuple):
    """One of the diagrams that stand beside each other.

    Attributes:
        title: what is shown.
        choose: what is shown of figures.
    """

    title: str
    choose: Callable[[Figures], float]


_COST = (
    _Panel("CPU µs per request", lambda figures: figures.processor_us),
    _Panel("per second", lambda figures: figures.per_second),
)
_TAIL = (
    _Panel("p50 ms", lambda figures: figures.p50),
    _Panel("p99 ms", lambda figures: figures.p99),
)


def plot(results: Results, directory: Path) -> Iterator[Path]:
    """Draws what was measured into files of a directory, which is made; tells each file.

    Raises:
        MissingError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingError("No plots: matplotlib is missing, which `make bench` installs.") from None
    directory.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        for name, draw in _drawings(results):
            figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
            draw(figure)
            file = directory / f"bench-{name}.svg"
            figure.savefig(file, metadata={"Date": None, "Creator": None})
            yield file


def _drawings(results: Results) -> Iterator[tuple[str, Callable[["Figure"], None]]]:
    workloads = [one for one in results.of_part(over_http.WORKLOADS_PART) if not one.registry.trouble]
    if workloads:
        yield "workloads", partial(_bars, workloads)
    rates = results.of_part(over_http.OPEN_LOOP_PART)
    if rates:
        yield over_http.OPEN_LOOP_PART, partial(_by_server, rates)
    for part, _, axis in CURVES:
        curve = results.of_part(part)
        if curve:
            yield part, partial(_by_workload, curve, axis)


def _bars(measurements: Sequence[Measurement], figure: "Figure") -> None:
    """The processor time of a request, by workload and server."""
    figure.set_size_inches(_WIDTH, 1.0 + 0.42 * len(measurements))
    axes = figure.subplots()
    servers = list(dict.fromkeys(server for one in measurements for server in one.servers))
    for place, server in enumerate(servers):
        found = [
            (row, figures.processor_us)
            for row, one in enumerate(measurements)
            if (figures := one.of(server)) is not None and figures.processor_us
        ]
        if found:
            rows = [row + (place - (len(servers) - 1) / 2) * _BAR_HEIGHT for row, _ in found]
            axes.barh(rows, [cost for _, cost in found], _BAR_HEIGHT, label=server, color=_COLORS[server])
    axes.set_yticks(range(len(measurements)), [one.title for one in measurements])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("CPU µs per request")
    axes.legend()


def _by_server(measurements: Sequence[Measurement], figure: "Figure") -> None:
    """Latencies at fixed rates, a line for each server."""
    for axes, panel in zip(_beside(figure, _TAIL), _TAIL, strict=True):
        for server in dict.fromkeys(server for one in measurements for server in one.servers):
            points = [(one.x, panel.choose(figures)) for one in measurements if (figures := one.of(server)) is not None]
            _line(axes, points, server, _COLORS[server])
        _finish(axes, "requests per second", panel.title)
    _name_lines(figure)


def _by_workload(measurements: Sequence[Measurement], axis: str, figure: "Figure") -> None:
    """Cost and throughput along an axis, a line for each workload of the registry."""
    by_title = sorted(measurements, key=lambda one: one.title)
    for axes, panel in zip(_beside(figure, _COST), _COST, strict=True):
        for title, of_title in groupby(by_title, key=lambda one: one.title):
            points = [(one.x, panel.choose(one.registry)) for one in of_title if not one.registry.trouble]
            _line(axes, points, title, None)
        _finish(axes, axis, panel.title)
    _name_lines(figure)


def _beside(figure: "Figure", panels: Sequence[_Panel]) -> list["Axes"]:
    return list(figure.subplots(1, len(panels)))


def _line(axes: "Axes", points: Sequence[tuple[float, float]], label: str, color: str | None) -> None:
    ordered = sorted(points)
    axes.plot([x for x, _ in ordered], [y for _, y in ordered], marker="o", markersize=3, label=label, color=color)


def _finish(axes: "Axes", axis: str, title: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(axis)
    axes.set_title(title, fontsize=8)


def _name_lines(figure: "Figure") -> None:
    """Says once, below, which line is which."""
    lines, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=2, fontsize=6)
