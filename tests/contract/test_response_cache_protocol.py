"""The shelf behind real connections: split and joined packets, keep-alive, other headers, several workers."""

import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

SCHEMA = {"type": "record", "name": "R", "fields": [{"name": "f1", "type": "string"}]}


class Connection:
    """A connection that sends bytes as they are and reads whole responses."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(status.split()[1]), headers, body

    def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.send(data)
        return self.receive()

    def closed(self) -> bool:
        return self.socket.recv(1) == b""

    def _more(self) -> None:
        data = self.socket.recv(65536)
        assert data, f"closed after {self.buffer!r}"
        self.buffer += data


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    connection = Connection(url)
    with connection.socket:
        yield connection


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", "")).encode()


def post(path: str, body: object) -> bytes:
    data = json.dumps(body)
    head = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
    )
    return ("\r\n".join((*head, "", "")) + data).encode()


@pytest.fixture(scope="module")
def schema_id(registry_url: str) -> int:
    """Of the schema that is version 1 of the subject `shelf`."""
    with connected(registry_url) as connection:
        status, _, body = connection.ask(post("/subjects/shelf/versions", {"schema": json.dumps(SCHEMA)}))
    assert status == 200
    return json.loads(body)["id"]


def warm(connection: Connection, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Asks until the answer comes from the shelf, and checks that it is the same."""
    first = connection.ask(request)
    # A write that the node learns of only now makes the shelf read the log once more.
    for _ in range(5):
        again = connection.ask(request)
        if re.fullmatch("[0-9a-f]{16}-[0-9a-f]+", again[1]["x-request-id"]):
            break
    else:
        pytest.fail("the answer does not come from the shelf")
    assert (first[0], first[2]) == (again[0], again[2])
    changing = {"date", "x-request-id"}
    assert {k: v for k, v in first[1].items() if k not in changing} == {
        k: v for k, v in again[1].items() if k not in changing
    }
    return again


@pytest.mark.parametrize("path", ["/subjects/shelf/versions/latest", "/subjects", "/schemas/ids/{}", "/config", "/"])
def test_the_answer_is_the_same_from_the_shelf(registry_url: str, schema_id: int, path: str) -> None:
    with connected(registry_url) as connection:
        warm(connection, get(path.format(schema_id)))


def test_posts_that_find_what_is_there(registry_url: str, schema_id: int) -> None:
    with connected(registry_url) as connection:
        for path in ("/subjects/shelf", "/subjects/shelf/versions"):
            status, _, body = warm(connection, post(path, {"schema": json.dumps(SCHEMA)}))
            assert status == 200
            assert json.loads(body)["version"] == 1


def test_split_joined_and_interleaved_packets(registry_url: str, schema_id: int) -> None:
    request, other = get("/subjects/shelf/versions/1"), get("/subjects/shelf/versions/9")
    with connected(registry_url) as connection:
        _, _, body = warm(connection, request)
        for cut in (1, 5, len(request) - 2, len(request) - 1):
            connection.send(request[:cut])
            time.sleep(0.02)
            connection.send(request[cut:])
            assert connection.receive()[2] == body
        connection.send(request * 3 + other + request)
        statuses = [connection.receive()[0] for _ in range(5)]
        assert statuses == [200, 200, 200, 404, 200]
        assert connection.ask(request)[2] == body


def test_a_request_inside_another_one_is_not_answered(registry_url: str, schema_id: int) -> None:
    """The bytes of a known request may be part of a head or of a body that is still arriving."""
    request = get("/subjects/shelf/versions/1")
    with connected(registry_url) as connection:
        warm(connection, request)
        connection.send(b"GET /subjects/shelf/versions HTTP/1.1\r\nX-Long: a")
        time.sleep(0.05)
        connection.send(request)
        assert json.loads(connection.receive()[2]) == [1]
    with connected(registry_url) as connection:
        warm(connection, request)
        head = f"POST /subjects/shelf HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(request)}\r\n\r\n"
        connection.send(head.encode())
        time.sleep(0.05)
        connection.send(request)
        assert connection.receive()[0] == 400
        assert connection.ask(request)[0] == 200


def test_headers_make_another_request(registry_url: str, schema_id: int) -> None:
    path = "/subjects/shelf/versions/1"
    with connected(registry_url) as connection:
        warm(connection, get(path.format(schema_id)))
        assert connection.ask(get(path, "Accept: application/json"))[1]["content-type"] == "application/json"
        assert connection.ask(get(path, "Accept: text/html"))[0] == 406
        for _ in range(2):
            assert connection.ask(get(path, "X-Request-ID: mine"))[1]["x-request-id"] == "mine"
        connection.send(get(path).replace(b"GET", b"HEAD"))
        time.sleep(0.1)
        assert b"\r\n\r\n" in connection.socket.recv(65536)
        for _ in range(2):
            with connected(registry_url) as closing:
                assert closing.ask(get(path, "Connection: close"))[0] == 200
                assert closing.closed()


def test_writes_are_seen_by_the_next_read(registry_url: str) -> None:
    with connected(registry_url) as reader, connected(registry_url) as writer:
        for number in range(1, 30):
            text = json.dumps(SCHEMA | {"fields": [{"name": f"f{number}", "type": "string", "default": ""}]})
            assert writer.ask(post("/subjects/shelf-writes/versions", {"schema": text}))[0] == 200
            for _ in range(2):
                latest = json.loads(reader.ask(get("/subjects/shelf-writes/versions/latest"))[2])
                assert latest["version"] == number
                assert json.loads(reader.ask(get("/subjects/shelf-writes/versions"))[2])[-1] == number


def test_every_worker_sees_what_any_worker_wrote(two_workers_url: str) -> None:
    """Connections land on either worker; each must answer what was acknowledged before it was asked."""

    def write(number: int) -> int:
        config = json.dumps({"compatibilityGroup": f"g{number}"}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{two_workers_url}/config/w", config, headers, method="PUT")
        with urllib.request.urlopen(request) as response:
            return int(response.status)

    def read(_: int) -> str:
        with urllib.request.urlopen(f"{two_workers_url}/config/w") as response:
            return str(json.load(response)["compatibilityGroup"])

    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            assert write(number) == 200
            assert set(pool.map(read, range(12))) == {f"g{number}"}
