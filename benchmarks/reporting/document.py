"""All that a run measured, as one text."""

from collections.abc import Callable, Sequence

from benchmarks.measuring import PEER, Measurement
from benchmarks.parts import interference, over_http, sizes, workers
from benchmarks.reporting import tables
from benchmarks.results import Results

_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"

# The curves: part, heading, what the axis counts.
CURVES = (
    (over_http.CONNECTIONS_PART, "By connections", "connections"),
    (sizes.STORED_PART, "By schemas stored", "schemas"),
    (sizes.SUBJECTS_PART, "By subjects", "subjects"),
    (sizes.VERSIONS_PART, "By versions of a subject", "versions"),
    (workers.PART, "By workers", "workers"),
)


def document(results: Results) -> str:
    """All tables, each under a heading; first what is invalid, then the targets."""
    nginx = f"nginx {results.nginx}" if results.nginx else "no nginx on the PATH: the framework alone is the yardstick"
    parts = [f"Machine: {results.machine}; {nginx}.\n"]
    troubles = list(results.troubles())
    if troubles:
        lines = "\n".join(f"- {trouble}" for trouble in troubles)
        parts.append(f"**INVALID: not every request was answered as it has to be.**\n\n{lines}\n")
    parts += ["## Targets\n", tables.targets_table(results)]
    for heading, text in _sections(results):
        if text:
            parts += [f"\n## {heading}\n", text]
    return "\n".join(parts) + "\n"


def with_tables(page: str, text: str) -> str:
    """A page with a text between its markers."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{text}\n{_END}{after}"


def _sections(results: Results) -> Sequence[tuple[str, str]]:
    of = results.of_part
    workloads = of(over_http.WORKLOADS_PART)
    beside_peers = [one for one in results.measurements if one.of(PEER) is not None]
    return (
        (f"Over HTTP, {results.store} behind, 16 connections", _or_empty(tables.workloads_table, workloads)),
        ("The yardsticks", _or_empty(tables.yardsticks_table, workloads)),
        ("Beside another registry", _or_empty(tables.peers_table, beside_peers)),
        ("On SQLite", _or_empty(tables.workloads_table, of(over_http.EMBEDDED_PART))),
        ("At fixed rates", _or_empty(tables.open_loop_table, of(over_http.OPEN_LOOP_PART))),
        *((heading, tables.curve_table(of(part), axis) if of(part) else "") for part, heading, axis in CURVES),
        ("Reads beside long checks", _or_empty(tables.interference_table, of(interference.PART))),
        ("Memory", tables.memory_table(results.memory) if results.memory else ""),
        ("Formats, in process", tables.formats_table(results.formats) if results.formats else ""),
    )


def _or_empty(write: Callable[[list[Measurement]], str], measurements: list[Measurement]) -> str:
    return write(measurements) if measurements else ""
