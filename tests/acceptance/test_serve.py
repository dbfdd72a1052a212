"""`lsr serve` as a process: starting, stopping, refusing, surviving."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

S1 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
# Far more than is needed: these are no benchmarks.
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(port: int, directory: Path, *options: str, **variables: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LSR_")} | variables
    command = [sys.executable, "-m", "llm_schema_registry.cli", "serve", "--port", str(port)]
    command += ["--store", f"sqlite:///{directory}/registry.db", *options]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _wait_until_it_answers(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            assert _get(port, "/health/live")[0] == 200
        except (ConnectionError, http.client.HTTPException):
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        else:
            return


@contextmanager
def _running(directory: Path, *options: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = _free_port()
    process = _start(port, directory, *options)
    try:
        _wait_until_it_answers(port)
        yield port, process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=_STOP_SECONDS)


def _register(port: int, subject: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
    connection.request("POST", f"/subjects/{subject}/versions", json.dumps({"schema": S1}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_sigterm_ends_it_with_connections_open_and_nothing_is_lost(tmp_path: Path) -> None:
    with _running(tmp_path) as (port, process):
        assert _register(port, "s").status == 200
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        kept.request("GET", "/subjects")
        kept.getresponse().read()
        with socket.create_connection(("127.0.0.1", port)) as unfinished:
            unfinished.sendall(b"POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=_STOP_SECONDS) == 0
            assert time.monotonic() - begun < 5
        kept.close()
    with _running(tmp_path) as (port, _):
        assert _get(port, "/subjects") == (200, b'["s"]')


def test_several_workers_share_the_store_and_are_replaced(tmp_path: Path) -> None:
    with _running(tmp_path, "--workers", "2") as (port, process):
        for number in range(10):
            assert _register(port, f"s{number}").status == 200
            # Whichever worker answers, a write that was acknowledged is seen.
            assert len(json.loads(_get(port, "/subjects")[1])) == number + 1
        # Nor does it matter which of them is asked what was counted.
        created = b'schema_registry_schema_registrations_total{status="created"} 10.0'
        assert all(created in _get(port, "/metrics")[1] for _ in range(10))
        before = _workers_of(process.pid)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        until = time.monotonic() + _START_SECONDS
        while before[0] in (now := _workers_of(process.pid)) or len(now) < 2:
            assert time.monotonic() < until, "the worker was not replaced"
            time.sleep(0.05)
        assert _get(port, "/subjects")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=_STOP_SECONDS) == 0
    assert _workers_of(process.pid) == []


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    with _running(tmp_path, "--workers", "2") as (_, process):
        workers = _workers_of(process.pid)
        process.kill()
        process.wait()
        until = time.monotonic() + _STOP_SECONDS
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < until, "a worker is still there"
            time.sleep(0.05)


def _workers_of(parent: int) -> list[int]:
    """The child processes that serve; Python keeps another one to track resources."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and "spawn_main" in (status.parent / "cmdline").read_text():
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        (["--host", "0.0.0.0"], {}, "LSR_TLS_MODE=trusted_proxy"),  # noqa: S104
        ([], {"LSR_COLOUR": "red"}, "Unknown setting LSR_COLOUR"),
        ([], {"LSR_MAX_BODY_BYTES": "many"}, "LSR_MAX_BODY_BYTES"),
        ([], {"LSR_COMPATIBILITY": "SIDEWAYS"}, "BACKWARD_TRANSITIVE"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tmp_path: Path, options: list[str], variables: dict[str, str], said: str
) -> None:
    process = _start(_free_port(), tmp_path, *options, **variables)
    _, error = process.communicate(timeout=_START_SECONDS)
    assert process.returncode not in (0, None)
    assert said in error
    assert "Traceback" not in error


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = _start(port, tmp_path)
        _, error = process.communicate(timeout=_START_SECONDS)
    assert process.returncode not in (0, None)
    assert f"Cannot listen on 127.0.0.1 port {port}" in error


def test_a_store_that_cannot_be_opened_ends_it(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"this is no database" * 100)
    for workers in ("1", "2"):
        process = _start(_free_port(), tmp_path, "--workers", workers)
        process.communicate(timeout=_START_SECONDS)
        assert process.returncode not in (0, None)


def test_what_only_a_socket_shows(tmp_path: Path) -> None:
    with _running(tmp_path) as (port, _):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"HEAD /subjects HTTP/1.1\r\nHost: x\r\n\r\nGET /subjects HTTP/1.1\r\nHost: x\r\n\r\n")
            received = _received(connection, b"[]")
            head, _, rest = received.partition(b"\r\n\r\n")
            assert b"content-length: 2" in head
            assert rest.startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(
                b"POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{" + b" " * 70_000
            )
            received = _received(connection, b"}")
            assert received.startswith(b"HTTP/1.1 413")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            assert _received(connection, b"\r\n").startswith(b"HTTP/1.1 400")
        status, body = _get(port, "/metrics")
        assert status == 200
        assert b'schema_registry_requests_total{endpoint="/subjects",method="HEAD",status="200"} 1.0' in body


def _received(connection: socket.socket, until: bytes) -> bytes:
    connection.settimeout(_START_SECONDS)
    received = b""
    while not received.endswith(until):
        data = connection.recv(65_536)
        if not data:
            break
        received += data
    return received
