"""What is measured: slices of load, kept raw, and the figures that follow from them."""

from collections.abc import Sequence

import msgspec

from benchmarks.histogram import Histogram

REGISTRY = "registry"
FRAMEWORK = "framework"
NGINX = "nginx"
PEER = "peer"


class Slice(msgspec.Struct, frozen=True):
    """One slice of load on one server.

    Attributes:
        server: whose: `REGISTRY`, or what stands beside it: `FRAMEWORK`, `NGINX`, `PEER`, a registry of another size.
        seconds: from the first request to the last answer.
        latencies: of each answered request.
        processor: processor seconds of the server; 0 where they cannot be known.
        store_processor: processor seconds of the database behind it; 0 where there is none to look into.
        load_processor: processor seconds of the load.
        lateness: at a fixed rate, how late the load itself was.
        waited: at a fixed rate, how many requests found no connection free.
        refused: how many answers were not 2xx.
        lost: how many requests got no answer.
        why: the first refusal or loss.
    """

    server: str
    seconds: float
    latencies: Histogram
    processor: float
    store_processor: float
    load_processor: float
    lateness: Histogram = Histogram()
    waited: int = 0
    refused: int = 0
    lost: int = 0
    why: str = ""


class Figures(msgspec.Struct, frozen=True):
    """What slices of one server show together; latencies in milliseconds, processor times in microseconds a request.

    Attributes:
        per_core: requests per second of the server's processor time; 0 where it cannot be known.
        late: how late the load was at a fixed rate, 99th percentile, in milliseconds.
        trouble: why the figures mean nothing: refusals and losses; empty if there were none.
    """

    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float
    p999: float
    processor_us: float
    store_us: float
    load_us: float
    per_core: float
    late: float
    waited: int
    trouble: str

    @classmethod
    def of(cls, slices: Sequence[Slice]) -> "Figures":
        """The figures of at least one slice."""
        latencies = Histogram.together(one.latencies for one in slices)
        seconds = sum(one.seconds for one in slices)
        processor = sum(one.processor for one in slices)
        count = latencies.count
        return cls(
            requests=count,
            per_second=count / seconds if seconds else 0.0,
            p50=latencies.percentile(0.50),
            p95=latencies.percentile(0.95),
            p99=latencies.percentile(0.99),
            p999=latencies.percentile(0.999),
            processor_us=_each(processor, count),
            store_us=_each(sum(one.store_processor for one in slices), count),
            load_us=_each(sum(one.load_processor for one in slices), count),
            per_core=count / processor if processor else 0.0,
            late=Histogram.together(one.lateness for one in slices).percentile(0.99),
            waited=sum(one.waited for one in slices),
            trouble=_trouble(slices, count),
        )


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One workload under one condition: slices of several servers in alternation.

    Attributes:
        part: which part of the run it belongs to.
        workload: the name of the workload.
        title: what a request does.
        connections: how many are open.
        x: the place on the part's axis (schemas stored, versions, workers, requests per second …).
        store: what is behind the registry: `postgresql` or `sqlite`.
        rate: requests per second at fixed times; 0 where connections are kept busy.
        items: how many items one request handles.
        slices: all slices.
    """

    part: str
    workload: str
    title: str
    connections: int
    x: float = 0
    store: str = ""
    rate: float = 0
    items: int = 1
    slices: list[Slice] = []

    @property
    def servers(self) -> list[str]:
        """Whose slices there are, the registry's first."""
        return list(dict.fromkeys(one.server for one in self.slices))

    def of(self, server: str) -> Figures | None:
        """The figures of one server; `None` if there is no slice of it."""
        slices = [one for one in self.slices if one.server == server]
        return Figures.of(slices) if slices else None

    @property
    def registry(self) -> Figures:
        """The figures of the registry itself."""
        return Figures.of([one for one in self.slices if one.server == REGISTRY])

    def troubles(self) -> list[str]:
        """What makes figures of this invalid, a line for each server."""
        found = ((server, self.of(server)) for server in self.servers)
        return [f"{self.title}, {server}: {each.trouble}" for server, each in found if each and each.trouble]


def _each(seconds: float, count: int) -> float:
    return seconds / count * 1e6 if count else 0.0


def _trouble(slices: Sequence[Slice], count: int) -> str:
    refused, lost = sum(one.refused for one in slices), sum(one.lost for one in slices)
    found = [f"{number:,} {what}" for number, what in ((refused, "refused"), (lost, "lost")) if number]
    if not count:
        found.append("nothing was answered")
    why = next((one.why for one in slices if one.why), "")
    return ", ".join(found) + (f" ({why})" if found and why else "")
