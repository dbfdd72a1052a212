"""The command line of the benchmarks."""

import argparse
import asyncio
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks import machine, servers
from benchmarks.filling import fill
from benchmarks.formats import measure_formats
from benchmarks.interference import measure_interference
from benchmarks.load import Job, Load
from benchmarks.measuring import Alternation, Measurement, RefusedError
from benchmarks.reporting import Results, document, with_tables
from benchmarks.scaling import measure_scaling
from benchmarks.workloads import IDS, WORKLOADS, preparation

CONNECTIONS = (1, 16, 64)
FORMATS = "formats"
SCALING = "scaling"
INTERFERENCE = "interference"
_PAGE = Path("docs/explanation/performance.md")


def main() -> None:
    """Measures what was asked for, prints tables and leaves the raw figures."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="lsr-bench-") as directory:
        results = _run(options, Path(directory))
    tables = document(results)
    print(f"\n{tables}")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    (options.out / "tables.md").write_text(tables, encoding="utf-8")
    print(f"Raw figures: {options.out / 'results.json'}")
    if options.document:
        _PAGE.write_text(with_tables(_PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")
        print(f"Tables put into {_PAGE}")


def _run(options: argparse.Namespace, directory: Path) -> Results:
    names = frozenset(options.only) or frozenset({FORMATS, SCALING, INTERFERENCE, *(one.name for one in WORKLOADS)})
    results = Results(machine.description())
    server_core, load_core = machine.cores()
    if FORMATS in names:
        print("formats, in process", flush=True)
        results.formats = list(measure_formats())
    with Load(load_core) as load:
        if names & {one.name for one in WORKLOADS}:
            with _alternation(load, server_core, options.seconds, directory) as alternation:
                results.http = list(_measure(alternation, names, options.connections))
        if INTERFERENCE in names:
            with _registry(load, server_core, directory, "interference") as server:
                for felt in measure_interference(load, server, options.seconds):
                    print(f"reads at {felt.connections} beside long checks: p99 {felt.beside.p99:.2f} ms", flush=True)
                    results.interference.append(felt)
        if SCALING in names:
            for one in measure_scaling(load, server_core, options.seconds / 2, directory):
                print(f"with {one.stored:,} schemas stored", flush=True)
                results.scaling.append(one)
    return results


@contextmanager
def _alternation(load: Load, core: int, seconds: float, directory: Path) -> Iterator[Alternation]:
    with (
        _registry(load, core, directory, "registry") as registry,
        servers.baseline(core, directory / "baseline.log") as baseline,
    ):
        yield Alternation(load, registry, baseline, seconds)


@contextmanager
def _registry(load: Load, core: int, directory: Path, name: str) -> Iterator[servers.Server]:
    """A registry with schemas in it, ready for every workload."""
    store = f"sqlite:///{directory / name}.db"
    asyncio.run(fill(store, IDS))
    with servers.registry(store, core, directory / f"{name}.log") as registry:
        prepared = load.run(Job(registry.port, preparation(), 1, 60.0, once=True))
        if prepared.refused:
            raise RefusedError(prepared.first_refusal.decode(errors="replace"))
        yield registry


def _measure(alternation: Alternation, names: Collection[str], connections: Collection[int]) -> Iterator[Measurement]:
    for workload in WORKLOADS:
        if workload.name in names:
            for count in connections:
                done = alternation.measure(workload, count)
                rate = done.registry.per_second
                print(f"{workload.name} at {count}: {rate:,.0f}/s, {done.ratio:.2f} of the baseline", flush=True)
                yield done


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*(one.name for one in WORKLOADS), INTERFERENCE, SCALING, FORMATS]
    parser.add_argument("--only", action="append", default=[], choices=names, help="measure this; may be repeated")
    parser.add_argument("--seconds", type=float, default=2.0, help="per workload and number of connections")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS, help="how many are kept busy")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="where the raw figures go")
    parser.add_argument("--document", action="store_true", help=f"put the tables into {_PAGE}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
