"""`lsr serve` is reloaded, drained and stopped under load, and its workers die, hang, and cannot start."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from acceptance.serving import (
    START_SECONDS,
    STOP_SECONDS,
    free_port,
    get,
    received,
    register,
    running,
    start,
    wait_until_it_answers,
    workers_of,
)

pytestmark = pytest.mark.timeout(90)


class Clients:
    """Clients that keep their connections as long as the server does, and never try a request again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.failures: list[str] = []
        self.answered = 0
        self.registered: set[str] = set()
        self._done = threading.Event()

    def read(self, path: str) -> None:
        self._go_on(lambda connection: self._ask(connection, "GET", path))

    def write(self) -> None:
        numbers = iter(range(1_000_000))

        def one(connection: http.client.HTTPConnection) -> None:
            name = f"s{threading.get_ident()}-{next(numbers)}"
            schema = json.dumps({"type": "record", "name": "R", "fields": [{"name": "f", "type": "string"}]})
            self._ask(connection, "POST", f"/subjects/{name}/versions", json.dumps({"schema": schema}))
            self.registered.add(name)

        self._go_on(one)

    def end(self) -> None:
        self._done.set()

    def _go_on(self, one: Callable[[http.client.HTTPConnection], None]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        while not self._done.is_set():
            try:
                one(connection)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(repr(error))
                connection.close()
                time.sleep(0.05)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None) -> None:
        connection.request(method, path, body)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, (answer.status, content)
        self.answered += 1


@contextmanager
def clients_of(port: int) -> Iterator[Clients]:
    clients = Clients(port)
    reads: list[Callable[[], None]] = [lambda: clients.read("/subjects/s/versions/latest")] * 2
    threads = [threading.Thread(target=target) for target in (*reads, lambda: clients.read("/contexts"), clients.write)]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.end()
        for thread in threads:
            thread.join()


def wait_for(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def log_until(process: subprocess.Popen[str], event: str, times: int = 1) -> list[dict[str, object]]:
    """What a server logs until it has logged an event so often."""
    assert process.stderr is not None
    lines: list[dict[str, object]] = []
    while sum(line["event"] == event for line in lines) < times:
        line = process.stderr.readline()
        assert line, "the server ended"
        lines.append(json.loads(line))
    return lines


def test_a_reload_replaces_every_worker_and_no_client_notices(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as (port, process):
        log_until(process, "serving", times=2)
        assert register(port, "s").status == 200
        before = workers_of(process.pid)
        with (
            closing(http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)) as idle,
            clients_of(port) as clients,
        ):
            idle.request("GET", "/contexts")
            idle.getresponse().read()
            wait_for(lambda: clients.answered > 100, "nothing is answered")
            process.send_signal(signal.SIGHUP)
            log = log_until(process, "reloaded")
            # Somebody who says something only now is still heard by the old worker, and asked to leave.
            for _ in range(100):
                idle.request("GET", "/contexts")
                answer = idle.getresponse()
                assert answer.read() == b'["."]'
                if answer.getheader("connection") == "close":
                    break
                time.sleep(0.05)
            else:
                pytest.fail("the old worker does not ask its clients to leave")
            wait_for(lambda: not set(before) & set(workers_of(process.pid)), "the old workers are still there")
            answered = clients.answered
            wait_for(lambda: clients.answered > answered + 100, "the new workers do not answer")
        assert clients.failures == []
        assert [line["event"] for line in log] == ["reloading", "serving", "serving", "reloaded"]
        assert len(workers_of(process.pid)) == 2
        assert set(json.loads(get(port, "/subjects")[1])) == clients.registered | {"s"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=STOP_SECONDS) == 0


def test_workers_that_cannot_start_take_no_place_and_are_tried_with_pauses(tmp_path: Path) -> None:
    directory, aside = tmp_path / "store", tmp_path / "aside"
    directory.mkdir()
    with running(directory, "--workers", "2", LSR_DRAIN_SECONDS="600") as (port, process):
        log_until(process, "serving", times=2)
        before = workers_of(process.pid)
        directory.rename(aside)
        process.send_signal(signal.SIGHUP)
        said = log_until(process, "reload aborted: keeping the current workers")[-1]
        assert said["reason"] == "it could not start: see what it logged"
        assert sorted(workers_of(process.pid)) == sorted(before)
        os.kill(before[0], signal.SIGKILL)
        deaths = [line for line in log_until(process, "worker died", times=2) if line["event"] == "worker died"]
        assert [(line["reason"], line["restart_in"]) for line in deaths] == [
            ("killed by SIGKILL", 0.5),
            ("it could not start: see what it logged", 1.0),
        ]
        assert get(port, "/health/live")[0] == 200, "the other worker goes on"
        aside.rename(directory)
        log_until(process, "serving")
        # A person does not wait for a drain.
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=STOP_SECONDS) == 0


def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    hasty = "from llm_schema_registry.server.process import supervisor; supervisor._LOOKS_WITHOUT_PULSE = 3"
    with running(tmp_path, "--workers", "2", prepared_by=hasty, LSR_DRAIN_SECONDS="600") as (port, process):
        log_until(process, "serving", times=2)
        before = workers_of(process.pid)
        os.kill(before[0], signal.SIGSTOP)
        log_until(process, "serving")
        now = workers_of(process.pid)
        assert len(now) == 2
        assert before[0] not in now
        assert before[1] in now
        # Who cannot wait for the drain asks again.
        with begun_request(port):
            process.send_signal(signal.SIGTERM)
            wait_for(lambda: get(port, "/health/ready")[0] == 503, "it is still ready")
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=STOP_SECONDS)
    assert workers_of(process.pid) == []


def test_a_drained_server_is_not_ready_and_still_answers(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2", LSR_DRAIN_SECONDS="2") as (port, process):
        assert register(port, "s").status == 200
        with clients_of(port) as clients:
            wait_for(lambda: clients.answered > 100, "nothing is answered")
            process.send_signal(signal.SIGTERM)
            stopping = {"process": "stopping"}
            # Each worker hears of it for itself.
            wait_for(lambda: json.loads(get(port, "/health/ready")[1])["checks"] == stopping, "it is still ready")
            assert get(port, "/health/live")[0] == 200
            answered = clients.answered
            wait_for(lambda: clients.answered > answered + 100, "nothing is answered")
            clients.end()
        assert clients.failures == []
        assert process.wait(timeout=STOP_SECONDS) == 0


@contextmanager
def connecting(port: int) -> Iterator[Counter[str]]:
    """Clients that connect for every request, and the outcomes: `200`, or the name of an error."""
    outcomes: Counter[str] = Counter()
    done = threading.Event()

    def go_on() -> None:
        while not done.is_set():
            try:
                outcomes[str(get(port, "/health/live")[0])] += 1
            except (OSError, http.client.HTTPException) as error:
                outcomes[type(error).__name__] += 1
                time.sleep(0.01)

    threads = [threading.Thread(target=go_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        done.set()
        for thread in threads:
            thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="new handshakes are filtered on Linux only")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_resets_no_new_connection(tmp_path: Path, workers: str, number: int) -> None:
    with running(tmp_path, "--workers", workers) as (port, process), begun_request(port), connecting(port) as outcomes:
        wait_for(lambda: outcomes["200"] > 20, "nothing is answered")
        # It goes on for seconds, for the request in progress.
        process.send_signal(number)
        wait_for(lambda: outcomes["ConnectionRefusedError"] > 10, "the socket stays open until the end")
        assert process.poll() is None
        assert process.wait(timeout=STOP_SECONDS) == 0
    assert set(outcomes) == {"200", "ConnectionRefusedError"}


def test_a_stop_of_an_idle_node_resets_no_new_connection(tmp_path: Path) -> None:
    with running(tmp_path, LSR_DRAIN_SECONDS="1") as (port, process), connecting(port) as outcomes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=STOP_SECONDS) == 0
    assert set(outcomes) <= {"200", "ConnectionRefusedError"}


def test_a_worker_that_stops_alone_leaves_the_socket_to_the_others(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as (port, process), connecting(port) as outcomes:
        log_until(process, "serving", times=2)
        os.kill(workers_of(process.pid)[0], signal.SIGTERM)
        log_until(process, "serving")
        answered = outcomes["200"]
        wait_for(lambda: outcomes["200"] > answered + 100, "nothing is answered")
        assert set(outcomes) == {"200"}


def test_a_stop_cuts_off_stalled_clients_without_an_error(tmp_path: Path) -> None:
    large = json.dumps({"schema": json.dumps({"type": "enum", "name": "E", "symbols": ["a"], "doc": "x" * 3_000_000})})
    with running(tmp_path) as (port, process), begun_request(port), socket.socket() as unread:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)) as client:
            client.request("POST", "/subjects/large/versions", large, {"Content-Type": "application/json"})
            assert client.getresponse().status == 200
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        unread.connect(("127.0.0.1", port))
        unread.sendall(b"GET /subjects/large/versions/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert unread.recv(8) == b"HTTP/1.1"
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 0
        assert [line for line in map(json.loads, log.splitlines()) if line["level"] in {"error", "critical"}] == []


def test_a_store_in_memory_is_not_lost_by_a_reload() -> None:
    with running("sqlite://") as (port, process):
        assert register(port, "kept").status == 200
        process.send_signal(signal.SIGHUP)
        log_until(process, "nothing is reloaded: the store in memory would be lost with its process")
        assert get(port, "/subjects/kept/versions")[0] == 200


def test_a_single_worker_that_hangs_is_replaced_and_ends_with_its_supervisor(tmp_path: Path) -> None:
    hasty = "from llm_schema_registry.server.process import supervisor; supervisor._LOOKS_WITHOUT_PULSE = 3"
    with running(tmp_path, prepared_by=hasty) as (port, process):
        log_until(process, "serving")
        (before,) = workers_of(process.pid)
        os.kill(before, signal.SIGSTOP)
        log_until(process, "serving")
        (now,) = workers_of(process.pid)
        assert now != before
        assert get(port, "/health/live")[0] == 200
        os.kill(now, signal.SIGSTOP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=2 * STOP_SECONDS) == 0


def test_one_worker_drains_too(tmp_path: Path) -> None:
    request = b"GET /contexts HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with running(tmp_path, LSR_DRAIN_SECONDS="600") as (port, process):
        with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as kept:
            for _ in range(3):
                kept.sendall(request)
                assert b"connection: close" not in received(kept, b'["."]')
        with begun_request(port):
            process.send_signal(signal.SIGTERM)
            wait_for(lambda: get(port, "/health/ready")[0] == 503, "it is still ready")
            # From the shelf, and from the application.
            for path in (b"/contexts", b"/subjects"):
                answer = said_to(port, request.replace(b"/contexts", path))
                assert answer.startswith(b"HTTP/1.1 200")
                assert answer.count(b"\r\nconnection: close\r\n") == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=STOP_SECONDS) == 0


def test_a_server_ends_with_its_terminal(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    in_terminal = f"import fcntl, os, termios; os.setsid(); fcntl.ioctl({theirs}, termios.TIOCSCTTY, 0)"
    port = free_port()
    with start(port, tmp_path, prepared_by=in_terminal, keeps=(theirs,)) as process:
        os.close(theirs)
        wait_until_it_answers(port)
        os.kill(process.pid, signal.SIGHUP)
        time.sleep(0.3)
        assert get(port, "/health/ready")[0] == 200, "the terminal is still there"
        os.close(ours)
        assert process.wait(timeout=STOP_SECONDS) == 0


@contextmanager
def begun_request(port: int) -> Iterator[None]:
    """A request in progress, that never ends."""
    with socket.create_connection(("127.0.0.1", port)) as unfinished:
        unfinished.sendall(b"POST /subjects/s/versions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        yield


def said_to(port: int, request: bytes) -> bytes:
    """All that is answered on a connection until the server closes it."""
    with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))
