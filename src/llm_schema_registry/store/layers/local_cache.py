"""Layer that answers point reads from memory while the change log proves them current."""

import asyncio
import enum
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.api import Store, StoreUnavailableError, Transaction
from llm_schema_registry.store.changelog.follower import ChangeLogFollower
from llm_schema_registry.store.dependencies import ALL_SETTINGS, READ_FROM, Fact, of_setting
from llm_schema_registry.store.records import Change, Setting

# Lists of much of the store are not among them: they are long, and almost every write makes them untrue.
CACHED_READS: Final = (
    "schema",
    "schemas_by_guid",
    "max_schema_id",
    "version",
    "versions",
    "latest",
    "versions_of_schema",
    "contexts",
    "scopes_with_setting",
    "associations_of_subject",
    "associations_of_resource",
    "associations_of_name",
)
"""The reads whose answers are held as they are; those of single settings are too."""

# What a fact, and an answer, take besides the values themselves: entries of dictionaries, mostly.
_FACT_BYTES: Final = 400
_ANSWER_BYTES: Final = 50
# What is made from one fact may take so much of the whole.
_SHARE: Final = 8

_FEW_SCOPES: Final = 1_000

_Key = tuple[object, ...]
_MISSING: Final = object()


class Memory:
    """Answers by the fact that each was made from, within a bound; the least recently used facts make room.

    An answer that is still being read has its place already: what touches its fact takes the place away, so that it is
    never kept, nor told to anybody who asks later.

    Args:
        capacity: bound on the bytes of all that is held.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._facts: OrderedDict[Fact, _Answers] = OrderedDict()
        self.bytes = 0

    def of(self, fact: Fact) -> "_Answers":
        """The answers made from a fact, for now."""
        answers = self._facts.get(fact)
        if answers is None:
            answers = self._facts[fact] = _Answers()
            answers.bytes = _FACT_BYTES + _bytes_of(fact)
            self.bytes += answers.bytes
        else:
            self._facts.move_to_end(fact)
        return answers

    def keep(self, fact: Fact, answers: "_Answers", key: _Key, value: object) -> None:
        """Keeps an answer among those that `of` gave before it was read, unless its fact was touched since."""
        if self._facts.get(fact) is not answers:
            return
        answers.by_key[key] = value
        size = _ANSWER_BYTES + _bytes_of(key) + _bytes_of(value)
        answers.bytes += size
        self.bytes += size
        if answers.bytes > self._capacity // _SHARE:
            self._drop(fact)
        while self.bytes > self._capacity:
            self._drop(next(iter(self._facts)))

    def invalidate(self, facts: Iterable[Fact]) -> None:
        """See `Rememberer`."""
        for fact in facts:
            self._drop(fact)

    def clear(self) -> None:
        """See `Rememberer`."""
        self._facts.clear()
        self.bytes = 0

    def _drop(self, fact: Fact) -> None:
        answers = self._facts.pop(fact, None)
        if answers is not None:
            self.bytes -= answers.bytes


class _Answers:
    """The answers made from one fact.

    Attributes:
        by_key: each of them, or the future that it will be the result of.
        bytes: about how much they take.
    """

    __slots__ = ("by_key", "bytes")

    def __init__(self) -> None:
        self.by_key: dict[_Key, Any] = {}
        self.bytes = 0


class LocalCacheStore:
    """Fulfils `Store` around another one. Other calls go to the inner store; reads of `CACHED_READS` are cached.

    An answer is held, that there is nothing too, until the change log tells of a change to the fact it was made from.
    Before it is told, everything is known that was committed on this node. Whoever asks for what is being read already
    waits for that. While the log is out of reach nothing is told from here: the inner store answers, if it can.

    It stands above the circuits of the inner store, since what it tells needs none of them, and below the notes of what
    an answer was made from, since those are to be made whoever answers. Transactions read past it.

    Args:
        store: what is read and written.
        follower: follows the change log of the store; somebody sees to it that it hears of other nodes.
        capacity: bound on the bytes of all that is held.
    """

    def __init__(self, store: Store, follower: ChangeLogFollower, capacity: int = 32 * 1024 * 1024) -> None:
        self._store = store
        self._follower = follower
        self._memory = Memory(capacity)
        self._hits = 0
        self._misses = 0
        # Kinds of settings, by context, that more scopes have than are worth to be known at once.
        self._common: set[_Key] = set()
        follower.subscribe(self._memory)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def revision(self) -> int:
        """See `Reads`; what is read from now on is not older."""
        revision = await self._store.revision()
        self._follower.observe(revision)
        return revision

    async def last_changed(self, scopes: Sequence[Subject]) -> int:
        """See `Reads`; what is read from now on is not older."""
        revision = await self._store.last_changed(scopes)
        self._follower.observe(revision)
        return revision

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """See `Reads`; what is read from now on is not older."""
        changes = await self._store.changes(after, limit)
        if changes:
            self._follower.observe(changes[-1].revision)
        return changes

    async def wait_for_change(self, after: int, timeout: float) -> int:  # noqa: ASYNC109
        """See `Store`; what is read from now on is not older."""
        revision = await self._store.wait_for_change(after, timeout)
        self._follower.observe(revision)
        return revision

    @asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[Transaction]:
        """See `Store`; what is read from now on is not older than what it found."""
        async with self._store.transaction(actor) as transaction:
            self._follower.observe(transaction.next_revision - 1)
            yield transaction

    def counted(self) -> tuple[int, int]:
        """How many reads were answered from here or by one under way, and how many were not, since the last call."""
        counted = self._hits, self._misses
        self._hits = self._misses = 0
        return counted

    async def setting(self, scope: Subject, kind: Setting) -> str | None:
        """See `Reads`. Few scopes have settings; which ones they are answers for all others at once."""
        key = ("scopes", scope.context, kind)
        if key not in self._common:
            scopes = await self._answer(ALL_SETTINGS, key, lambda: self._scopes(scope.context, kind))
            if scopes is None:
                self._common.add(key)
            elif scope not in scopes:
                return None
        value: str | None = await self._answer(
            of_setting(scope), ("setting", scope, kind), lambda: self._store.setting(scope, kind)
        )
        return value

    async def _scopes(self, context: str, kind: Setting) -> frozenset[Subject] | None:
        """The scopes of a context that carry a setting; `None` if they are many."""
        scopes = await self._store.scopes_with_setting(context, kind)
        return frozenset(scopes) if len(scopes) <= _FEW_SCOPES else None

    async def _answer(self, fact: Fact, key: _Key, read: Callable[[], Awaitable[Any]]) -> Any:
        if not self._follower.current:
            try:
                await self._follower.catch_up()
            except StoreUnavailableError:
                return await read()
        answers = self._memory.of(fact)
        answer = answers.by_key.get(key, _MISSING)
        if answer is _MISSING:
            self._misses += 1
            # A task of its own: that somebody gives up waiting is nothing to the others.
            answer = answers.by_key[key] = asyncio.ensure_future(self._read(fact, answers, key, read))
            answer.add_done_callback(_take_note)
        else:
            self._hits += 1
        if isinstance(answer, asyncio.Future):
            answer = await asyncio.shield(answer)
        return _own(answer)

    async def _read(self, fact: Fact, answers: _Answers, key: _Key, read: Callable[[], Awaitable[Any]]) -> Any:
        try:
            value = await read()
        except BaseException:
            del answers.by_key[key]
            raise
        self._memory.keep(fact, answers, key, value)
        return value


def _held(name: str) -> Callable[..., Awaitable[Any]]:
    fact_of = READ_FROM[name]

    def read(store: LocalCacheStore, *arguments: Any, **options: Any) -> Awaitable[Any]:
        key = (name, *arguments, *sorted(options.items()))
        inner = getattr(store._store, name)
        return store._answer(fact_of(*arguments, **options), key, lambda: inner(*arguments, **options))

    return read


for _name in CACHED_READS:
    setattr(LocalCacheStore, _name, _held(_name))


def _own(answer: Any) -> Any:
    """The answer for one who may change it."""
    return answer.copy() if type(answer) is list else answer


def _take_note(reading: "asyncio.Future[Any]") -> None:
    # Whoever asked has been told; that nobody may be left to ask is no failure.
    if not reading.cancelled():
        reading.exception()


def _bytes_of(value: Any) -> int:
    """About how many bytes a value of the model takes."""
    if type(value) is str:
        return sys.getsizeof(value)
    if value is None or isinstance(value, bool | enum.Enum):
        return 0
    parts: Iterable[Any] = ()
    if isinstance(value, msgspec.Struct):
        parts = (getattr(value, name) for name in value.__struct_fields__)
    elif isinstance(value, dict):
        parts = (part for item in value.items() for part in item)
    elif isinstance(value, tuple | set | frozenset):
        parts = value
    elif isinstance(value, list) and value:
        # Lists may be long, and are of much the same.
        return sys.getsizeof(value) + len(value) * _bytes_of(value[0])
    return sys.getsizeof(value) + sum(map(_bytes_of, parts))
