"""Whether the process lives, whether it can work, and what it has counted."""

from typing import Literal

import msgspec

from llm_schema_registry import __version__
from llm_schema_registry.server.metrics import CONTENT_TYPE
from llm_schema_registry.server.rest.operations import Call, NoBody, Operations, RawBytes, Reply, Surface
from llm_schema_registry.server.rest.queries import Query
from llm_schema_registry.store import StoreUnavailableError

operations = Operations("Health and metrics", Surface.NATIVE)


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the process.

    Attributes:
        status: `healthy`; `degraded` when it can read and not write, or is slower for want of the shared cache;
            `unhealthy` when a part it needs does not answer.
        version: of this product.
        checks: each part by name: `ok` or `unavailable`; `stale` for reads that go on with what was known; `stopping`
            for a process that still answers, and asks not to be sent anything more.
    """

    status: Literal["healthy", "degraded", "unhealthy"]
    version: str = __version__
    checks: dict[str, str]


@operations.get("/health/live")
async def live(call: Call[Query, NoBody]) -> Health:
    """The process answers."""
    return Health(status="healthy", checks={})


@operations.get("/health/ready")
async def ready(call: Call[Query, NoBody]) -> Health | Reply:
    """The store answers too, so that requests can be served; 503 if not, also while reads go on with what was known.

    503 too once the process is about to stop.
    """
    if call.condition.stopping:
        return Reply(503, Health(status="unhealthy", checks={"process": "stopping"}))
    try:
        await call.registry.store.revision()
    except StoreUnavailableError:
        call.metrics.storage(False)
        reads = {"reads": "stale"} if call.condition.reads_go_on else {}
        return Reply(503, Health(status="unhealthy", checks={"store": "unavailable"} | reads))
    call.metrics.storage(True)
    checks = {"store": "ok"}
    if call.condition.writes_are_refused:
        checks["writes"] = "unavailable"
    if call.condition.shared_cache_answers is not None:
        checks["shared_cache"] = "ok" if call.condition.shared_cache_answers else "unavailable"
    return Health(status="degraded" if "unavailable" in checks.values() else "healthy", checks=checks)


@operations.get("/health")
async def health(call: Call[Query, NoBody]) -> Health | Reply:
    """The same as `/health/ready`."""
    return await ready(call)


@operations.get("/metrics")
async def metrics(call: Call[Query, NoBody]) -> RawBytes:
    """The metrics of this process in Prometheus' text format."""
    await ready(call)
    return RawBytes(call.metrics.exposition(), CONTENT_TYPE)
