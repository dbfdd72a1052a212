"""A request may name a revision that its answer must hold, at whatever node it arrives."""

import time

import pytest

from contract.asgi import started
from contract.registries import ask, record, running
from llm_schema_registry.server import service
from servers import fresh_schema

CONFLUENT, NATIVE = "/subjects", "/api/v1/scopes"


def test_a_read_at_one_node_holds_what_another_has_acknowledged() -> None:
    store = fresh_schema()
    with running(store) as one, running(store) as other:
        for number in range(1, 30):
            path = f"/subjects/s{number % 3}/versions"
            ask(f"{other}{path}/latest")
            written = ask(f"{one}{path}", "POST", record("R", *(f"f{each}" for each in range(number))))
            assert written.status == 200, written.body
            revision = written.headers["x-registry-revision"]
            read = ask(f"{other}{path}/latest", X_Registry_Min_Revision=revision)
            assert (read.status, read.json["id"]) == (200, written.json["id"])
        ahead = str(int(revision) + 1)
        for path in (CONFLUENT, NATIVE):
            assert ask(f"{other}{path}", X_Registry_Min_Revision=revision).status == 200
            began = time.monotonic()
            refused = ask(f"{other}{path}", X_Registry_Min_Revision=ahead)
            assert time.monotonic() - began > 1, "it might have come"
            assert refused.status == 503
            assert int(refused.headers["retry-after"]) > 0
            assert refused.json["error_code"] == 50391
            text = refused.json["message" if path == CONFLUENT else "detail"]
            assert f"revision {ahead}" in text
            assert f"only {revision}" in text


@pytest.mark.parametrize("value", ["", "-1", "latest", "9223372036854775808"])
async def test_what_is_no_revision_is_refused_on_both_surfaces(value: str) -> None:
    async with started() as call:
        for path in (CONFLUENT, NATIVE, "/nowhere"):
            refused = await call("GET", path, headers={"X-Registry-Min-Revision": value})
            assert (refused.status, refused.json["error_code"]) == (400, 400)
            assert "X-Registry-Min-Revision" in refused.json["detail" if path == NATIVE else "message"]


async def test_without_a_shelf_too_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_LONGEST_WAIT", 0.05)
    async with started() as call:
        written = await call("PUT", "/config", {"compatibility": "NONE"}, headers={"X-Registry-Min-Revision": "0"})
        assert (written.status, written.headers["x-registry-revision"]) == (200, "1")
        for revision, status in (("1", 200), ("2", 503), ("9223372036854775807", 503)):
            for method, body in (("GET", None), ("PUT", {"compatibility": "NONE"})):
                answer = await call(method, "/config", body, headers={"X-Registry-Min-Revision": revision})
                assert answer.status == status, answer.body
                assert ("retry-after" in answer.headers) == (status == 503)


WRITES = [
    ("POST", "/subjects/s/versions", record("R", "a")),
    ("POST", "/subjects/s/versions", record("R", "a")),
    ("POST", "/subjects/s/versions?normalize=true", record("R", "a", "b")),
    ("PUT", "/config/s", {"compatibility": "NONE"}),
    ("DELETE", "/config/s", None),
    ("PUT", "/mode/s", {"mode": "READWRITE"}),
    ("DELETE", "/mode/s", None),
    ("DELETE", "/subjects/s/versions/1", None),
    ("DELETE", "/subjects/s/versions/1?permanent=true", None),
    ("DELETE", "/subjects/s", None),
]


async def test_every_write_tells_the_revision_that_holds_it() -> None:
    async with started() as call:
        for number, (method, path, body) in enumerate(WRITES):
            answer = await call(method, path, body)
            assert answer.status == 200, answer.body
            # The second registers what is there.
            assert answer.headers["x-registry-revision"] == str(number if number > 0 else 1)
