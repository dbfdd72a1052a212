"""A streaming replica: reads that need not be answered by the primary."""

import asyncio

from llm_schema_registry.store.postgresql.errors import FAILURES, concerns_values
from llm_schema_registry.store.postgresql.pool import ConnectionPool, Values
from llm_schema_registry.store.sql.reads import REVISION
from llm_schema_registry.store.sql.rows import Row

_BEHIND_SECONDS = 0.02
_BROKEN_SECONDS = 2.0


class Replica:
    """One server that follows the primary a little behind, and never goes back in time while it is connected.

    Args:
        connections: sessions of that one server, not of several behind one name.
    """

    __slots__ = ("_connections", "_reached", "_rests_until")

    def __init__(self, connections: ConnectionPool) -> None:
        self._connections = connections
        self._reached = 0
        self._rests_until = 0.0

    async def fetch(self, least: int, statement: str, values: Values, seconds: float) -> list[Row] | None:
        """All rows of an answer as of revision `least` or a later one.

        Returns:
            the rows, or `None` if the replica is behind that revision or fails: ask the primary then.
        """
        now = asyncio.get_running_loop().time()
        if now < self._rests_until:
            return None
        try:
            if self._reached < least:
                rows = await self._connections.fetch(REVISION, ())
                self._reached = rows[0][0] if rows else 0
            if self._reached < least:
                self._rests_until = now + _BEHIND_SECONDS
                return None
            return await self._connections.fetch(statement, values, seconds)
        except FAILURES as error:
            if concerns_values(error):
                raise
            # When it comes back it may be another one.
            self._reached = 0
            self._rests_until = now + _BROKEN_SECONDS
            return None

    async def close(self) -> None:
        """Lets go of the connections. Idempotent."""
        await self._connections.close()
