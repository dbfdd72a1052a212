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
from benchmarks.formats import Timing, measure_formats
from benchmarks.load import Job, Load
from benchmarks.measuring import Alternation, Measurement, RefusedError
from benchmarks.reporting import baseline_table, formats_table, http_table, scaling_table
from benchmarks.scaling import Scaling, measure_scaling
from benchmarks.workloads import IDS, WORKLOADS, preparation

CONNECTIONS = (1, 16, 64)
FORMATS = "formats"
SCALING = "scaling"


class Results(msgspec.Struct):
    """Everything one run measured."""

    machine: str
    http: list[Measurement] = []
    scaling: list[Scaling] = []
    formats: list[Timing] = []


def main() -> None:
    """Measures what was asked for, prints tables and leaves the raw figures."""
    options = _options()
    names = frozenset(options.only) or frozenset({FORMATS, SCALING, *(one.name for one in WORKLOADS)})
    results = Results(machine.description())
    print(f"{results.machine}\n")
    server_core, load_core = machine.cores()
    if FORMATS in names:
        results.formats = list(measure_formats())
        print(f"Formats, in process\n\n{formats_table(results.formats)}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="lsr-bench-") as directory, Load(load_core) as load:
        if names & {one.name for one in WORKLOADS}:
            with _alternation(load, server_core, options.seconds, Path(directory)) as alternation:
                results.http = list(_measure(alternation, names, options.connections))
            print(f"Over HTTP, server on one core, load on the other\n\n{http_table(results.http)}\n")
            print(f"The baseline: a framework endpoint with a constant\n\n{baseline_table(results.http)}\n", flush=True)
        if SCALING in names:
            results.scaling = list(measure_scaling(load, server_core, options.seconds / 2, Path(directory)))
            print(f"By number of schemas stored, 16 connections\n\n{scaling_table(results.scaling)}\n")
    options.out.mkdir(parents=True, exist_ok=True)
    written = options.out / "results.json"
    written.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    print(f"Raw figures: {written}")


@contextmanager
def _alternation(load: Load, core: int, seconds: float, directory: Path) -> Iterator[Alternation]:
    store = f"sqlite:///{directory / 'http.db'}"
    asyncio.run(fill(store, IDS))
    with (
        servers.registry(store, core, directory / "registry.log") as registry,
        servers.baseline(core, directory / "baseline.log") as baseline,
    ):
        prepared = load.run(Job(registry.port, preparation(), 1, 60.0, once=True))
        if prepared.refused:
            raise RefusedError(prepared.first_refusal.decode(errors="replace"))
        yield Alternation(load, registry, baseline, seconds)


def _measure(alternation: Alternation, names: Collection[str], connections: Collection[int]) -> Iterator[Measurement]:
    for workload in WORKLOADS:
        if workload.name in names:
            for count in connections:
                done = alternation.measure(workload, count)
                rate = done.registry.per_second
                print(f"  {workload.name} at {count}: {rate:,.0f}/s, {done.ratio:.2f} of the baseline", flush=True)
                yield done


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*(one.name for one in WORKLOADS), SCALING, FORMATS]
    parser.add_argument("--only", action="append", default=[], choices=names, help="measure this; may be repeated")
    parser.add_argument("--seconds", type=float, default=2.0, help="per workload and number of connections")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS, help="how many are kept busy")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="where the raw figures go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
