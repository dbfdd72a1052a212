"""The store fails under a running registry: what goes on, what is refused and how, and how it comes back."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.registries import Response, ask, limit_files, record, running, started
from servers import PostgresServer, execute, fresh_schema

pytestmark = pytest.mark.timeout(120)

READS = ["/subjects/s/versions/latest", "/subjects/s/versions", "/schemas/ids/1", "/schemas/ids/1/schema", "/config"]
STALE = '110 - "Response is Stale"'
NATIVE = "/api/v1/scopes"


def prepared(url: str) -> dict[str, Response]:
    """Registers a schema, and reads everything until it is remembered."""
    assert ask(f"{url}/subjects/s/versions", "POST", record("R", "a")).status == 200
    for _ in range(3):
        answers = {path: ask(f"{url}{path}") for path in READS}
    assert {answer.status for answer in answers.values()} == {200}
    assert not any("age" in answer.headers or "warning" in answer.headers for answer in answers.values())
    return answers


def wait_until(ready: bool, url: str) -> Response:
    """Waits until the registry says that it is ready, or that it is not."""
    for _ in range(400):
        answer = ask(f"{url}/health/ready")
        if (answer.status == 200) == ready:
            return answer
        time.sleep(0.05)
    pytest.fail(f"/health/ready still says {answer.status}: {answer.body!r}")


def check_that_reads_go_on(url: str, known: dict[str, Response]) -> None:
    for path, before in known.items():
        stale = ask(f"{url}{path}")
        assert (stale.status, stale.body) == (200, before.body), path
        assert 0 <= int(stale.headers["age"]) < 60
        assert stale.headers["warning"] == STALE
        for name in ("content-type", "etag", "cache-control", "vary"):
            assert stale.headers[name] == before.headers[name]
        of_another = ask(f"{url}{path}", User_Agent="another", X_Request_ID="mine")
        assert (of_another.status, of_another.body) == (200, before.body), path
        assert of_another.headers["x-request-id"] == "mine"
        unmodified = ask(f"{url}{path}", If_None_Match=before.headers["etag"])
        assert (unmodified.status, unmodified.body) == (304, b"")
        assert unmodified.headers["warning"] == STALE
        assert "content-type" not in unmodified.headers
        with_credential = ask(f"{url}{path}", Authorization="Basic eDp5")
        assert with_credential.headers.get("age") is None or with_credential.status == 200


def check_that_writes_are_refused(url: str) -> None:
    for path, body in (("/subjects/s/versions", record("R", "a", "b")), ("/subjects/t/versions", record("R", "a"))):
        check_refused(ask(f"{url}{path}", "POST", body))
    check_refused(ask(f"{url}/config", "PUT", {"compatibility": "NONE"}))
    check_refused(ask(f"{url}/subjects/s", "DELETE"))


def check_refused(answer: Response) -> None:
    assert answer.status == 503
    assert answer.json["error_code"] == 50301
    assert "not available" in answer.json["message"]
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate"
    assert "etag" not in answer.headers


def check_that_it_fails_fast(url: str) -> None:
    began = time.monotonic()
    for number in range(20):
        assert ask(f"{url}/subjects/never-{number}/versions", "POST", record("R", "a")).status == 503
        assert ask(f"{url}/subjects/s/versions/latest").status == 200
    assert time.monotonic() - began < 2


def check_that_it_is_back(url: str) -> None:
    wait_until(True, url)
    for path in READS:
        assert "age" not in ask(f"{url}{path}").headers
    for _ in range(100):
        written = ask(f"{url}/subjects/s/versions", "POST", record("R", "a", "after"))
        if written.status == 200:
            break
        time.sleep(0.05)
    assert written.status == 200, written
    for _ in range(2):
        assert ask(f"{url}/subjects/s/versions/latest").json["version"] == 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def url(file: Path) -> Iterator[str]:
    with running(f"sqlite:///{file}") as started:
        yield started


def test_the_file_is_moved_away_and_put_back(file: Path, url: str) -> None:
    known = prepared(url)
    file.rename(file.with_name("aside"))
    unready = wait_until(False, url)
    assert unready.json["checks"] == {"store": "unavailable", "reads": "stale"}
    assert ask(f"{url}/health/live").status == 200
    check_that_reads_go_on(url, known)
    check_that_writes_are_refused(url)
    check_that_it_fails_fast(url)
    assert not file.exists(), "nothing takes the place of what is lost"
    stale = [line for line in ask(f"{url}/metrics").body.decode().splitlines() if "stale_answers_total{" in line]
    assert len(stale) == len(READS)
    file.with_name("aside").rename(file)
    check_that_it_is_back(url)


def test_another_file_in_its_place_is_not_taken_for_it(file: Path, url: str) -> None:
    known = prepared(url)
    file.unlink()
    wait_until(False, url)
    sqlite3.connect(file).close()
    file.touch()
    time.sleep(0.5)
    assert ask(f"{url}/health/ready").status == 503
    check_that_writes_are_refused(url)
    check_that_reads_go_on(url, known)
    check_refused(ask(f"{url}/subjects?deleted=true"))
    assert file.stat().st_size == 0


def test_a_locked_file_ends_writes_alone(file: Path, url: str) -> None:
    known = prepared(url)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for path, before in known.items():
            answer = ask(f"{url}{path}")
            assert (answer.status, answer.body) == (200, before.body)
            assert "warning" not in answer.headers
        assert ask(f"{url}/health/ready").status == 200
        other.execute("ROLLBACK")
    check_that_it_is_back(url)


def test_a_full_disk_ends_writes_alone(file: Path) -> None:
    with started(f"sqlite:///{file}") as (url, process):
        limit_files(process, 400_000)
        known = prepared(url)
        for number in range(200):
            written = ask(f"{url}/subjects/n{number}/versions", "POST", record("R", "a", f"n{number}"))
            if written.status != 200:
                break
        check_refused(written)
        for path in known:
            answer = ask(f"{url}{path}")
            assert (answer.status, answer.body) == (200, known[path].body)
            assert "warning" not in answer.headers
        assert len(ask(f"{url}/subjects").json) == number + 1, "what was acknowledged is there, and nothing else"
        for _ in range(3):
            check_refused(ask(f"{url}/subjects/n/versions", "POST", record("R", "a", "n")))
        assert ask(f"{url}/health/ready").status == 200
        limit_files(process, -1)
        check_that_it_is_back(url)
        assert len(ask(f"{url}/subjects").json) == number + 1, "what was refused is not there after all"


def test_writes_that_cannot_work_are_reported_with_their_cause(file: Path) -> None:
    with started(f"sqlite:///{file}") as (url, process):
        prepared(url)
        limit_files(process, 1)
        refused = ask(f"{url}/subjects/n/versions", "POST", record("R", "a", "n"))
        check_refused(refused)
        assert "the disk failed to read or write" in refused.json["message"]
        assert "try again" not in refused.json["message"]
        ready = ask(f"{url}/health/ready")
        assert (ready.status, ready.json["status"]) == (200, "degraded")
        assert ready.json["checks"] == {"store": "ok", "writes": "unavailable"}
        assert ready.json["causes"] == {"writes": "the disk failed to read or write"}
        assert 'store_failures_total{cause="disk"} 1.0' in ask(f"{url}/metrics").body.decode()


def test_a_right_that_is_revoked_ends_writes_alone(database: PostgresServer) -> None:
    store = fresh_schema(database)
    with running(store) as url:
        known = prepared(url)
        schema = store.partition("schema=")[2]
        asyncio.run(
            execute(
                database.url(),
                "CREATE ROLE writer LOGIN",
                f"GRANT USAGE ON SCHEMA {schema} TO writer",
                f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO writer",
            )
        )
        with running(f"{database.url(user='writer')}?schema={schema}") as reader:
            for path, before in known.items():
                answer = ask(f"{reader}{path}")
                assert (answer.status, answer.body) == (200, before.body)
            refused = ask(f"{reader}/subjects/n/versions", "POST", record("R", "a", "n"))
            check_refused(refused)
            assert "lacks a right" in refused.json["message"]
            ready = ask(f"{reader}/health/ready")
            assert (ready.status, ready.json["status"]) == (200, "degraded")
            assert "lacks a right" in ready.json["causes"]["writes"]
            asyncio.run(execute(database.url(), f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO writer"))
            check_that_it_is_back(reader)


def damage(file: Path) -> None:
    """Overwrites the beginning of the last pages of a file, which hold rows of large tables."""
    content = bytearray(file.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    for page in range(len(content) // size - 5, len(content) // size):
        content[page * size : page * size + 100] = b"\xff" * 100
    file.write_bytes(content)


def test_a_damaged_file_is_found_at_start(file: Path) -> None:
    with running(f"sqlite:///{file}") as url:
        prepared(url)
        for number in range(60):
            assert ask(f"{url}/subjects/n{number}/versions", "POST", record("R", "a", f"n{number}")).status == 200
    damage(file)
    with running(f"sqlite:///{file}") as url:
        ready = ask(f"{url}/health/ready")
        assert ready.status == 503
        assert ready.json["checks"] == {"store": "damaged"}
        assert "restore it from a backup" in ready.json["causes"]["store"]
        assert ask(f"{url}/health/live").status == 200
        refused = ask(f"{url}/subjects/t/versions", "POST", record("R", "t"))
        check_refused(refused)
        assert "damaged" in refused.json["message"]


# At every look the clock on the wall is some hours off, forwards or backwards.
JUMPING = """
import itertools, time
real, jumps = time.time_ns, itertools.cycle((0, 7 * 3600, -9 * 3600))
time.time_ns = lambda: real() + next(jumps) * 10**9
time.time = lambda: time.time_ns() / 1e9
"""


def test_a_clock_that_jumps_moves_nothing_but_dates(file: Path) -> None:
    with started(f"sqlite:///{file}", prepared_by=JUMPING) as (url, _):
        known = prepared(url)
        for number in range(30):
            written = ask(f"{url}/subjects/n{number}/versions", "POST", record("R", f"n{number}"))
            assert (written.status, written.json["id"]) == (200, number + 2)
            listed = ask(f"{url}/subjects?deleted={number % 2 == 0}")
            assert len(listed.json) == number + 2
            assert "age" not in listed.headers
            tag = listed.headers["etag"]
            assert ask(f"{url}/subjects?deleted={number % 2 == 0}", If_None_Match=tag).status == 304
        file.rename(file.with_name("aside"))
        wait_until(False, url)
        check_that_reads_go_on(url, known)
        check_that_writes_are_refused(url)
        file.with_name("aside").rename(file)
        check_that_it_is_back(url)
    times = [at for (at,) in sqlite3.connect(file).execute("SELECT at FROM changes ORDER BY revision, ordinal")]
    assert times != sorted(times), "the clock did not jump"


def test_after_a_while_nothing_is_told_any_more(file: Path) -> None:
    with running(f"sqlite:///{file}", LSR_STALE_READS_SECONDS="2") as url:
        prepared(url)
        file.rename(file.with_name("aside"))
        wait_until(False, url)
        time.sleep(2.2)
        for path in (*READS, "/subjects"):
            check_refused(ask(f"{url}{path}"))
        native = ask(f"{url}{NATIVE}")
        assert native.status == 503
        assert native.json["code"] == "STORE_UNAVAILABLE"
        assert ask(f"{url}/health/ready").json["checks"] == {"store": "unavailable"}
        assert ask(f"{url}/openapi.json").status == 200
        assert json.loads(ask(f"{url}/health/live").body)["status"] == "healthy"
        file.with_name("aside").rename(file)
        check_that_it_is_back(url)


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()


def test_a_database_dies_and_comes_back(database: PostgresServer) -> None:
    store = fresh_schema(database)
    with running(store) as url, running(store) as other:
        known = prepared(url)
        database.kill()
        unready = wait_until(False, url)
        assert unready.json["checks"] == {"store": "unavailable", "reads": "stale"}
        check_that_reads_go_on(url, known)
        check_refused(ask(f"{url}/subjects/s/versions/1"))
        # All that this is made from was read before, but nobody can tell any more whether it is true.
        check_refused(ask(f"{url}/subjects/s/versions/latest?in=other-words"))
        assert ask(f"{url}{NATIVE}").status == 503
        check_that_writes_are_refused(url)
        check_that_it_fails_fast(url)
        database.start()
        wait_until(True, other)
        for _ in range(100):
            # The other node writes while this one may not have noticed that the store is back.
            if ask(f"{other}/config", "PUT", {"compatibility": "NONE"}).status == 200:
                break
            time.sleep(0.05)
        for _ in range(100):
            config = ask(f"{url}/config")
            if config.status == 200 and "warning" not in config.headers:
                break
            assert config.status == 503 or config.body == known["/config"].body
            time.sleep(0.05)
        assert config.json["compatibilityLevel"] == "NONE"
        check_that_it_is_back(url)


def test_a_silent_database_holds_nobody_up_for_long(database: PostgresServer) -> None:
    with running(fresh_schema(database)) as url:
        known = prepared(url)
        database.freeze()
        try:
            began = time.monotonic()
            wait_until(False, url)
            assert time.monotonic() - began < 6
            check_that_reads_go_on(url, {"/subjects/s/versions/latest": known["/subjects/s/versions/latest"]})
            began = time.monotonic()
            for _ in range(50):
                assert ask(f"{url}/subjects/s/versions").headers["warning"] == STALE
            assert time.monotonic() - began < 2
        finally:
            database.thaw()
        check_that_it_is_back(url)
