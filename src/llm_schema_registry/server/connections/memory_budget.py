"""The memory that a worker has for what its clients send and do not read, shared between them."""

from collections.abc import Callable
from typing import Final

SHARE: Final = "llm_schema_registry.share"
"""Scope key of the `Share` of a request."""


class MemoryBudget:
    """A number of bytes. Each share may hold as much as it leaves free.

    So one large share leaves half of the budget, and many large ones leave a part for those to come: large requests are
    refused first, and small ones nearly never.

    Args:
        capacity: in bytes.

    Attributes:
        capacity: in bytes.
        used: how many are held.
        unread: ends connections whose answers are not read, by the shares of these answers; the oldest comes first.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self.unread: dict[Share, Callable[[], None]] = {}


class Share:
    """The part of a budget that one request or one answer holds.

    Args:
        budget: of the worker.
    """

    __slots__ = ("_budget", "_size")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._size = 0

    def hold(self, size: int) -> bool:
        """Holds so many bytes from now on; `False`, and as many as before, if that is more than would be left."""
        used = self._budget.used - self._size + size
        if size > self._budget.capacity - used and size > self._size:
            return False
        self._budget.used, self._size = used, size
        return True

    def hold_more(self, size: int) -> bool:
        """Holds so many bytes besides those that it holds, or returns `False`."""
        return self.hold(self._size + size)

    def hold_unread(self, size: int, end: Callable[[], None]) -> bool:
        """Holds the bytes of an answer that waits for its client; those that have waited longest make room for it.

        Args:
            size: of what is not sent.
            end: ends the connection.

        Returns:
            Whether there is room.
        """
        budget = self._budget
        while not self.hold(size):
            if not budget.unread:
                return False
            share, end_other = next(iter(budget.unread.items()))
            share.release()
            end_other()
        budget.unread[self] = end
        return True

    def release(self) -> None:
        """Releases everything. Idempotent."""
        self._budget.used -= self._size
        self._size = 0
        self._budget.unread.pop(self, None)
