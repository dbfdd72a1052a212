"""Puts the answers of the application on the shelf, with the facts they were made from."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from llm_schema_registry.server.serving.protocol import REQUEST_BYTES
from llm_schema_registry.server.serving.shelf import Answer, Shelf
from llm_schema_registry.store.facts import noting

SHELVED: Final = "llm_schema_registry.shelved"
"""Where the scope of a request says, once it is routed, under which name its answer may be remembered."""

_OK = 200
_REQUEST_ID = b"x-request-id"
_METHODS = frozenset({"GET", "POST"})
# A request with one of these means something by it that the next one with the same bytes may not.
_UNLIKE_ANY_OTHER = frozenset({b"upgrade", b"expect", b"transfer-encoding", _REQUEST_ID, b"range"})

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Shelving:
    """An ASGI application around another one.

    Args:
        app: answers what the shelf does not know.
        shelf: keeps what it answers.
    """

    def __init__(self, app: Application, shelf: Shelf) -> None:
        self._app = app
        self._shelf = shelf

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answers one connection of the server (ASGI)."""
        request = scope.get(REQUEST_BYTES)
        if request is None or not _may_be_repeated(scope):
            await self._app(scope, receive, send)
            return
        cursor = await self._shelf.catch_up()
        sent: list[Any] = []

        async def sending(message: Any) -> None:
            sent.append(message)
            await send(message)

        with noting() as made_from:
            await self._app(scope, receive, sending)
        operation = scope.get(SHELVED)
        if operation is not None and len(sent) == 2 and sent[0]["status"] == _OK:
            start, body = sent
            head = b"HTTP/1.1 200 OK\r\n" + b"".join(
                b"%s: %s\r\n" % header for header in start["headers"] if header[0] != _REQUEST_ID
            )
            answer = Answer(head, b"\r\n" + body.get("body", b""), operation, made_from.noted)
            self._shelf.put(request, answer, made_from, cursor)


def _may_be_repeated(scope: MutableMapping[str, Any]) -> bool:
    if scope["method"] not in _METHODS or scope["http_version"] != "1.1":
        return False
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return not any(
        name in _UNLIKE_ANY_OTHER or (name == b"connection" and value.lower() != b"keep-alive")
        for name, value in headers
    )
