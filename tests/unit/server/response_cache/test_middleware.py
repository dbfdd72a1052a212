"""What is answered while the change log is out of reach, by an application that may still answer."""

from typing import Any

import pytest

from llm_schema_registry.server.response_cache import REQUEST_BYTES, LocalCommitSignal, ResponseCache
from llm_schema_registry.server.response_cache.middleware import DEPENDENCIES, Origin, ResponseCacheMiddleware
from llm_schema_registry.store import StoreUnavailableError, dependencies
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.dependencies import Dependencies

WARNING = (b"warning", b'110 - "Response is Stale"')


class Log:
    """A log that is empty, or out of reach."""

    fails = False

    async def revision(self) -> int:
        if self.fails:
            raise StoreUnavailableError("gone")
        return 0

    async def changes(self, after: int, limit: int = 1000) -> list[Any]:
        if self.fails:
            raise StoreUnavailableError("gone")
        return []


class Place:
    """A shelf around an application that answers everything."""

    def __init__(self, timeout_seconds: float = 60, **origin: Any) -> None:
        self.log = Log()
        self.response_cache = ResponseCache(ChangeLogFollower(LocalCommitSignal()))
        self.response_cache.follower.follow(self.log)  # type: ignore[arg-type]
        self.on_stale: list[str] = []
        self.asked = 0
        self.status = 200
        noted = Dependencies()
        noted.noted.update(origin.pop("made_from", [dependencies.ALL_VERSIONS]))
        self.origin: Origin | None = Origin("/test", noted, **{"writes": False, "cacheable": True} | origin)
        self.shelving = ResponseCacheMiddleware(
            self._app, self.response_cache, self._refuse, timeout_seconds, self.on_stale.append
        )

    def lose(self) -> None:
        self.log.fails = True
        self.response_cache.follower.mark_stale()

    async def ask(self, line: str = "GET /test HTTP/1.1", **headers: str) -> tuple[int, dict[bytes, bytes], bytes]:
        given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        fields = b"".join(b"%s: %s\r\n" % header for header in given)
        scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": line.split()[0], "headers": given}
        scope[REQUEST_BYTES] = line.encode() + b"\r\n" + fields + b"\r\n"
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self.shelving(scope, None, send)
        assert len(sent) == 2, sent
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1].get("body", b"")

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        if self.origin is not None:
            scope[DEPENDENCIES] = self.origin
        headers = [(b"etag", b'"1"'), (b"content-type", b"text/plain"), (b"content-length", b"4")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"good"})

    async def _refuse(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b"refused"})


async def test_what_is_remembered_is_told_without_asking_again() -> None:
    place = Place()
    await place.ask()
    place.lose()
    status, headers, body = await place.ask(host="another")
    assert (status, body, place.asked) == (200, b"good", 1)
    assert headers[b"age"] == b"0"
    assert WARNING in headers.items()
    assert place.on_stale == ["/test"]


async def test_conditional_requests_are_answered_from_what_is_remembered() -> None:
    place = Place()
    await place.ask()
    place.lose()
    status, headers, body = await place.ask(if_none_match='"0", W/"1"')
    assert (status, body) == (304, b"")
    assert set(headers) == {b"etag", b"age", b"warning"}
    assert (await place.ask(if_none_match='"0"'))[0] == 200


@pytest.mark.parametrize("line", ["GET /new HTTP/1.1", "POST /test HTTP/1.1"])
async def test_what_can_still_be_read_is_marked(line: str) -> None:
    place = Place()
    place.lose()
    for _ in range(2):
        status, headers, body = await place.ask(line)
        assert (status, body) == (200, b"good")
        assert WARNING in headers.items()
    assert place.asked == 2, "nothing new is remembered meanwhile"
    assert place.on_stale == ["/test"] * 2


@pytest.mark.parametrize("origin", [{"writes": True}, {"made_from": []}])
async def test_what_depends_on_no_read_is_not_marked(origin: dict[str, Any]) -> None:
    place = Place(timeout_seconds=0, **origin)
    place.lose()
    status, headers, _ = await place.ask()
    assert status == 200
    assert b"warning" not in headers
    assert place.on_stale == []


async def test_refusals_are_not_marked() -> None:
    place = Place()
    place.origin, place.status = None, 404
    place.lose()
    status, headers, _ = await place.ask()
    assert status == 404
    assert b"age" not in headers


async def test_in_the_end_reads_are_refused() -> None:
    place = Place(timeout_seconds=0)
    await place.ask()
    place.lose()
    for line in ("GET /test HTTP/1.1", "GET /new HTTP/1.1"):
        assert await place.ask(line) == (503, {}, b"refused")
    assert place.on_stale == []


async def test_then_everything_is_as_before() -> None:
    place = Place()
    await place.ask()
    place.lose()
    await place.ask()
    place.log.fails = False
    status, headers, _ = await place.ask()
    assert status == 200
    assert b"age" not in headers
    assert place.asked == 2


async def test_requests_for_a_revision_are_answered_anew_and_while_the_log_is_lost_from_the_shelf() -> None:
    place = Place()
    for _ in range(2):
        await place.ask(x_registry_min_revision="0")
    assert place.asked == 2, "the next one will ask for another"
    await place.ask()
    place.lose()
    assert (await place.ask(x_registry_min_revision="0"))[0] == 200
    assert place.asked == 3
