"""The metrics of the Confluent registry under the names that exporters give them, for dashboards that have them.

They are derived from our own when they are read, so that no request pays for them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import Metric

_REQUESTS = "schema_registry_requests_total"
_CACHED_ANSWERS = "schema_registry_response_cache_answers_total"
_NOT_API = ("/health", "/metrics", "/openapi.json", "/docs")
_FIRST_FAILURE = 400


@dataclass(frozen=True, slots=True)
class Totals:
    """What the metrics are made from.

    Attributes:
        registered: how many schemas are registered; `None` if the store could not be asked.
        successes: answers below status 400.
        failures: all other answers.
    """

    registered: int | None
    successes: int
    failures: int


@dataclass(frozen=True, slots=True)
class ConfluentMetric:
    """A metric: its name, `gauge` or `counter`, what it says, and its value; `None` if that is not known."""

    name: str
    kind: str
    documentation: str
    value: Callable[[Totals], int | None]


CONFLUENT_METRICS = (
    ConfluentMetric(
        "kafka_schema_registry_registered_count",
        "gauge",
        "Registered schemas: versions of all subjects that are not soft-deleted.",
        lambda totals: totals.registered,
    ),
    ConfluentMetric(
        "kafka_schema_registry_api_success_count",
        "counter",
        "Requests of the API answered with a status below 400.",
        lambda totals: totals.successes,
    ),
    ConfluentMetric(
        "kafka_schema_registry_api_failure_count",
        "counter",
        "Requests of the API answered with a status of 400 or more.",
        lambda totals: totals.failures,
    ),
    ConfluentMetric(
        "kafka_schema_registry_master_slave_role",
        "gauge",
        "1: the node takes writes itself, as every node does.",
        lambda totals: 1,
    ),
    ConfluentMetric(
        "kafka_schema_registry_node_count",
        "gauge",
        "1: the node itself; the sum over all nodes is their number.",
        lambda totals: 1,
    ),
)


def confluent_exposition(families: Iterable[Metric], registered: int | None) -> bytes:
    """The metrics in Prometheus' text format.

    Args:
        families: our own metrics, of all workers.
        registered: how many schemas are registered, if that is known.
    """
    totals = _totals(families, registered)
    lines = []
    for metric in CONFLUENT_METRICS:
        value = metric.value(totals)
        if value is not None:
            lines += [
                f"# HELP {metric.name} {metric.documentation}",
                f"# TYPE {metric.name} {metric.kind}",
                f"{metric.name} {value}",
            ]
    return ("\n".join(lines) + "\n").encode()


def _totals(families: Iterable[Metric], registered: int | None) -> Totals:
    successes = failures = 0
    for family in families:
        for sample in family.samples:
            if sample.name not in (_REQUESTS, _CACHED_ANSWERS) or sample.labels["endpoint"].startswith(_NOT_API):
                continue
            # Only successful responses are cached.
            status = int(sample.labels.get("status", "200"))
            if status < _FIRST_FAILURE:
                successes += int(sample.value)
            else:
                failures += int(sample.value)
    return Totals(registered, successes, failures)
