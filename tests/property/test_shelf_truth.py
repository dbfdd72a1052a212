"""Against any stream of writes, an answer from the shelf is what a process without one answers from the store."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_schema_registry.server import Settings, create_app
from llm_schema_registry.server.front import Front
from llm_schema_registry.server.serving import REQUEST_BYTES, SharedSignal, Shelf

SCHEMAS = [
    json.dumps({"type": "record", "name": "R", "fields": [{"name": name, "type": "string", "default": ""}]})
    for name in "abc"
]
SUBJECTS = ["s", "t", ":.c:s", ":.c:al"]
IN_URL = {name: name.replace(":", "%3A") for name in SUBJECTS}

subjects = st.sampled_from(SUBJECTS)
numbers = st.sampled_from(["1", "2", "3", "latest"])
schemas = st.sampled_from(SCHEMAS)
flags = st.sampled_from(["", "?deleted=true", "?permanent=true", "?normalize=true"])


def versions(method: str) -> st.SearchStrategy[tuple[str, str, Any]]:
    return st.builds(lambda s, n, f: (method, f"/subjects/{IN_URL[s]}/versions/{n}{f}", None), subjects, numbers, flags)


def of_subject(method: str, path: str, bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, str, Any]]:
    return st.builds(lambda s, f, b: (method, path.format(IN_URL[s]) + f, b), subjects, flags, bodies)


nothing = st.none()
texts = schemas.map(lambda text: {"schema": text})
marked = st.builds(
    lambda text, k: {"schema": text, "metadata": {"properties": {"k": k}}}, schemas, st.sampled_from("xy")
)
configs = st.sampled_from(
    [{"compatibility": "NONE"}, {"compatibility": "FULL"}, {"alias": "t"}, {"alias": None}, {"normalize": True}]
)
modes = st.sampled_from([{"mode": "READONLY"}, {"mode": "READWRITE"}, {"mode": None}])
writes = st.one_of(
    of_subject("POST", "/subjects/{}/versions", texts | marked),
    of_subject("POST", "/subjects/{}/versions", texts | marked),
    versions("DELETE"),
    of_subject("DELETE", "/subjects/{}", nothing),
    of_subject("PUT", "/config/{}", configs),
    of_subject("DELETE", "/config/{}", nothing),
    of_subject("PUT", "/mode/{}", modes),
    st.tuples(st.just("PUT"), st.just("/config"), configs),
)
reads = st.one_of(
    versions("GET"),
    of_subject("GET", "/subjects/{}/versions", nothing),
    of_subject("POST", "/subjects/{}", texts | marked),
    of_subject("GET", "/config/{}", nothing),
    st.sampled_from(
        [
            ("GET", path, None)
            for path in (
                "/subjects",
                "/subjects?deleted=true",
                "/schemas",
                "/contexts",
                "/config",
                "/mode",
                "/mode/s?defaultToGlobal=true",
                "/config/%3A.c%3As?defaultToGlobal=true",
                "/schemas/ids/1",
                "/schemas/ids/2?subject=:.c:s",
                "/schemas/ids/1/versions",
                "/schemas/ids/1/subjects?deleted=true",
                "/contexts/c/schemas/ids/1",
            )
        ]
    ),
)


class Worker:
    """An application with a shelf, asked as its protocol asks it."""

    def __init__(self, settings: Settings, signal: SharedSignal | None) -> None:
        self.shelf = None if signal is None else Shelf(signal)
        self.app: Front = create_app(settings, self.shelf)

    async def ask(self, method: str, target: str, body: Any) -> tuple[int, bytes, bool]:
        """Status, body, and whether the answer came from the shelf."""
        data = b"" if body is None else json.dumps(body).encode()
        request = f"{method} {target} HTTP/1.1\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
        if self.shelf is not None and (answer := self.shelf.take(request)):
            return 200, answer.body.removeprefix(b"\r\n"), True
        raw_path, _, query = target.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [(b"content-length", str(len(data)).encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "scheme": "http",
            "root_path": "",
            REQUEST_BYTES: request,
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]), False


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 1), st.one_of(writes, reads, reads)), min_size=10, max_size=60))
def test_every_answer_is_the_one_of_a_process_without_a_shelf(stream: list[tuple[int, Any]]) -> None:
    asyncio.run(_play(stream))


async def _play(stream: list[tuple[int, Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        configuration = Settings(store=f"sqlite:///{Path(directory)}/registry.db")
        signal = SharedSignal()
        workers = [Worker(configuration, signal), Worker(configuration, signal)]
        fresh = Worker(configuration, None)
        for each in (*workers, fresh):
            await each.app.service.start()
        try:
            for index, request in stream:
                await workers[index].ask(*request)
                if request[0] in ("DELETE", "PUT"):
                    continue
                # Whatever the first asking wrote is in the store now; the next ones change nothing.
                expected = await fresh.ask(*request)
                for worker in (*workers, *workers):
                    answer = await worker.ask(*request)
                    assert answer[:2] == expected[:2], (request, answer, expected)
        finally:
            for each in (*workers, fresh):
                await each.app.service.stop()


async def test_answers_do_come_from_the_shelf(tmp_path: Path) -> None:
    """Or else the property above would hold of nothing."""
    worker = Worker(Settings(store=f"sqlite:///{tmp_path}/registry.db"), SharedSignal())
    await worker.app.service.start()
    register = ("POST", "/subjects/s/versions", {"schema": SCHEMAS[0]})
    for request in (register, ("GET", "/subjects/s/versions/1", None), ("GET", "/schemas/ids/1", None)):
        await worker.ask(*request)
        await worker.ask(*request)
        assert (await worker.ask(*request))[2], request
    await worker.ask("PUT", "/config/unrelated", {"compatibility": "NONE"})
    await worker.ask("GET", "/contexts", None)
    assert (await worker.ask(*register))[2]
    await worker.ask("PUT", "/config", {"compatibility": "NONE"})
    assert not (await worker.ask(*register))[2]
    await worker.app.service.stop()
