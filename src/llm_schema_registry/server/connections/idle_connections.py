"""Idle connections, which make room for new ones when a worker has as many as it may."""

from collections.abc import Collection
from typing import Generic, Protocol, TypeVar


class Idling(Protocol):
    """A connection, as this module sees it."""

    @property
    def idle_seconds(self) -> int:
        """For how many seconds it has been idle; 0 while it is in use."""
        ...


_Connection = TypeVar("_Connection", bound=Idling)


class IdleConnections(Generic[_Connection]):
    """Finds connections to close. They are listed at most once a second, however many clients connect."""

    def __init__(self) -> None:
        self._listed: list[_Connection] | None = None

    def tick(self) -> None:
        """Called once a second."""
        self._listed = None

    def take(self, connections: Collection[_Connection]) -> _Connection | None:
        """The connection that has been idle longest; `None` if all are in use."""
        if self._listed is None:
            idle = [connection for connection in connections if connection.idle_seconds]
            self._listed = sorted(idle, key=lambda connection: connection.idle_seconds)
        while self._listed:
            connection = self._listed.pop()
            if connection.idle_seconds and connection in connections:
                return connection
        return None
