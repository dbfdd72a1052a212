"""Metrics of the process, with bounded labels: route templates and outcomes, never subjects."""

import os
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from llm_schema_registry.server.telemetry.confluent_metrics import CONFLUENT_METRICS, confluent_exposition
from llm_schema_registry.server.telemetry.registered_count import RegisteredCount
from llm_schema_registry.store import Cause

# The framework adds the charset.
CONTENT_TYPE = CONTENT_TYPE_LATEST.partition("; charset")[0]
# prometheus-client keeps its values in files below this directory if the variable is set when it is imported.
SHARED_BY_WORKERS = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_RESULTS = frozenset({"hit", "miss", "outdated", "damaged"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

# The next release removes them.
_DEPRECATED_LAYERS = {"response": "shelf"}


class Metrics:
    """The metrics of one process.

    Args:
        cached_answers: the number of answers from the response cache since the last call, by route template.

    Attributes:
        registered: how many schemas are registered.
    """

    def __init__(self, cached_answers: Callable[[], Mapping[str, int]] = dict) -> None:
        self._cached_answers = cached_answers
        self._caches: dict[str, Callable[[], tuple[int, int]]] = {}
        self.registered = RegisteredCount()
        self.registry = CollectorRegistry()
        self._requests = self._counter("schema_registry_requests", "Requests answered.", "method", "endpoint", "status")
        self._durations = Histogram(
            "schema_registry_request_duration_seconds",
            "Time to answer a request.",
            ["method", "endpoint"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._registrations = self._counter(
            "schema_registry_schema_registrations",
            "Registrations by outcome: created, existing, or the error code.",
            "status",
        )
        self._checks = self._counter(
            "schema_registry_compatibility_checks", "Compatibility checks by result.", "result"
        )
        self._validations = self._counter(
            "schema_registry_validations", "Payloads validated, by format and result.", "schema_type", "result"
        )
        self._validation_durations = Histogram(
            "schema_registry_validation_duration_seconds",
            "Time to validate a payload or a batch.",
            ["schema_type"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._storage = Gauge(
            "schema_registry_storage_connection_status",
            "Whether the store answered when it was last asked: 1 or 0.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._storage_errors = self._counter(
            "schema_registry_storage_operation_errors", "Requests that failed because of the store.", "operation"
        )
        self._store_failures = self._counter(
            "schema_registry_store_failures", f"Failures of the store by cause: {', '.join(Cause)}.", "cause"
        )
        self._from_cache = self._counter(
            "schema_registry_response_cache_answers",
            "Requests answered from the response cache, before the application; not among the requests above.",
            "endpoint",
        )
        self._from_shelf = self._counter(
            "schema_registry_shelf_answers",
            "Deprecated name of `schema_registry_response_cache_answers`; the next release removes it.",
            "endpoint",
        )
        self._stale = self._counter(
            "schema_registry_stale_answers",
            "Reads answered with what was known, while the store was out of reach.",
            "endpoint",
        )
        self._cache_requests = self._counter(
            "schema_registry_cache_requests",
            "Cache lookups by layer (`response`: requests, in the response cache, also under the deprecated label "
            "`shelf`; `memory`: point reads, in the process; `shared`: in the cache that nodes share) and result: "
            "`hit`, `miss`; `outdated` and `damaged` for entries that were found and not used.",
            "layer",
            "result",
        )
        self._shared_cache_events = self._counter(
            "schema_registry_shared_cache_events",
            "What happened to the cache that nodes share: reads that waited too `late`, requests that ended in an "
            "`error`, entries `kept`, `refused` by the server, or `dropped` before they got there.",
            "event",
        )
        self._sandbox_events = self._counter(
            "schema_registry_sandbox_events",
            "Events of the processes for heavy work: a `start`; a process killed at the `deadline` of a job or by the "
            "`cancel` of a client that left; its `death` (out of memory, crash); its `recycle` after a job that left "
            "much memory in use; a job `refused` by a full queue.",
            "event",
        )
        self._sandbox_jobs = Gauge(
            "schema_registry_sandbox_jobs",
            "Pieces of heavy work by state: `running` or `queued`.",
            ["state"],
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._sandbox_load: Callable[[], tuple[int, int]] | None = None
        self._by_request: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def request(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Counts an answered request; `endpoint` is the route's template."""
        key = (method if method in _METHODS else "other", endpoint, status)
        recorders = self._by_request.get(key)
        if recorders is None:
            method, endpoint, status = key
            recorders = (
                self._requests.labels(method, endpoint, str(status)).inc,
                self._durations.labels(method, endpoint).observe,
            )
            self._by_request[key] = recorders
        recorders[0]()
        recorders[1](seconds)

    def registration(self, outcome: str) -> None:
        """Counts a registration."""
        self._registrations.labels(outcome).inc()

    def check(self, compatible: bool) -> None:
        """Counts a compatibility check."""
        self._checks.labels("compatible" if compatible else "incompatible").inc()

    def validation(self, schema_type: str, valid: int, invalid: int, seconds: float) -> None:
        """Counts validated payloads of one request."""
        if valid:
            self._validations.labels(schema_type, "valid").inc(valid)
        if invalid:
            self._validations.labels(schema_type, "invalid").inc(invalid)
        self._validation_durations.labels(schema_type).observe(seconds)

    def storage(self, answered: bool) -> None:
        """Notes whether the store answered a probe."""
        self._storage.set(1 if answered else 0)

    def storage_error(self, operation: str) -> None:
        """Counts a request that the store failed."""
        self._storage_errors.labels(operation).inc()

    def store_failure(self, cause: Cause) -> None:
        """Counts a failure of the store."""
        self._store_failures.labels(cause.value).inc()

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(name, description, labels, registry=self.registry)

    def cache(self, layer: str, counted: Callable[[], tuple[int, int]]) -> None:
        """Adds a cache; `counted` returns its hits and misses since the last call."""
        self._caches[layer] = counted

    def count_caches(self) -> None:
        """Counts the lookups of the response cache and of other caches since the last call."""
        for endpoint, number in self._cached_answers().items():
            self._from_cache.labels(endpoint).inc(number)
            self._from_shelf.labels(endpoint).inc(number)
            self._count_lookups("response", "hit", number)
        for layer, counted in self._caches.items():
            for result, number in zip(("hit", "miss"), counted(), strict=True):
                self._count_lookups(layer, result, number)

    def _count_lookups(self, layer: str, result: str, number: int) -> None:
        self._cache_requests.labels(layer, result).inc(number)
        if layer in _DEPRECATED_LAYERS:
            self._cache_requests.labels(_DEPRECATED_LAYERS[layer], result).inc(number)

    def stale(self, endpoint: str) -> None:
        """Counts a read that was answered with what was known."""
        self._stale.labels(endpoint).inc()

    def shared_cache(self, outcome: str, number: int) -> None:
        """Counts what `SharedStore` tells."""
        if outcome in _RESULTS:
            self._cache_requests.labels("shared", outcome).inc(number)
        else:
            self._shared_cache_events.labels(outcome).inc(number)

    def sandbox_event(self, event: str) -> None:
        """Counts an event of the sandbox; called from several threads."""
        self._sandbox_events.labels(event).inc()

    def sandbox(self, load: Callable[[], tuple[int, int]]) -> None:
        """Registers the sandbox; `load` returns how many jobs run, and how many wait."""
        self._sandbox_load = load

    def exposition(self, registered: int | None = None) -> bytes:
        """All metrics in Prometheus' text format; of all workers, where there are several.

        Args:
            registered: how many schemas are registered, if the store could be asked.
        """
        self.count_caches()
        if self._sandbox_load is not None:
            for state, number in zip(("running", "queued"), self._sandbox_load(), strict=True):
                self._sandbox_jobs.labels(state).set(number)
        source = self.registry
        if SHARED_BY_WORKERS in os.environ:
            source = CollectorRegistry()
            MultiProcessCollector(source)  # type: ignore[no-untyped-call]
        return generate_latest(source) + confluent_exposition(source.collect(), registered)

    def names(self) -> Iterable[tuple[str, str, str]]:
        """Name, kind and description of every metric, for the reference."""
        for family in self.registry.collect():
            yield family.name, family.type, family.documentation
        for metric in CONFLUENT_METRICS:
            yield metric.name, metric.kind, metric.documentation
