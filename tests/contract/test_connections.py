"""Connections of clients that send too much, too slowly, wrongly or never: bounded, answered and logged."""

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contract.conftest import BOUNDS

Server = tuple[str, Path]
# Far more than the limits of the server: these are bounds for a machine under load.
PATIENCE_SECONDS = 20.0
HEALTH = (b"/health/live", b"/health/ready", b"/health")
GOOD = b"GET /subjects HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /subjects/s/versions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
UPLOAD = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"GET /subjects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    parts = urlsplit(server[0])
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_SECONDS) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """What is answered until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def read_one(connection: socket.socket) -> bytes:
    """One answer, whose length its head gives."""
    answer = b""
    while (length := re.search(rb"(?i)content-length: (\d+)\r\n", answer)) is None or b"\r\n\r\n" not in answer:
        answer += received(connection, 1, answer)
    while len(answer.partition(b"\r\n\r\n")[2]) < int(length[1]):
        answer += received(connection, 65_536, answer)
    return answer


def received(connection: socket.socket, limit: int, before: bytes) -> bytes:
    data = connection.recv(limit)
    assert data, f"the server closed the connection within an answer, after {before!r}"
    return data


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]


def asked(server: Server, request: bytes) -> bytes:
    with connected(server) as connection:
        connection.sendall(request)
        return read_all(connection)


def lines_of(server: Server) -> list[dict[str, object]]:
    return [json.loads(line) for line in server[1].read_text().splitlines()]


def assert_refused(answers: bytes, status: int, name: str) -> None:
    """An error in the form of the Confluent-compatible surface, and the connection closed."""
    head, _, body = answers.partition(b"\r\n\r\n")
    assert statuses(head) == [status], answers[:500]
    assert head.lower().count(b"\r\nconnection: close") == 1
    error = json.loads(body)
    assert error["error_code"] == status
    assert name in error["message"]


@pytest.mark.parametrize(
    ("head", "status", "said"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400, "0 Host"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "2 Host"),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "Host"),
        (b"GET / HTTP/1.1\r\nHost: localhost/path\r\n\r\n", 400, "Host"),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, "chunked"),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "chunked"),
        (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, "Transfer-Encoding"),
        (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "chunked"),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400, "valid HTTP"),
        (POST + b"Expect: a-miracle\r\nContent-Length: 1\r\n\r\n", 417, "100-continue"),
        (POST + b"Content-Length: 1048577\r\n\r\n", 413, "LSR_MAX_BODY_BYTES"),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "valid HTTP"),
        (b"GET /" + b"a" * 2048 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "LSR_MAX_URL_BYTES"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 8192 + b"\r\n\r\n", 431, "LSR_MAX_HEAD_BYTES"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 1500 + b"\r\n", 431, "LSR_MAX_HEAD_BYTES"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 256 + b"\r\n", 431, "256 header fields"),
        (b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, "2.0"),
        (b"GET /\r\n\r\n", 505, "0.9"),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 501, "CONNECT"),
        (b"\x16\x03\x01 this is not HTTP\r\n\r\n", 400, "valid HTTP"),
        (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400, "valid HTTP"),
        (b"GET http://[::1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, ""),
        (b"GET /\xc3\xbc HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, ""),
    ],
)
def test_heads_that_are_refused(bounded: Server, head: bytes, status: int, said: str) -> None:
    with connected(bounded) as connection:
        connection.sendall(head)
        address = "{}:{}".format(*connection.getsockname())
        assert_refused(read_all(connection), status, said)
    until = time.monotonic() + PATIENCE_SECONDS
    while not (lines := [line for line in lines_of(bounded) if line.get("client") == address]):
        assert time.monotonic() < until, "nothing is logged"
        time.sleep(0.01)
    assert [(line["event"], line["status"]) for line in lines] == [("request refused", status)]


def test_a_refusal_is_a_problem_on_the_native_surface(bounded: Server) -> None:
    answers = asked(bounded, b"POST /api/v1/validate HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n")
    head, _, body = answers.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost:8081\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]:8081\r\nConnection: close\r\n\r\n",
        b"GET /" + b"?a=" + b"b" * 2000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
)
def test_heads_that_are_good(bounded: Server, head: bytes) -> None:
    assert statuses(asked(bounded, head)) == [200]


def test_a_head_without_an_end_is_not_read(bounded: Server) -> None:
    for part in (b"a" * 65_536, b"A: b\r\n" * 10_000):
        with connected(bounded) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a")
            sent = 0
            try:
                while sent < 300_000_000:
                    connection.sendall(part)
                    sent += len(part)
                    # Nobody waits with an answer until a client has sent everything.
                    connection.settimeout(0.001)
                    try:
                        answer = connection.recv(65_536)
                    except TimeoutError:
                        continue
                    finally:
                        connection.settimeout(PATIENCE_SECONDS)
                    assert_refused(answer + read_all(connection), 431, "LSR_MAX_HEAD_BYTES")
                    break
            except ConnectionError:
                pass
            assert sent < 100_000_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"0\r\n" + b"Trailer: x\r\n" * 1000 + b"\r\n", 431),
        (b"0\r\nTrailer: " + b"x" * 10_000, 431),
        (b"1;" + b"x" * 10_000, 431),
        (b"100001\r\n" + b" " * 0x100001, 413),
        (b"zz\r\n", 400),
    ],
)
def test_chunked_bodies_that_are_refused(bounded: Server, body: bytes, status: int) -> None:
    with connected(bounded) as connection:
        connection.sendall(UPLOAD)
        time.sleep(0.1)
        for start in range(0, len(body), 4000):
            connection.sendall(body[start : start + 4000])
            time.sleep(0.001)
        assert_refused(read_all(connection), status, "")


def test_trailers_are_no_headers(bounded: Server) -> None:
    schema = json.dumps({"schema": '"string"'}).encode()
    body = b"%x\r\n%s\r\n0\r\nX-Request-Id: trailer\r\n\r\n" % (len(schema), schema)
    answers = asked(bounded, UPLOAD.replace(b"/s/", b"/trailers/") + body + LAST)
    assert statuses(answers) == [200, 200]
    assert b"x-request-id: trailer" not in answers


@pytest.mark.parametrize("begun", [b"GET / HT", POST + b"Content-Length: 100\r\n\r\n{", UPLOAD + b"5\r\nab"])
def test_half_a_request_is_closed(bounded: Server, begun: bytes) -> None:
    assert_refused(asked(bounded, begun), 408, "LSR_REQUEST_TIMEOUT_SECONDS")


def test_a_request_in_drops_is_closed(bounded: Server) -> None:
    with connected(bounded) as connection:
        connection.sendall(UPLOAD)
        connection.settimeout(0.2)
        answers = b""
        until = time.monotonic() + PATIENCE_SECONDS
        while not answers:
            assert time.monotonic() < until
            connection.sendall(b"1\r\n \r\n")
            try:
                answers = connection.recv(65_536)
            except TimeoutError:
                continue
        connection.settimeout(PATIENCE_SECONDS)
        assert_refused(answers + read_all(connection), 408, "LSR_REQUEST_TIMEOUT_SECONDS")


@pytest.mark.parametrize("sent", [b"", GOOD, GOOD * 3])
def test_an_idle_connection_is_closed_without_a_word(bounded: Server, sent: bytes) -> None:
    begun = time.monotonic()
    assert set(statuses(asked(bounded, sent))) <= {200}
    assert time.monotonic() - begun > float(BOUNDS["LSR_IDLE_TIMEOUT_SECONDS"]) - 0.5


def test_a_connection_in_use_stays(bounded: Server) -> None:
    with connected(bounded) as connection:
        for _ in range(int(BOUNDS["LSR_IDLE_TIMEOUT_SECONDS"]) + 3):
            connection.sendall(GOOD)
            assert statuses(read_one(connection)) == [200]
            time.sleep(1)


def test_garbage_after_a_request_swallows_no_answer(bounded: Server) -> None:
    for sound in (GOOD, GOOD * 3, POST + b"Content-Length: 2\r\n\r\n{}"):
        for garbage in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x y\r\n\r\n"):
            answers = asked(bounded, sound + garbage)
            assert statuses(answers) == [*statuses(asked(bounded, sound + LAST))[:-1], 400]
    # A body that breaks off behind requests that are answered.
    assert statuses(asked(bounded, GOOD + UPLOAD + b"zz\r\n")) == [200, 400]
    # What follows the last request of a connection is nothing.
    assert statuses(asked(bounded, LAST + b"\x00 garbage")) == [200]


@pytest.mark.parametrize("request_", [GOOD, GOOD * 3, POST + b"Content-Length: 2\r\n\r\n{}"])
def test_a_half_closed_connection_is_answered(bounded: Server, request_: bytes) -> None:
    for rest in (b"", b"GET /sub"):
        with connected(bounded) as connection:
            connection.sendall(request_ + rest)
            connection.shutdown(socket.SHUT_WR)
            assert len(statuses(read_all(connection))) == request_.count(b"HTTP/1.1")


def test_an_answer_ahead_of_the_body_leaves_the_body_a_body(bounded: Server) -> None:
    """The bytes of a request that the shelf knows may be the rest of a body."""
    with connected(bounded) as connection:
        for _ in range(3):
            connection.sendall(GOOD)
            assert statuses(read_one(connection)) == [200]
        head = b"POST /subjects/s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(GOOD))
        assert statuses(read_one(connection)) == [415]
        connection.sendall(GOOD)
        time.sleep(0.2)
        connection.sendall(LAST)
        assert statuses(read_all(connection)) == [200]


def test_an_offer_of_another_protocol_is_passed_over(bounded: Server) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
    schema = json.dumps({"schema": '"long"'}).encode()
    request = POST.replace(b"/s/", b"/upgrade/") + offer + b"Content-Length: %d\r\n\r\n%s" % (len(schema), schema)
    for cut in (20, len(POST), len(request) - len(schema), len(request) - 3, len(request)):
        with connected(bounded) as connection:
            connection.sendall(request[:cut])
            time.sleep(0.05)
            connection.sendall(request[cut:] + LAST)
            assert statuses(read_all(connection)) == [200, 200]


@contextmanager
def all_connections(server: Server) -> Iterator[list[socket.socket]]:
    """As many connections as there may be, none of them idle for a second."""
    with ExitStack() as stack:
        kept = [stack.enter_context(connected(server)) for _ in range(int(BOUNDS["LSR_MAX_CONNECTIONS"]))]
        # All of them are counted once the last one is answered.
        for connection in kept:
            connection.sendall(GOOD)
            assert statuses(read_one(connection)) == [200]
        yield kept


def test_too_many_connections_leave_room_for_health(bounded: Server) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with all_connections(bounded) as kept:
            begun = time.monotonic()
            answers = [asked(bounded, GOOD.replace(b"/subjects", path)) for path in (b"/subjects", *HEALTH)]
            kept[0].sendall(GOOD)
            last = kept[0].recv(65_536)
            if time.monotonic() - begun < 0.9:
                break
        # An idle connection may have made room: the machine was too slow for what is tested.
        assert time.monotonic() < until
    assert_refused(answers[0], 503, "too many connections")
    assert b"retry-after" in answers[0]
    for answer in answers[1:]:
        assert statuses(answer) == [200]
        assert b"connection: close" in answer
    assert statuses(last) == [200]
    assert any("too many connections" in str(line.get("reason")) for line in lines_of(bounded))


def test_an_idle_connection_makes_room_for_a_new_one(bounded: Server) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        begun = time.monotonic()
        try:
            with all_connections(bounded) as kept:
                check_that_one_makes_room(bounded, kept)
        except (AssertionError, OSError):
            # On a slow machine, connections were closed because they were idle for too long: that is not tested here.
            is_slow = time.monotonic() - begun > int(BOUNDS["LSR_IDLE_TIMEOUT_SECONDS"]) - 0.5
            if not is_slow or time.monotonic() > until:
                raise
        else:
            break


def check_that_one_makes_room(server: Server, kept: list[socket.socket]) -> None:
    time.sleep(2.5)
    kept[0].sendall(GOOD)
    assert statuses(read_one(kept[0])) == [200]
    with connected(server) as new:
        new.sendall(GOOD)
        assert statuses(read_one(new)) == [200]
        # The end of the idle connection arrives by itself.
        until = time.monotonic() + 1
        while not (closed := [connection for connection in kept if is_closed(connection)]):
            assert time.monotonic() < until
            time.sleep(0.01)
        assert len(closed) == 1
        assert kept[0] not in closed
        new.sendall(GOOD)
        assert statuses(read_one(new)) == [200]


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False


def test_bodies_that_take_too_much_memory_together_are_refused(bounded: Server) -> None:
    part = b"%x\r\n%b\r\n" % (700_000, b" " * 700_000)
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(bounded)) for _ in range(8)]
        for connection in connections:
            connection.sendall(UPLOAD + part)
        refused = [connection for connection in connections if b"HTTP/1.1 503" in first_bytes(connection)]
        assert 0 < len(refused) < len(connections)
        answers = read_all(refused[0])
        assert b"LSR_MAX_BUFFERED_MB" in answers
        assert b"retry-after" in answers
        # Small requests find room.
        assert statuses(asked(bounded, POST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")) == [422]
    until = time.monotonic() + PATIENCE_SECONDS
    while statuses(asked(bounded, UPLOAD + part + b"0\r\n\r\n" + LAST)) != [422, 200]:
        assert time.monotonic() < until, "the memory of connections that have ended is not given back"
        time.sleep(0.1)


def first_bytes(connection: socket.socket) -> bytes:
    """The first bytes of an answer, if there is one soon."""
    connection.settimeout(0.5)
    try:
        return connection.recv(65_536, socket.MSG_PEEK)
    except TimeoutError:
        return b""


def test_a_small_body_that_becomes_large_is_refused_for_memory(bounded: Server) -> None:
    packed = gzip.compress(b" " * 1_000_000)
    head = POST + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    part = b"%x\r\n%b\r\n" % (1_000_000, b" " * 1_000_000)
    with ExitStack() as stack:
        for _ in range(6):
            connection = stack.enter_context(connected(bounded))
            connection.sendall(UPLOAD + part)
            first_bytes(connection)
        answers = asked(bounded, head + packed + LAST)
        assert statuses(answers)[0] == 503
        assert b"LSR_MAX_BUFFERED_MB" in answers


def test_the_oldest_unread_answers_make_room(bounded: Server) -> None:
    name = b"unread-%d" % time.monotonic_ns()
    schema = json.dumps(
        {"schema": json.dumps({"type": "enum", "name": "E", "symbols": ["a"], "doc": "x" * 60_000})}
    ).encode()
    head = POST.replace(b"/s/", b"/%b/" % name) + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(schema)
    assert statuses(asked(bounded, head + schema)) == [200]
    requests = b"GET /subjects/%b/versions/1 HTTP/1.1\r\nHost: localhost\r\n\r\n" % name * 40
    unread = "The answer was not read, and its memory is needed. The limit is set by LSR_MAX_BUFFERED_MB."
    with ExitStack() as stack:
        for _ in range(12):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            parts = urlsplit(bounded[0])
            connection.connect((parts.hostname, parts.port))
            connection.sendall(requests)
        until = time.monotonic() + PATIENCE_SECONDS
        while not any(line.get("reason") == unread for line in lines_of(bounded)):
            assert time.monotonic() < until, "unread answers take more memory than the limit"
            time.sleep(0.1)
        # One that is read is complete, whatever the others hold.
        assert len(asked(bounded, requests.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n")) > 40 * 60_000


def test_requests_in_one_piece_are_no_long_head(bounded: Server) -> None:
    many = 400
    with connected(bounded) as connection:
        sending = threading.Thread(target=connection.sendall, args=(GOOD * many + LAST,))
        sending.start()
        assert statuses(read_all(connection)) == [200] * (many + 1)
        sending.join()


def test_a_client_that_leaves_is_no_failure(bounded: Server) -> None:
    for begun in (POST + b"Content-Length: 100\r\n\r\n{", UPLOAD + b"5\r\nab"):
        with connected(bounded) as connection:
            connection.sendall(begun)
            time.sleep(0.2)
    until = time.monotonic() + PATIENCE_SECONDS
    counted = b'endpoint="/subjects/{subject}/versions",method="POST",status="%d"'
    while counted % 499 not in (text := asked(bounded, LAST.replace(b"/subjects", b"/metrics"))):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert counted % 500 not in text
    assert [line for line in lines_of(bounded) if line.get("level") == "error"] == []
