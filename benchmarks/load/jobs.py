"""What the load is asked for, and what it tells."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.histogram import Histogram


@dataclass(frozen=True, slots=True)
class Job:
    """One slice of load.

    Attributes:
        address: host and port of the server.
        requests: complete requests, head and body.
        connections: how many are kept open.
        seconds: for how long, unless the requests run out.
        once: send each request at most once; the slice ends early when they run out.
        rate: requests per second that leave at fixed times, whatever is answered; 0 keeps every connection busy
            instead: each sends a request, reads the whole answer and sends the next.
    """

    address: tuple[str, int]
    requests: Sequence[bytes]
    connections: int
    seconds: float
    once: bool = False
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one slice of load saw.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: of each answered request; at a fixed rate from the time at which it was meant to leave.
        lateness: at a fixed rate, how much after its time the load got to each request; empty otherwise. What the load
            itself is late by is part of the latency.
        waited: at a fixed rate, how many requests found no connection free and left later.
        refused: how many answers were not 2xx.
        first_refusal: the beginning of the first of these; empty if there is none.
        lost: how many requests got no answer, because the connection broke or the answer did not come.
        processor: processor seconds that the load itself took.
    """

    seconds: float
    latencies: Histogram
    lateness: Histogram
    waited: int
    refused: int
    first_refusal: str
    lost: int
    processor: float


class LoadError(Exception):
    """The load cannot talk to a server at all: no connection, or answers that it cannot read."""
