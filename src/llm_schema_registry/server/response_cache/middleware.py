"""Middleware of the response cache: stores responses, and serves stale ones while the store is unreachable."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from llm_schema_registry.server.http.etags import if_none_match, is_among
from llm_schema_registry.server.response_cache.cache import CachedResponse, ResponseCache
from llm_schema_registry.server.response_cache.protocol import REQUEST_BYTES
from llm_schema_registry.store import StoreUnavailableError
from llm_schema_registry.store.dependencies import Dependencies

DEPENDENCIES: Final = "llm_schema_registry.origin"
"""Where the scope of a request says, once it is answered, what the answer was made from: an `Origin`."""

_REMEMBERED = {200: b"HTTP/1.1 200 OK\r\n", 304: b"HTTP/1.1 304 Not Modified\r\n"}
_REQUEST_ID = b"x-request-id"
_METHODS = frozenset({"GET", "HEAD", "POST"})
# A request with one of these means something by it that the next one with the same bytes may not, or is one of a kind.
_UNLIKE_ANY_OTHER = frozenset(
    {b"upgrade", b"expect", b"transfer-encoding", _REQUEST_ID, b"range", b"x-registry-min-revision"}
)
_OF_CONTENT = frozenset({b"content-type", b"content-length"})
# Obsolete since RFC 9111, which has nothing in its place for those who do not know how to read an age.
_WARNING = (b"warning", b'110 - "Response is Stale"')

Application = Callable[[Any, Any, Any], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


class Origin(NamedTuple):
    """Where an answer comes from.

    Attributes:
        operation: the name under which it is counted.
        facts: what it was made from.
        writes: whether the operation may change the registry.
        cacheable: whether the answer may be given again while the facts stay as they are.
    """

    operation: str
    facts: Dependencies
    writes: bool
    cacheable: bool


class ResponseCacheMiddleware:
    """An ASGI application around another one.

    Args:
        app: answers requests that are not cached.
        response_cache: stores its responses.
        refuse: answers that the store is not available.
        stale_seconds: for how many seconds stale reads are served without the store's change log.
        on_stale: called with the name of each operation that was answered so.
    """

    def __init__(
        self,
        app: Application,
        response_cache: ResponseCache,
        refuse: Application,
        stale_seconds: float,
        on_stale: Callable[[str], None],
    ) -> None:
        self._app = app
        self._response_cache = response_cache
        self._refuse = refuse
        self._stale_seconds = stale_seconds
        self._on_stale = on_stale

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answers one connection of the server (ASGI)."""
        if scope["method"] not in _METHODS:
            await self._app(scope, receive, send)
            return
        try:
            cursor = await self._response_cache.follower.catch_up()
        except StoreUnavailableError:
            await self._serve_stale(scope, receive, send)
            return
        request = scope.get(REQUEST_BYTES)
        if request is None or not _may_be_repeated(scope):
            await self._app(scope, receive, send)
            return
        sent: list[Any] = []

        async def sending(message: Any) -> None:
            # Of an answer in several parts, which is long, nothing is kept.
            sent.append(None if message.get("more_body") else message)
            await send(message)

        await self._app(scope, receive, sending)
        origin: Origin | None = scope.get(DEPENDENCIES)
        if origin is None or not origin.cacheable or len(sent) != 2:
            return
        self._response_cache.misses += 1
        start, body = sent
        if (line := _REMEMBERED.get(start["status"])) is not None:
            head = line + b"".join(b"%s: %s\r\n" % header for header in start["headers"] if header[0] != _REQUEST_ID)
            text = b"\r\n" + body.get("body", b"")
            answer = CachedResponse(head, text, origin.operation, origin.facts.noted, writes=origin.writes)
            self._response_cache.put(request, answer, origin.facts, cursor)

    async def _serve_stale(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Serves stale reads, marked as such, while the log is unreachable; rejects them after a while."""
        age = self._response_cache.follower.age
        in_time = age < self._stale_seconds
        marks = [(b"age", b"%d" % age), _WARNING]
        stale = self._response_cache.stale(scope.get(REQUEST_BYTES, b"")) if in_time else None
        if stale is not None:
            scope["path_template"] = stale.operation
            self._on_stale(stale.operation)
            for message in _messages(stale, if_none_match(scope["headers"]), marks):
                await send(message)
            return
        refused = False

        async def sending(message: Any) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in _REMEMBERED:
                origin: Origin | None = scope.get(DEPENDENCIES)
                if origin is not None and not origin.writes and (origin.facts.noted or not origin.facts.complete):
                    refused = not in_time
                    if refused:
                        await self._refuse(scope, receive, send)
                    else:
                        self._on_stale(origin.operation)
                        message["headers"].extend(marks)
            if not refused:
                await send(message)

        await self._app(scope, receive, sending)


def _messages(answer: CachedResponse, held: str | None, marks: Headers) -> list[dict[str, Any]]:
    """A cached response as ASGI messages, with further headers."""
    line, *lines = answer.head.removesuffix(b"\r\n").split(b"\r\n")
    status = int(line.split()[1])
    headers = [(name, value) for name, _, value in (each.partition(b": ") for each in lines)]
    body = answer.body.removeprefix(b"\r\n")
    tag = dict(headers).get(b"etag")
    if tag is not None and held is not None and is_among(tag.decode(), held):
        status, body = HTTPStatus.NOT_MODIFIED, b""
        headers = [header for header in headers if header[0] not in _OF_CONTENT]
    return [
        {"type": "http.response.start", "status": status, "headers": [*headers, *marks]},
        {"type": "http.response.body", "body": body},
    ]


def _may_be_repeated(scope: MutableMapping[str, Any]) -> bool:
    if scope["method"] == "HEAD" or scope["http_version"] != "1.1":
        return False
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return not any(
        name in _UNLIKE_ANY_OTHER or (name == b"connection" and value.lower() != b"keep-alive")
        for name, value in headers
    )
