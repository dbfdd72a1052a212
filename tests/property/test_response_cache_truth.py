"""Against any stream of writes, an answer from the shelf, or made from remembered reads, is what a process without
either answers from the store: at every worker of the node that wrote, and at another node once it has heard of it.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from llm_schema_registry.contracts import guid_of
from llm_schema_registry.server import Settings, create_app, service
from llm_schema_registry.server.http.asgi import RegistryApp
from llm_schema_registry.server.response_cache import REQUEST_BYTES, ResponseCache, SharedCommitSignal
from llm_schema_registry.store.changelog import ChangeLogFollower

SCHEMAS = [
    '{"type":"record","name":"R","fields":[{"name":"NAME","type":"string","default":""}]}'.replace("NAME", name)
    for name in "ab"
]
GUIDS = [guid_of(text) for text in SCHEMAS]
SUBJECTS = ["s", "t", "%3A.c%3As", "%3A.c%3Aal"]
PERMANENT, DELETED = "?permanent=true", "?deleted=true"

BODIES = [
    {"schema": text, **({"metadata": {"properties": {"k": k}}} if k else {})} for text in SCHEMAS[:2] for k in ("", "x")
]
CONFIGS = [{"compatibility": "NONE"}, {"compatibility": "FULL"}, {"alias": "t"}, {"alias": None}, {"normalize": True}]
MODES = [{"mode": "READONLY"}, {"mode": "READWRITE"}, {"mode": None}]
NUMBERS = ["1", "2", "latest"]

REGISTRATIONS = [("POST", f"/subjects/{s}/versions", body) for s in SUBJECTS for body in BODIES]
WRITES = [
    *(("DELETE", f"/subjects/{s}/versions/{n}{f}", None) for s in SUBJECTS for n in NUMBERS for f in ("", PERMANENT)),
    *(("DELETE", f"/subjects/{s}{f}", None) for s in SUBJECTS for f in ("", PERMANENT)),
    *(("PUT", f"/config/{s}", config) for s in SUBJECTS for config in CONFIGS),
    *(("DELETE", f"/config/{s}", None) for s in SUBJECTS),
    *(("PUT", f"/mode/{s}", mode) for s in SUBJECTS for mode in MODES),
    *(("PUT", "/config", config) for config in CONFIGS),
    ("DELETE", "/contexts/.c", None),
]
READS = [
    *(("GET", f"/subjects/{s}/versions/{n}{f}", None) for s in SUBJECTS for n in NUMBERS for f in ("", DELETED)),
    *(("GET", f"/subjects/{s}/versions{f}", None) for s in SUBJECTS for f in ("", DELETED)),
    *(("POST", f"/subjects/{s}{f}", body) for s in SUBJECTS for body in BODIES for f in ("", DELETED)),
    *(("GET", f"/config/{s}", None) for s in SUBJECTS),
    *(("GET", f"/subjects/{s}/metadata?key=k&value=x", None) for s in SUBJECTS),
    *(("GET", f"/schemas/guids/{guid}{of}", None) for guid in GUIDS for of in ("", "/ids")),
    *(
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
    ),
]
steps = st.tuples(st.integers(0, 2), st.sampled_from(REGISTRATIONS) | st.sampled_from(WRITES) | st.sampled_from(READS))


class Answered(NamedTuple):
    """An answer.

    Attributes:
        status: of it.
        body: of it.
        from_shelf: whether it came from the shelf.
        tag: its entity tag, if it has one.
    """

    status: int
    body: bytes
    from_shelf: bool
    tag: str


@pytest.fixture(autouse=True)
def _remembered_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on PostgreSQL."""
    monkeypatch.setattr(service, "is_postgresql", lambda _url: True)


class Worker:
    """An application with a shelf, asked as its protocol asks it."""

    def __init__(self, settings: Settings, signal: SharedCommitSignal | None) -> None:
        self.response_cache = None if signal is None else ResponseCache(ChangeLogFollower(signal))
        self.app: RegistryApp = create_app(settings, self.response_cache)

    async def hear(self) -> None:
        """Hears of what another node has committed."""
        if self.response_cache is not None:
            self.response_cache.follower.mark_stale()
            await self.response_cache.follower.catch_up()

    async def ask(self, method: str, target: str, body: Any, held: str = "") -> Answered:
        """The answer to a request; with `held`, the tag of an answer that the client holds, to a conditional one."""
        data = b"" if body is None else json.dumps(body).encode()
        condition = f"If-None-Match: {held}\r\n" if held else ""
        head = f"{method} {target} HTTP/1.1\r\n{condition}Content-Length: {len(data)}\r\n\r\n"
        request = head.encode() + data
        if (
            self.response_cache is not None
            and target != "/v1/metadata/id"
            and (answer := self.response_cache.get(request))
        ):
            line, *lines = answer.head.decode().splitlines()
            tag = dict(each.split(": ", 1) for each in lines).get("etag", "")
            return Answered(int(line.split()[1]), answer.body.removeprefix(b"\r\n"), True, tag)
        raw_path, _, query = target.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [
                (b"content-length", str(len(data)).encode()),
                *([(b"if-none-match", held.encode())] if held else []),
            ],
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
        tag = dict(sent[0]["headers"]).get(b"etag", b"").decode()
        return Answered(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]), False, tag)


@settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(st.lists(steps, min_size=20, max_size=50))
def test_every_answer_is_the_one_of_a_process_without_a_shelf(stream: list[tuple[int, Any]]) -> None:
    asyncio.run(_play(stream))


async def _play(stream: list[tuple[int, Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        configuration = Settings(store=f"sqlite:///{Path(directory)}/registry.db")
        signal = SharedCommitSignal()
        # Two of one node, and one of another.
        workers = [
            Worker(configuration, signal),
            Worker(configuration, signal),
            Worker(configuration, SharedCommitSignal()),
        ]
        fresh = Worker(configuration, None)
        for each in (*workers, fresh):
            await each.app.service.start()
        try:
            seen: dict[str, Any] = {}
            held: dict[str, str] = {}
            for index, request in stream:
                if request in READS:
                    seen[str(request)] = request
                await workers[index].ask(*request)
                for worker in workers[:2] if index == 2 else workers[2:]:
                    await worker.hear()
                for worker in workers:
                    # Reads the change log, so that from here on only its facts keep an answer off the shelf.
                    await worker.ask("GET", "/v1/metadata/id", None)
                for name, again in seen.items():
                    expected = await fresh.ask(*again)
                    for worker in workers:
                        answer = await worker.ask(*again)
                        assert answer[:2] == expected[:2], (request, again, answer, expected)
                        assert answer.tag == expected.tag, (request, again, answer, expected)
                        if name in held:
                            method, target, body = again
                            unlike = await worker.ask(method, target, body, held[name])
                            assert (unlike.status == 304) == (expected.tag == held[name]), (request, again, unlike)
                            assert unlike.tag == expected.tag, (request, again, unlike, expected)
                    if expected.tag:
                        held[name] = expected.tag
        finally:
            for each in (*workers, fresh):
                await each.app.service.stop()


# A story in which every step makes some answers different.
STORY = [
    ("POST", "/subjects/s/versions", BODIES[0]),
    ("POST", "/subjects/s/versions", BODIES[3]),
    ("POST", "/subjects/t/versions", BODIES[0]),
    ("POST", "/subjects/%3A.c%3As/versions", BODIES[1]),
    ("PUT", "/config", {"compatibility": "FULL"}),
    ("PUT", "/config/s", {"compatibility": "NONE"}),
    ("PUT", "/config/%3A.c%3A", {"compatibility": "FORWARD"}),
    ("PUT", "/mode/s", {"mode": "READONLY"}),
    ("PUT", "/mode", {"mode": "READONLY_OVERRIDE"}),
    ("PUT", "/mode", {"mode": None}),
    ("DELETE", "/mode/s", None),
    ("PUT", "/config/s", {"alias": "t"}),
    ("PUT", "/config/s", {"alias": None}),
    ("DELETE", "/config/s", None),
    ("DELETE", "/subjects/s/versions/1", None),
    ("POST", "/subjects/s/versions", BODIES[0]),
    ("DELETE", "/subjects/t", None),
    ("DELETE", "/subjects/t?permanent=true", None),
    ("DELETE", "/subjects/%3A.c%3As", None),
    ("DELETE", "/subjects/%3A.c%3As?permanent=true", None),
    ("DELETE", "/contexts/.c", None),
    ("DELETE", "/subjects/s", None),
]


async def test_every_kind_of_change_reaches_every_answer(tmp_path: Path) -> None:
    configuration = Settings(store=f"sqlite:///{tmp_path}/registry.db")
    signal = SharedCommitSignal()
    writer, reader, fresh = Worker(configuration, signal), Worker(configuration, signal), Worker(configuration, None)
    elsewhere = Worker(configuration, SharedCommitSignal())
    for each in (writer, reader, fresh, elsewhere):
        await each.app.service.start()
    for step in STORY:
        for read in READS:
            await elsewhere.ask(*read)
        held = [(await reader.ask(*read)).tag for read in READS]
        for read, tag in zip(READS, held, strict=True):
            await reader.ask(*read, held=tag)
        written = await writer.ask(*step)
        assert written.status in (200, 204), (step, written)
        await reader.ask("GET", "/v1/metadata/id", None)
        await elsewhere.hear()
        for read, tag in zip(READS, held, strict=True):
            answer, expected = await reader.ask(*read), await fresh.ask(*read)
            assert answer[:2] == expected[:2], (step, read, answer, expected)
            assert (await elsewhere.ask(*read))[:2] == expected[:2], (step, read)
            conditional = await reader.ask(*read, held=tag)
            assert (conditional.status == 304) == bool(tag and tag == expected.tag), (step, read, conditional)
    for each in (writer, reader, fresh, elsewhere):
        await each.app.service.stop()


async def test_answers_do_come_from_the_shelf(tmp_path: Path) -> None:
    """Or else the property above would hold of nothing."""
    worker = Worker(Settings(store=f"sqlite:///{tmp_path}/registry.db"), SharedCommitSignal())
    await worker.app.service.start()
    register = ("POST", "/subjects/s/versions", {"schema": SCHEMAS[0]})
    for request in (register, ("GET", "/subjects/s/versions/1", None), ("GET", "/schemas/ids/1", None)):
        await worker.ask(*request)
        await worker.ask(*request)
        again = await worker.ask(*request)
        assert again.from_shelf, request
        if again.tag:
            await worker.ask("GET", request[1], None, again.tag)
            conditional = await worker.ask("GET", request[1], None, again.tag)
            assert (conditional.status, conditional.body, conditional.from_shelf) == (304, b"", True)
    await worker.ask("PUT", "/config/unrelated", {"compatibility": "NONE"})
    await worker.ask("GET", "/contexts", None)
    assert (await worker.ask(*register)).from_shelf
    await worker.ask("PUT", "/config", {"compatibility": "NONE"})
    assert not (await worker.ask(*register)).from_shelf
    await worker.app.service.stop()
