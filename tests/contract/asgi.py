"""Calls an ASGI application in process, with full control over raw paths, headers and body chunks."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from llm_schema_registry.server import Settings, create_app
from llm_schema_registry.server.telemetry.logs import configure_logs


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """One started application."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self.scope: dict[str, Any] = {}
        """Of the last request."""

    @property
    def registry(self) -> Any:
        return self.app.service.registry

    async def __call__(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Sequence[tuple[str, str]] | dict[str, str] | None = None,
        chunks: Sequence[bytes] | None = None,
    ) -> Answer:
        """A request; `body` is text or bytes as they are, anything else as JSON; `chunks` comes without a length."""
        raw_path, _, query = target.partition("?")
        given = list(headers.items()) if isinstance(headers, dict) else list(headers or ())
        if chunks is None:
            data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else b""
            if body is not None and not isinstance(body, bytes | str):
                data = json.dumps(body).encode()
            chunks = [data]
            if body is not None and not any(name.lower() == "content-length" for name, _ in given):
                given.append(("content-length", str(len(data))))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self.scope = scope
        waiting = [
            {"type": "http.request", "body": chunk, "more_body": index + 1 < len(chunks)}
            for index, chunk in enumerate(chunks)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            # The client stays until it has its answer.
            return waiting.pop(0) if waiting else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = sent[0]
        found = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


@asynccontextmanager
async def started(**settings: Any) -> AsyncIterator[Caller]:
    """An application on an empty store in memory."""
    caller = Caller(Settings.from_environment({}, **{"store": "sqlite://", **settings}))
    configure_logs(caller.app.service.settings.log_level)
    told: asyncio.Queue[Any] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    lifespan = asyncio.create_task(caller.app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    try:
        yield caller
    finally:
        await told.put({"type": "lifespan.shutdown"})
        assert (await said.get())["type"] == "lifespan.shutdown.complete"
        await lifespan
