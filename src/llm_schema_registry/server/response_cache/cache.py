"""Response cache: responses by the bytes of their request.

A response stays cached until a change of the log touches one of its dependencies. Before a cached response is used, the
follower shows whether all commits of all workers have been read; if not, the cache is bypassed until the follower has
caught up. The bytes of a request include its credential, so a response never reaches a client with another one.

While the log is unreachable, cached responses were true when the log was last read: `stale` returns them, and the
follower knows the age.
"""

from collections.abc import Iterable

from llm_schema_registry.server.response_cache.cache_key import cache_key
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.dependencies import Dependencies, Fact

MAX_REQUEST_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 1024 * 1024
_ENTRY_BYTES = 400
_FACT_BYTES = 200
_GOOD = b"HTTP/1.1 200 "


class CachedResponse:
    """A cached response.

    Attributes:
        head: the status line and the headers but those that are new for every answer.
        body: the blank line and the body.
        operation: what the metrics count it as.
        facts: what it was made from.
        writes: whether it acknowledges a write, if one that had been done before.
        uses: how often it was taken since the metrics last asked.
    """

    __slots__ = ("body", "facts", "head", "operation", "uses", "writes")

    def __init__(
        self, head: bytes, body: bytes, operation: str, dependencies: Iterable[Fact], *, writes: bool = False
    ) -> None:
        self.head = head
        self.body = body
        self.operation = operation
        self.facts = tuple(dependencies)
        self.writes = writes
        self.uses = 0


class ResponseCache:
    """The answers of one worker.

    Args:
        follower: of the store that the answers are made from.
        capacity: bound on the bytes of all that is kept.

    Attributes:
        follower: the same.
        misses: how many requests it might have answered and did not, since the metrics last asked.
    """

    def __init__(self, follower: ChangeLogFollower, capacity: int = 64 * 1024 * 1024) -> None:
        self.follower = follower
        self._capacity = capacity
        self._bytes = 0
        self._answers: dict[bytes, CachedResponse] = {}
        self._by_fact: dict[Fact, set[bytes]] = {}
        self._uses_of_dropped: dict[str, int] = {}
        self._alike: dict[object, bytes] | None = None
        self.misses = 0
        follower.subscribe(self)

    def get(self, request: bytes) -> CachedResponse | None:
        """The cached response to a request, if it is known to be current."""
        answer = self._answers.get(request)
        if answer is None or not self.follower.current:
            return None
        answer.uses += 1
        return answer

    def stale(self, request: bytes) -> CachedResponse | None:
        """The answer of a read that was true when the log was last known, to this request or one that means the same.

        Another one is looked for only among reads by GET, and those differ in nothing that an answer depends on but
        whether they are conditional: a good answer is told then, never that nothing was modified.
        """
        answer = self._answers.get(request)
        if answer is None and (like := cache_key(request)) is not None:
            if self._alike is None:
                self._alike = {
                    cache_key(known): known for known, kept in self._answers.items() if kept.head.startswith(_GOOD)
                }
            answer = self._answers.get(self._alike.get(like, b""))
        return None if answer is None or answer.writes else answer

    def put(self, request: bytes, answer: CachedResponse, dependencies: Dependencies, cursor: int) -> None:
        """Keeps an answer, unless it may be outdated already or is made from more than the log can tell.

        Args:
            request: the bytes of the request, from its first to its last.
            answer: what was answered.
            dependencies: the facts noted while it was made.
            cursor: what the follower's `catch_up` returned before it was made.
        """
        if not dependencies.complete or cursor != self.follower.cursor or not self.follower.current:
            return
        if len(request) > MAX_REQUEST_BYTES or len(answer.body) > MAX_ANSWER_BYTES:
            return
        self._drop(request)
        self._answers[request] = answer
        self._bytes += _weight(request, answer)
        for fact in answer.facts:
            self._by_fact.setdefault(fact, set()).add(request)
        if self._bytes > self._capacity:
            self._make_room()

    def invalidate(self, facts: Iterable[Fact]) -> None:
        """See `Rememberer`."""
        for fact in facts:
            for request in list(self._by_fact.get(fact, ())):
                self._drop(request)

    def clear(self) -> None:
        """See `Rememberer`."""
        for request in list(self._answers):
            self._drop(request)

    def uses(self) -> dict[str, int]:
        """How often an answer was taken since the last call, by operation."""
        counted, self._uses_of_dropped = self._uses_of_dropped, {}
        for answer in self._answers.values():
            if answer.uses:
                counted[answer.operation] = counted.get(answer.operation, 0) + answer.uses
                answer.uses = 0
        return counted

    def counted(self) -> tuple[int, int]:
        """No hits, which `uses` tells, and the misses since the last call."""
        misses, self.misses = self.misses, 0
        return 0, misses

    def _make_room(self) -> None:
        """Drops the oldest: many at once, since each search for them passes by all that was dropped before."""
        for request in list(self._answers):
            if self._bytes <= self._capacity * 7 // 8:
                break
            self._drop(request)

    def _drop(self, request: bytes) -> None:
        self._alike = None
        answer = self._answers.pop(request, None)
        if answer is None:
            return
        self._bytes -= _weight(request, answer)
        if answer.uses:
            counted = self._uses_of_dropped
            counted[answer.operation] = counted.get(answer.operation, 0) + answer.uses
        for fact in answer.facts:
            requests = self._by_fact[fact]
            requests.discard(request)
            if not requests:
                del self._by_fact[fact]


def _weight(request: bytes, answer: CachedResponse) -> int:
    return len(request) + len(answer.head) + len(answer.body) + _ENTRY_BYTES + _FACT_BYTES * len(answer.facts)
