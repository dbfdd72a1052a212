"""Whether the process lives, whether it can work, and what it has counted."""

from typing import Literal

import msgspec

from llm_schema_registry import __version__
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.operations import Call, NoBody, Operations, RawBytes, Reply, Surface
from llm_schema_registry.server.telemetry.metrics import CONTENT_TYPE
from llm_schema_registry.store import StoreUnavailableError

operations = Operations("Health and metrics", Surface.NATIVE)


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the process.

    Attributes:
        status: `healthy`; `degraded` when it can read and not write, or is slower for want of the shared cache;
            `unhealthy` when a part it needs does not answer.
        version: of this product.
        checks: each part by name: `ok` or `unavailable`; `stale` for reads that go on with what was known; `stopping`
            for a process that still answers, and asks not to be sent anything more; `damaged` for a store whose data
            cannot be trusted.
        causes: why a part is not `ok`, by name, where the store says so.
    """

    status: Literal["healthy", "degraded", "unhealthy"]
    version: str = __version__
    checks: dict[str, str]
    causes: dict[str, str] = {}


@operations.get("/health/live")
async def live(call: Call[Query, NoBody]) -> Health:
    """The process answers."""
    return Health(status="healthy", checks={})


@operations.get("/health/ready")
async def ready(call: Call[Query, NoBody]) -> Health | Reply:
    """The store answers too, so that requests can be served; 503 if not, also while reads go on with what was known.

    503 too once the process is about to stop, and once the stored data turned out to be damaged. Writes that fail
    while reads work, as on a full disk, are 200 with the status `degraded` and their cause.
    """
    if call.condition.stopping:
        return Reply(503, Health(status="unhealthy", checks={"process": "stopping"}))
    try:
        await call.registry.store.revision()
    except StoreUnavailableError as error:
        call.metrics.storage(False)
        reads = {"reads": "stale"} if call.condition.serving_stale_reads else {}
        checks = {"store": "unavailable"} | reads
        return Reply(503, Health(status="unhealthy", checks=checks, causes=_causes(store=error)))
    if (damage := call.condition.damage) is not None:
        call.metrics.storage(False)
        return Reply(503, Health(status="unhealthy", checks={"store": "damaged"}, causes=_causes(store=damage)))
    call.metrics.storage(True)
    checks, failure = {"store": "ok"}, call.condition.write_failure
    if failure is not None:
        checks["writes"] = "unavailable"
    if call.condition.shared_cache_answers is not None:
        checks["shared_cache"] = "ok" if call.condition.shared_cache_answers else "unavailable"
    status: Literal["degraded", "healthy"] = "degraded" if "unavailable" in checks.values() else "healthy"
    return Health(status=status, checks=checks, causes=_causes(writes=failure))


def _causes(**failures: StoreUnavailableError | None) -> dict[str, str]:
    return {part: failure.reason for part, failure in failures.items() if failure is not None and failure.reason}


@operations.get("/health")
async def health(call: Call[Query, NoBody]) -> Health | Reply:
    """The same as `/health/ready`."""
    return await ready(call)


@operations.get("/metrics", media_type=CONTENT_TYPE)
async def metrics(call: Call[Query, NoBody]) -> RawBytes:
    """The metrics of this process in Prometheus' text format."""
    await ready(call)
    registered: int | None = None
    try:
        registered = await call.metrics.registered.read(call.registry.store)
    except StoreUnavailableError:
        call.metrics.storage(False)
    return RawBytes(call.metrics.exposition(registered), CONTENT_TYPE)
