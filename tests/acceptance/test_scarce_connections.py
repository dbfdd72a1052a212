"""A PostgreSQL role with fewer connections than `lsr serve` wants: requests wait for one, and are answered."""

import asyncio
import http.client
import itertools
import json
import threading
import uuid

import pytest

from acceptance.serving import START_SECONDS, STOP_SECONDS, free_port, post, start, wait_until_it_answers
from servers import execute, postgres

pytestmark = pytest.mark.timeout(120)

_CLIENTS = 16
_REQUESTS = 12
_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'"


def schema(fields: int, name: str = "R") -> str:
    members = [{"name": f"f{number}", "type": "int", "default": 0} for number in range(fields)]
    return json.dumps({"type": "record", "name": name, "fields": members})


def requests_of(client: int) -> list[tuple[str, str, object]]:
    """Writes, reads, lists and checks of one client; no two reads are alike, so that no cache answers all of them."""
    subject = f"/subjects/s{client}/versions"
    kinds = itertools.cycle(
        [
            lambda n: ("POST", f"/subjects/s{client}/versions", {"schema": schema(n)}),
            lambda n: ("GET", f"{subject}/latest?n={n}", None),
            lambda n: ("GET", f"/schemas?subjectPrefix=s{client}&n={n}", None),
            lambda n: ("POST", f"/compatibility{subject}/latest", {"schema": schema(n + 1)}),
        ]
    )
    return [next(kinds)(number) for number in range(_REQUESTS)]


def mixed_load(port: int) -> set[tuple[str, int]]:
    """The outcomes of concurrent clients and of polls of `/health/ready`: what was asked, and the status."""
    outcomes = set()
    working = threading.Event()

    def send(connection: http.client.HTTPConnection, method: str, path: str, body: object) -> None:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        outcomes.add((f"{method} {path.partition('?')[0].split('/')[1]}", answer.status))

    def work(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        for request in requests_of(client):
            send(connection, *request)
        connection.close()

    def poll() -> None:
        while not working.wait(0.1):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
            send(connection, "GET", "/health/ready", None)
            connection.close()

    threads = [threading.Thread(target=work, args=(client,)) for client in range(_CLIENTS)]
    polling = threading.Thread(target=poll)
    for thread in (polling, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    working.set()
    polling.join()
    return outcomes


@pytest.mark.parametrize(("connections", "workers"), [(1, 1), (1, 2), (3, 2)])
def test_requests_wait_for_a_connection(connections: int, workers: int) -> None:
    server, role = postgres(), f"few_{uuid.uuid4().hex[:8]}"
    made = (f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {connections}", f"CREATE SCHEMA {role} AUTHORIZATION {role}")
    asyncio.run(execute(server.url(), *made))
    port = free_port()
    process = start(port, f"{server.url(user=role)}?schema={role}", "--workers", str(workers))
    try:
        wait_until_it_answers(port)
        wanted = {("POST subjects", 200), ("GET subjects", 200), ("GET schemas", 200), ("POST compatibility", 200)}
        wanted.add(("GET health", 200))
        assert mixed_load(port) == wanted
        asyncio.run(execute(server.url(), _TERMINATE.format(role)))
        # Processes for large schemas need a connection of their own.
        assert post(port, "/subjects/large/versions", {"schema": schema(20_000, "Large")})[0] == 200
        assert mixed_load(port) == wanted
    finally:
        process.terminate()
        _, log = process.communicate(timeout=STOP_SECONDS)
    assert log.count('"event": "serving"') == workers
    for said in ("out of reach", "store failure", "Task exception", "worker died"):
        assert said not in log, log
