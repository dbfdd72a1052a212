"""Registries that share a cache, which breaks in every way under load: no error and no stale answer comes of it."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis

from contract.registries import ask, record, running
from servers import ValkeyServer, fresh_schema, valkey

pytestmark = pytest.mark.timeout(120)

NODES = 2


@pytest.fixture
def cache() -> Iterator[ValkeyServer]:
    server = ValkeyServer("--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
    yield server
    server.stop()


@pytest.fixture
def store() -> str:
    return fresh_schema()


@pytest.fixture
def nodes(store: str, cache: ValkeyServer) -> Iterator[list[str]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running(store, LSR_REDIS=cache.url)) for _ in range(NODES)]


def counted(url: str, name: str) -> float:
    """The sum of a counter's values with these labels, or a part of them."""
    lines = ask(f"{url}/metrics").body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def hits(url: str) -> float:
    return counted(url, 'schema_registry_cache_requests_total{layer="shared",result="hit"}')


def checks(url: str) -> tuple[int, str, str]:
    answer = ask(f"{url}/health")
    return answer.status, answer.json["status"], answer.json["checks"]["shared_cache"]


def until(is_so: Any) -> None:
    for _ in range(400):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("it did not come to that")


def test_what_one_node_has_read_others_take_from_the_cache(store: str, nodes: list[str], cache: ValkeyServer) -> None:
    one, other = nodes
    paths = ["/subjects/s/versions/latest", "/schemas/ids/1", "/subjects/s/versions", "/config/s?defaultToGlobal=true"]
    assert ask(f"{one}/subjects/s/versions", "POST", record("R", "a")).status == 200
    first = [ask(f"{one}{path}").body for path in paths]
    until(lambda: counted(one, 'schema_registry_shared_cache_events_total{event="kept"}') >= 4)
    assert [ask(f"{other}{path}").body for path in paths] == first
    assert hits(other) >= 4
    assert checks(one) == (200, "healthy", "ok")
    with running(store, LSR_REDIS=cache.url) as late:
        until(lambda: checks(late) == (200, "healthy", "ok"))
        assert [ask(f"{late}{path}").body for path in paths] == first
        assert hits(late) >= 4


class Load:
    """Writes and reads that never stop: what was acknowledged must be answered, by every node.

    Attributes:
        wrong: answers that should not have been.
        answers: how many there were.
    """

    def __init__(self, nodes: list[str]) -> None:
        self._nodes = nodes
        self._ending = threading.Event()
        self.wrong: list[Any] = []
        self.answers = 0
        self._threads = [
            threading.Thread(target=self._write_and_read, args=(number,)) for number in range(2 * len(nodes))
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _write_and_read(self, number: int) -> None:
        mine, theirs = self._nodes[number % len(self._nodes)], self._nodes[(number + 1) % len(self._nodes)]
        subject = f"of-{number}"
        for turn in itertools.count(1):
            if self._ending.is_set():
                return
            level = ("FULL", "NONE")[turn % 2]
            self._expect(ask(f"{mine}/config/{subject}", "PUT", {"compatibility": level}), None)
            self._expect(ask(f"{mine}/config/{subject}"), {"compatibilityLevel": level})
            written = ask(f"{mine}/subjects/{subject}/versions", "POST", record("R", f"f{turn}"))
            self._expect(written, None)
            if written.status != 200:
                continue
            version, schema_id = written.json["version"], written.json["id"]
            least = {"X_Registry_Min_Revision": written.headers["x-registry-revision"]}
            for node, headers in ((mine, {}), (theirs, least)):
                found = ask(f"{node}/subjects/{subject}/versions/latest", **headers)
                self._expect(found, {"version": version, "id": schema_id})
                self._expect(ask(f"{node}/schemas/ids/{schema_id}", **headers), {"schema": written.json["schema"]})
            if turn % 3 == 0:
                for permanent in ("", "?permanent=true"):
                    self._expect(ask(f"{mine}/subjects/{subject}{permanent}", "DELETE"), None)
                self._expect(ask(f"{mine}/subjects/{subject}/versions"), 40401)

    def _expect(self, answer: Any, what: Any) -> None:
        self.answers += 1
        if what == 40401:
            is_right = answer.status == 404 and answer.json["error_code"] == what
        else:
            is_right = answer.status == 200 and (what is None or what.items() <= answer.json.items())
        if not is_right:
            self.wrong.append((answer.status, answer.body[:300], what))


def test_nothing_comes_of_a_cache_that_breaks_under_load(nodes: list[str], cache: ValkeyServer) -> None:
    with Load(nodes) as load:
        time.sleep(1)
        for _ in range(2):
            cache.freeze()
            time.sleep(0.6)
            cache.thaw()
            time.sleep(0.3)
            cache.kill()
            until(lambda: [checks(node) for node in nodes] == [(200, "degraded", "unavailable")] * NODES)
            cache.start()
            time.sleep(0.5)
            with cache.client() as client:
                for key in client.keys("lsr:*"):
                    client.set(key, b"no entry")
                pipeline = client.pipeline(transaction=False)
                for number in range(100):
                    pipeline.set(f"what fills it {number}", bytes(100_000))
                assert any(isinstance(answer, redis.OutOfMemoryError) for answer in pipeline.execute(False))
        until(lambda: all(checks(node)[0] == 200 for node in nodes))
        time.sleep(0.5)
    assert load.wrong == []
    assert load.answers > 100
    until(lambda: [checks(node) for node in nodes] == [(200, "healthy", "ok")] * NODES)


def test_a_registry_starts_without_its_cache() -> None:
    gone = ValkeyServer()
    gone.kill()
    try:
        with running(fresh_schema(), LSR_REDIS=gone.url) as url:
            assert ask(f"{url}/subjects/s/versions", "POST", record("R", "a")).status == 200
            assert ask(f"{url}/subjects/s/versions/latest").json["version"] == 1
            assert checks(url) == (200, "degraded", "unavailable")
            assert ask(f"{url}/health/ready").status == 200
            gone.start()
            until(lambda: checks(url) == (200, "healthy", "ok"))
    finally:
        gone.stop()


def test_what_is_sealed_is_sealed_in_the_cache() -> None:
    key = "c2VhbGVkIHdpdGggdGhlc2UgMzIgYnl0ZXMgaGVyZSE="
    with running(fresh_schema(), LSR_REDIS=f"{valkey().url}/7", LSR_METADATA_KEY=key) as url:
        until(lambda: checks(url)[2] == "ok")
        metadata = {"properties": {"owner": "known to all", "token": "s3cret"}, "sensitive": ["token"]}
        body = {**record("R", "a"), "metadata": metadata}
        assert ask(f"{url}/subjects/s/versions", "POST", body).status == 200
        assert ask(f"{url}/subjects/s/versions/1").json["metadata"] == metadata
        with valkey().client() as client:
            client.select(7)
            until(lambda: any(b"known to all" in (client.get(key) or b"") for key in client.keys("lsr:*")))
            assert not any(b"s3cret" in (client.get(key) or b"") for key in client.keys("lsr:*"))
            client.flushdb()
