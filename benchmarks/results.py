"""Everything one run measured, as it is kept."""

from collections.abc import Iterator

import msgspec

from benchmarks.measuring import Figures, Measurement
from benchmarks.parts.following import Following
from benchmarks.parts.formats import Timing
from benchmarks.parts.memory import Memory


class Results(msgspec.Struct):
    """Everything one run measured.

    Attributes:
        machine: what it was measured on.
        nginx: the version of nginx; empty where there is none.
        store: what was behind the registry unless a measurement says otherwise.
        measurements: all that went over HTTP.
        formats: what the formats took, in process.
        memory: what workers held.
        following: how soon another node showed a write; `None` if that was not measured.
    """

    machine: str
    nginx: str = ""
    store: str = ""
    measurements: list[Measurement] = []
    formats: list[Timing] = []
    memory: list[Memory] = []
    following: Following | None = None

    def of_part(self, part: str) -> list[Measurement]:
        """The measurements of a part, in the order they were taken."""
        return [one for one in self.measurements if one.part == part]

    def find(self, part: str, workload: str, x: float | None = None) -> Measurement | None:
        """One measurement; `None` if it was not taken."""
        for one in self.of_part(part):
            if one.workload == workload and (x is None or one.x == x):
                return one
        return None

    def figures(self, part: str, workload: str, server: str, x: float | None = None) -> Figures | None:
        """The figures of a server in one measurement; `None` if there are none."""
        found = self.find(part, workload, x)
        return None if found is None else found.of(server)

    def troubles(self) -> Iterator[str]:
        """What makes figures invalid, a line each."""
        for one in self.measurements:
            for trouble in one.troubles():
                yield f"{one.part}: {trouble}"
