"""Tails the change log: learns of commits of other nodes, and notices that the store is unreachable."""

import asyncio
import time

from llm_schema_registry.server.telemetry.metrics import Metrics
from llm_schema_registry.store import StoreUnavailableError
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.layers.circuit_breaker import CircuitBreakerStore

_LONGEST_WAIT = 1.0
_MOMENT = 0.002
_PAUSE_AFTER_FAILURE = 0.2


async def follow(store: CircuitBreakerStore, follower: ChangeLogFollower, metrics: Metrics) -> None:
    """Follows a store until it is cancelled.

    While the store answers, the follower is never more than three seconds behind it, however quietly the store or the
    way to it fails: it is asked once a second, and given two seconds to answer.

    Args:
        store: what is followed.
        follower: learns of what was committed, and when that was known.
        metrics: count what the caches answered.
    """
    seen = 0
    counted = 0.0
    while True:
        asked = time.monotonic()
        try:
            revision = await store.wait_for_change(seen, _LONGEST_WAIT)
            follower.observe(revision)
            if revision < seen:
                follower.mark_stale()
            seen = revision
            if not follower.current:
                # Requests that follow a commit of this process read the log themselves: once is enough.
                await asyncio.sleep(_MOMENT)
                # Not left to the next request, so that little is unknown if the store should fail.
                await follower.catch_up()
            follower.mark_fresh(revision, asked)
        except StoreUnavailableError:
            seen = 0
            await asyncio.sleep(_PAUSE_AFTER_FAILURE)
        if asked - counted >= _LONGEST_WAIT:
            metrics.count_caches()
            counted = asked
