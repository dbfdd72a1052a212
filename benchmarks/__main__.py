"""The command line of the benchmarks."""

import argparse
import os
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks import machine
from benchmarks.bench import Bench, PreparationError
from benchmarks.load import Load, LoadError
from benchmarks.measuring import Measurement
from benchmarks.parts import following, formats, interference, memory, over_http, sizes, workers
from benchmarks.reporting import document, with_tables
from benchmarks.reporting.plots import MissingError, plot
from benchmarks.results import Results
from benchmarks.serving import Running, ServerError, Stores, peer, stores
from benchmarks.workloads import BY_NAME, SCANT, UsedUpError

_PAGE = Path("docs/explanation/performance.md")
_FIGURES = Path("docs/explanation/figures")
# What is measured on servers that stand beside each other; the names of workloads stand for themselves.
_BESIDE = (over_http.WORKLOADS_PART, over_http.CONNECTIONS_PART, over_http.OPEN_LOOP_PART)
_CURVES = {
    interference.PART: interference.measure_interference,
    sizes.STORED_PART: sizes.measure_stored,
    sizes.SUBJECTS_PART: sizes.measure_subjects,
    sizes.VERSIONS_PART: sizes.measure_versions,
    workers.PART: workers.measure_workers,
}
_PARTS = (
    *_BESIDE,
    over_http.EMBEDDED_PART,
    *_CURVES,
    memory.PART,
    following.PART,
    formats.PART,
)


def main() -> None:
    """Measures what was asked for, prints tables and leaves raw figures and plots."""
    options = _options()
    try:
        results = _run(options)
    except (LoadError, PreparationError, ServerError, UsedUpError) as error:
        sys.exit(f"benchmarks: {error}")
    text = document(results)
    print(f"\n{text}")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    (options.out / "tables.md").write_text(text, encoding="utf-8")
    print(f"Raw figures: {options.out / 'results.json'}")
    _draw(results, options.out)
    troubles = list(results.troubles())
    if troubles:
        sys.exit("\n".join(("benchmarks: INVALID figures", *troubles)))
    if options.document:
        plots = [f"![{file.stem}]({file.relative_to(_PAGE.parent)})" for file in _draw(results, _FIGURES)]
        page = with_tables(_PAGE.read_text(encoding="utf-8"), "\n\n".join((text.strip(), *plots)) + "\n")
        _PAGE.write_text(page, encoding="utf-8")
        print(f"Tables put into {_PAGE}")


def _draw(results: Results, directory: Path) -> list[Path]:
    try:
        files = list(plot(results, directory))
    except MissingError as error:
        print(error)
        return []
    print(f"Plots: {', '.join(map(str, files))}")
    return files


def _run(options: argparse.Namespace) -> Results:
    names = frozenset(options.only) or frozenset((*_PARTS, *BY_NAME))
    server_core, load_core = machine.cores()
    results = Results(machine.description(), machine.nginx_version())
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lsr-bench-", dir=options.scratch)))
        bench = Bench(
            load=stack.enter_context(Load(load_core)),
            server_core=server_core,
            load_core=load_core,
            directory=directory,
            seconds=options.seconds,
            full=options.full,
            stores=stack.enter_context(stores(options.store, {load_core}, directory)),
            files=Stores(f"sqlite:///{directory}", Running(None)),
            peer=peer(options.peer_url, options.peer_pid) if options.peer_url else None,
        )
        results.store = bench.stores.kind
        if formats.PART in names:
            print("formats, in process", flush=True)
            results.formats = list(formats.measure_formats())
        for one in _measurements(bench, names):
            _tell(one)
            results.measurements.append(one)
        if memory.PART in names:
            results.memory = list(_told(memory.measure_memory(bench)))
        if following.PART in names:
            print("another node", flush=True)
            results.following = following.measure_following(bench)
    return results


def _measurements(bench: Bench, names: Collection[str]) -> Iterator[Measurement]:
    workloads = BY_NAME.keys() if over_http.WORKLOADS_PART in names else BY_NAME.keys() & names
    if workloads or any(part in names for part in _BESIDE):
        with over_http.field(bench, bench.stores) as field:
            yield from over_http.measure_workloads(field, workloads)
            if over_http.OPEN_LOOP_PART in names:
                yield from over_http.measure_open_loop(field)
            if over_http.CONNECTIONS_PART in names:
                yield from over_http.measure_connections(field)
    if over_http.EMBEDDED_PART in names:
        with over_http.field(bench, bench.files, SCANT) as field:
            yield from over_http.measure_embedded(field)
    for name, measure in _CURVES.items():
        if name in names:
            yield from measure(bench)


def _tell(one: Measurement) -> None:
    ours = one.registry
    said = ours.trouble or f"{ours.per_second:,.0f}/s, {ours.processor_us:,.1f} µs"
    print(f"{one.part}: {one.title} ({one.x or one.connections:,.0f}): {said}", flush=True)


def _told(states: Iterable[memory.Memory]) -> Iterator[memory.Memory]:
    for one in states:
        print(f"memory: {one.state}: {one.resident:,.0f} MiB", flush=True)
        yield one


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*_PARTS, *BY_NAME]
    parser.add_argument("--only", action="append", default=[], choices=names, help="measure this; may be repeated")
    parser.add_argument("--seconds", type=float, default=0.7, help="per server, workload and condition")
    parser.add_argument("--full", action="store_true", help="a million schemas too; takes minutes longer")
    parser.add_argument("--store", default="", help="postgresql://…, or sqlite; a PostgreSQL of its own if not given")
    parser.add_argument("--scratch", type=Path, help="the directory for what the stores write; that of the system")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="where the raw figures go")
    parser.add_argument("--document", action="store_true", help=f"put tables and plots into {_PAGE}")
    environ = os.environ
    parser.add_argument("--peer-url", default=environ.get("PEER_URL", ""), help="another registry: http://host:port")
    pid = environ.get("PEER_PID") or None
    parser.add_argument("--peer-pid", type=int, default=pid, help="its process, if it runs on this machine")
    return parser.parse_args()


if __name__ == "__main__":
    main()
