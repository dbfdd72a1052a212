"""Operations: one table of endpoints, each a function of a call and the registry.

The signature of the function is the only declaration of what goes in and out: routing, decoding and the OpenAPI
document read it.
"""

import asyncio
import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, get_args, get_type_hints

import msgspec

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry import ErrorCode, Registry
from llm_schema_registry.registry.config import resolve_alias
from llm_schema_registry.registry.identifiers import check_name, parse_version
from llm_schema_registry.server.http.errors import HttpError, decoded_segment
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.settings import Settings
from llm_schema_registry.server.telemetry.metrics import Metrics
from llm_schema_registry.store import StoreUnavailableError


class Surface(enum.Enum):
    """The two dialects: they differ in media types and in the shape of errors."""

    CONFLUENT = "Confluent-compatible"
    NATIVE = "native"


class NoBody(msgspec.Struct, frozen=True):
    """The body of a call that has none."""


class RawText(msgspec.Struct, frozen=True):
    """An answer whose body is this text as it is, not as a JSON string."""

    text: str


class RawBytes(msgspec.Struct, frozen=True):
    """An answer, or with `Call` a request, whose body is not one JSON document.

    Attributes:
        body: as it is sent.
        media_type: of the body.
        headers: further header fields of an answer.
    """

    body: bytes
    media_type: str
    headers: Mapping[str, str] = {}


class Items(msgspec.Struct, frozen=True):
    """An answer that is a JSON array, made item by item, since together they may be too large for memory.

    Attributes:
        each: begins to make the items; called once more for clients that have to be given the length first.
    """

    each: Callable[[], AsyncIterator[object]]


class Reply(msgspec.Struct, frozen=True):
    """An answer with a status other than the operation's own."""

    status: int
    value: Any


class NodeHealth(Protocol):
    """What is known of the process and of its way to the store, without asking it."""

    @property
    def stopping(self) -> bool:
        """Whether the node is about to stop, so that nobody should come to it any more."""
        ...

    @property
    def write_failure(self) -> StoreUnavailableError | None:
        """Why no write is tried at the moment; `None` while they are."""
        ...

    @property
    def damage(self) -> StoreUnavailableError | None:
        """The sign that the stored data is damaged; `None` as long as there was none."""
        ...

    @property
    def serving_stale_reads(self) -> bool:
        """Whether reads are answered with what was known, now that the store is out of reach."""
        ...

    @property
    def shared_cache_answers(self) -> bool | None:
        """Whether the cache that nodes share is of use at the moment; `None` if there is none."""
        ...

    @property
    def batches(self) -> asyncio.Semaphore:
        """Held by each large batch of payloads while it is checked."""
        ...


_Q = TypeVar("_Q", bound=Query)
_B = TypeVar("_B")


@dataclass(slots=True)
class Call(Generic[_Q, _B]):
    """One request, decoded.

    Attributes:
        registry: what it is about.
        settings: of this server.
        metrics: where outcomes are counted.
        condition: of the process.
        segments: the variable segments of the path, still percent-encoded.
        query: the query parameters.
        body: the body.
    """

    registry: Registry
    settings: Settings
    metrics: Metrics
    condition: NodeHealth
    segments: dict[str, str]
    query: _Q
    body: _B

    def segment(self, name: str) -> str:
        """A variable segment of the path, decoded once."""
        return decoded_segment(self.segments[name])

    def integer(self, name: str) -> int:
        """A segment that is an int32; anything else is a path that does not exist."""
        text = self.segments[name]
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) < 2**31):
            raise HttpError.not_found()
        return int(text)

    def scope(self) -> Subject:
        """The subject or context in the path, as it stands there."""
        return Subject.parse(self.segment("subject"))

    async def subject(self) -> Subject:
        """The subject in the path, or the one that its alias names; raises INVALID_SUBJECT, NAME_TOO_LONG."""
        return await resolve_alias(self.registry.store, check_name(self.scope()))

    def version(self) -> int:
        """The version in the path, `LATEST` for the latest; raises INVALID_VERSION."""
        return parse_version(self.segment("version"))


NAME_ERRORS = (ErrorCode.INVALID_SUBJECT, ErrorCode.NAME_TOO_LONG)
_NAMED = "{subject}"

Handler = Callable[[Any], Awaitable[Any]]
_H = TypeVar("_H", bound=Handler)


@dataclass(frozen=True)
class Operation:
    """An endpoint.

    Attributes:
        method: the HTTP method; GET answers HEAD too.
        path: with `{name}` for variable segments.
        handle: the function.
        surface: the dialect.
        tag: the family it is documented under.
        errors: the errors of the use case that it can answer.
        writes: whether it may change the registry, and tells the revision.
        status: of a good answer.
        cacheable: whether a good answer is a function of the request and the store alone, so that it may be given
            again while the store stays as it is.
        media_type: of a good answer of `RawBytes`.
    """

    method: str
    path: str
    handle: Handler
    surface: Surface
    tag: str
    errors: Sequence[ErrorCode] = ()
    writes: bool = False
    status: int = 200
    cacheable: bool = False
    media_type: str | None = None

    @cached_property
    def types(self) -> tuple[type[Query], Any, Any]:
        """The types of query, body and answer."""
        hints = get_type_hints(self.handle)
        query, body = get_args(hints["call"])
        return query, body, hints["return"]

    @property
    def name(self) -> str:
        """The name of the operation in the OpenAPI document and in metrics."""
        return self.handle.__name__

    @property
    def documentation(self) -> str:
        """What it does."""
        return self.handle.__doc__ or ""


@dataclass(slots=True)
class Operations:
    """The operations of one resource family, filled by its decorators."""

    tag: str
    surface: Surface = Surface.CONFLUENT
    table: list[Operation] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        *errors: ErrorCode,
        writes: bool = False,
        status: int = 200,
        cacheable: bool = False,
        media_type: str | None = None,
    ) -> Callable[[_H], _H]:
        """Declares the decorated function as the operation at a method and a path."""

        def declare(handle: _H) -> _H:
            known = (*errors, *NAME_ERRORS) if _NAMED in path else errors
            operation = Operation(
                method, path, handle, self.surface, self.tag, known, writes, status, cacheable, media_type
            )
            self.table.append(operation)
            return handle

        return declare

    def get(self, path: str, *errors: ErrorCode, media_type: str | None = None) -> Callable[[_H], _H]:
        """Declares a read. All of the Confluent-compatible ones are functions of request and store."""
        return self.add("GET", path, *errors, cacheable=self.surface is Surface.CONFLUENT, media_type=media_type)
