"""The response shelf: answers that were given before, by the very bytes of the request.

An answer stays on the shelf until a change of the log touches one of the facts it was made from. Before anything is
taken from the shelf, a signal tells whether anything was committed by any worker since the log was last read; if so
the shelf answers nothing until it has caught up. The request's bytes include its credential, so that an answer that
was made for one never goes to another.

While the log is out of reach, what is on the shelf was true when the log was last known; `stale` tells it, and `age`
how long ago that was.
"""

import asyncio
import time
from collections.abc import Iterable

from llm_schema_registry.server.serving.likeness import likeness
from llm_schema_registry.server.serving.signals import Signal
from llm_schema_registry.store import facts
from llm_schema_registry.store.facts import Fact, Facts
from llm_schema_registry.store.store import Reads

MAX_REQUEST_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 1024 * 1024
_ENTRY_BYTES = 400
_FACT_BYTES = 200
_MOST_REVISIONS = 1_000
_GOOD = b"HTTP/1.1 200 "


class Answer:
    """An answer on the shelf.

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
        self, head: bytes, body: bytes, operation: str, made_from: Iterable[Fact], *, writes: bool = False
    ) -> None:
        self.head = head
        self.body = body
        self.operation = operation
        self.facts = tuple(made_from)
        self.writes = writes
        self.uses = 0


class Shelf:
    """The answers of one worker.

    Args:
        signal: moves with every commit on this node.
        capacity: bound on the bytes of all that is kept.
    """

    def __init__(self, signal: Signal, capacity: int = 64 * 1024 * 1024) -> None:
        self.signal = signal
        self._reads: Reads | None = None
        self._seen = -1
        self._cursor = 0
        self._behind = True
        self._falls = 0
        self._known_at = 0.0
        self._reading: asyncio.Future[None] | None = None
        self._capacity = capacity
        self._bytes = 0
        self._answers: dict[bytes, Answer] = {}
        self._by_fact: dict[Fact, set[bytes]] = {}
        self._uses_of_dropped: dict[str, int] = {}
        self._alike: dict[object, bytes] | None = None

    def follow(self, reads: Reads) -> None:
        """Names the store whose change log the shelf follows; without one it stays empty."""
        self._reads = reads
        self._known_at = time.monotonic()

    def take(self, request: bytes) -> Answer | None:
        """The answer to a request if it is on the shelf, and known to be true still."""
        answer = self._answers.get(request)
        if answer is None or self.signal.value != self._seen or self._behind:
            return None
        answer.uses += 1
        return answer

    def fall_behind(self) -> None:
        """Says that somebody outside this node may have committed: the log is read before the next answer."""
        self._behind = True
        self._falls += 1

    async def catch_up(self) -> int:
        """Reads the change log if anything was committed, and drops what it touches.

        Everybody who asks meanwhile waits for the same attempt, and learns of its failure.

        Returns:
            The revision up to which the shelf knows the log; `put` wants it.

        Raises:
            StoreUnavailableError: the log cannot be read.
        """
        reads = self._reads
        # An attempt that is under way may have begun before what was committed; a second one has not.
        for _ in range(2):
            if reads is None or (self.signal.value == self._seen and not self._behind):
                break
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._read_log(reads))
                self._reading.add_done_callback(self._end_reading)
            await asyncio.shield(self._reading)
        return self._cursor

    def confirm(self, revision: int, at: float) -> None:
        """Says that the store was at this revision at a time of the monotonic clock."""
        if revision == self._cursor and self.signal.value == self._seen and not self._behind:
            self._known_at = max(at, self._known_at)

    @property
    def age(self) -> float:
        """How many seconds ago everything on the shelf was known to be true."""
        return time.monotonic() - self._known_at

    def stale(self, request: bytes) -> Answer | None:
        """The answer of a read that was true `age` seconds ago, to this request or to another that means the same.

        Another one is looked for only among reads by GET, and those differ in nothing that an answer depends on but
        whether they are conditional: a good answer is told then, never that nothing was modified.
        """
        answer = self._answers.get(request)
        if answer is None and (like := likeness(request)) is not None:
            if self._alike is None:
                self._alike = {
                    likeness(known): known for known, kept in self._answers.items() if kept.head.startswith(_GOOD)
                }
            answer = self._answers.get(self._alike.get(like, b""))
        return None if answer is None or answer.writes else answer

    def put(self, request: bytes, answer: Answer, made_from: Facts, cursor: int) -> None:
        """Keeps an answer, unless it may be outdated already or is made from more than the log can tell.

        Args:
            request: the bytes of the request, from its first to its last.
            answer: what was answered.
            made_from: the facts noted while it was made.
            cursor: what `catch_up` returned before it was made.
        """
        if not made_from.complete or cursor != self._cursor or self._behind or self.signal.value != self._seen:
            return
        if len(request) > MAX_REQUEST_BYTES or len(answer.body) > MAX_ANSWER_BYTES:
            return
        self._drop(request)
        self._answers[request] = answer
        self._bytes += _weight(request, answer)
        for fact in answer.facts:
            self._by_fact.setdefault(fact, set()).add(request)
        while self._bytes > self._capacity:
            self._drop(next(iter(self._answers)))

    def uses(self) -> dict[str, int]:
        """How often an answer was taken since the last call, by operation."""
        counted, self._uses_of_dropped = self._uses_of_dropped, {}
        for answer in self._answers.values():
            if answer.uses:
                counted[answer.operation] = counted.get(answer.operation, 0) + answer.uses
                answer.uses = 0
        return counted

    async def _read_log(self, reads: Reads) -> None:
        seen, falls, now = self.signal.value, self._falls, time.monotonic()
        revision = await reads.revision()
        if not self._answers or revision < self._cursor or revision - self._cursor > _MOST_REVISIONS:
            # Nothing to keep, another store than before, or more to read than keeping is worth.
            for request in list(self._answers):
                self._drop(request)
            self._cursor = revision
        while changes := await reads.changes(self._cursor):
            for change in changes:
                for fact in facts.touched_by(change):
                    for request in list(self._by_fact.get(fact, ())):
                        self._drop(request)
            self._cursor = changes[-1].revision
        self._seen, self._behind, self._known_at = seen, falls != self._falls, now
        self._alike = None

    def _end_reading(self, reading: "asyncio.Future[None]") -> None:
        self._reading = None
        # Whoever asked has been told; that nobody may be left to ask is no failure.
        if not reading.cancelled():
            reading.exception()

    def _drop(self, request: bytes) -> None:
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


def _weight(request: bytes, answer: Answer) -> int:
    return len(request) + len(answer.head) + len(answer.body) + _ENTRY_BYTES + _FACT_BYTES * len(answer.facts)
