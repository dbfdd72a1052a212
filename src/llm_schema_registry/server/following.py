"""Follows the store: tells the shelf of writes from outside the node, and notices when the store is out of reach."""

import asyncio
import time

from llm_schema_registry.server.guarding import GuardedStore
from llm_schema_registry.server.metrics import Metrics
from llm_schema_registry.server.serving import Shelf
from llm_schema_registry.store import StoreUnavailableError

_LONGEST_WAIT = 1.0
_PAUSE_AFTER_FAILURE = 0.2


async def follow(store: GuardedStore, shelf: Shelf, metrics: Metrics) -> None:
    """Follows a store until it is cancelled.

    While the store answers, the shelf is never more than three seconds behind it, however quietly the store or the
    way to it fails: it is asked once a second, and given two seconds to answer.

    Args:
        store: what is followed.
        shelf: learns of what was committed, and when that was known.
        metrics: count what the shelf answered.
    """
    seen = -1
    while True:
        asked = time.monotonic()
        try:
            revision = await store.wait_for_change(max(seen, 0), _LONGEST_WAIT)
            if revision != seen:
                shelf.fall_behind()
                # Read at once, so that little is unknown if the store should fail.
                await shelf.catch_up()
                seen = revision
            shelf.confirm(revision, asked)
        except StoreUnavailableError:
            seen = -1
            await asyncio.sleep(_PAUSE_AFTER_FAILURE)
        metrics.count_shelf()
