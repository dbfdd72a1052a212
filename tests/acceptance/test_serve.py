"""`lsr serve` as a process: starting, stopping, refusing, surviving."""

import http.client
import json
import os
import signal
import socket
import time
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


def test_sigterm_ends_it_with_connections_open_and_nothing_is_lost(tmp_path: Path) -> None:
    with running(tmp_path) as (port, process):
        assert register(port, "s").status == 200
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        kept.request("GET", "/subjects")
        kept.getresponse().read()
        with socket.create_connection(("127.0.0.1", port)) as unfinished:
            unfinished.sendall(b"POST /subjects/s/versions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=STOP_SECONDS) == 0
            assert time.monotonic() - begun < 8
        kept.close()
    with running(tmp_path) as (port, _):
        assert get(port, "/subjects") == (200, b'["s"]')


def test_several_workers_share_the_store_and_are_replaced(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as (port, process):
        for number in range(10):
            assert register(port, f"s{number}").status == 200
            # Whichever worker answers, a write that was acknowledged is seen.
            assert len(json.loads(get(port, "/subjects")[1])) == number + 1
        # Nor does it matter which of them is asked what was counted.
        created = b'schema_registry_schema_registrations_total{status="created"} 10.0'
        assert all(created in get(port, "/metrics")[1] for _ in range(10))
        before = workers_of(process.pid)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        until = time.monotonic() + START_SECONDS
        while before[0] in (now := workers_of(process.pid)) or len(now) < 2:
            assert time.monotonic() < until, "the worker was not replaced"
            time.sleep(0.05)
        assert get(port, "/subjects")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=STOP_SECONDS) == 0
    assert workers_of(process.pid) == []


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as (_, process):
        workers = workers_of(process.pid)
        process.kill()
        process.wait()
        until = time.monotonic() + STOP_SECONDS
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < until, "a worker is still there"
            time.sleep(0.05)


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
    process = start(free_port(), tmp_path, *options, **variables)
    _, error = process.communicate(timeout=START_SECONDS)
    assert process.returncode not in (0, None)
    assert said in error
    assert "Traceback" not in error


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(port, tmp_path)
        _, error = process.communicate(timeout=START_SECONDS)
    assert process.returncode not in (0, None)
    assert f"Cannot listen on 127.0.0.1 port {port}" in error


def test_a_store_that_cannot_be_opened_ends_it(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"this is no database" * 100)
    for workers in ("1", "2"):
        process = start(free_port(), tmp_path, "--workers", workers)
        process.communicate(timeout=START_SECONDS)
        assert process.returncode not in (0, None)


def test_what_only_a_socket_shows(tmp_path: Path) -> None:
    with running(tmp_path) as (port, _):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(
                b"HEAD /subjects HTTP/1.1\r\nHost: localhost\r\n\r\nGET /subjects HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            answers = received(connection, b"[]")
            head, _, rest = answers.partition(b"\r\n\r\n")
            assert b"content-length: 2" in head
            assert rest.startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(
                b"POST /subjects/s/versions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n{"
                + b" " * 70_000
            )
            assert received(connection, b"}").startswith(b"HTTP/1.1 413")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            assert received(connection, b"\r\n").startswith(b"HTTP/1.1 400")
        status, body = get(port, "/metrics")
        assert status == 200
        assert b'schema_registry_requests_total{endpoint="/subjects",method="HEAD",status="200"} 1.0' in body


def test_a_password_in_the_arguments_is_not_left_in_the_process_list(tmp_path: Path) -> None:
    port = free_port()
    url = f"postgresql://user:secret-word@127.0.0.1:{free_port()}/none"
    process = start(port, url)
    file = Path(f"/proc/{process.pid}/cmdline")
    until = time.monotonic() + START_SECONDS
    try:
        # A process that ended has no arguments left.
        while b"secret-word" in (arguments := file.read_bytes()) or b"serve" not in arguments:
            assert time.monotonic() < until, arguments
            time.sleep(0.005)
    finally:
        process.kill()
        output = process.communicate()
    assert "secret-word" not in "".join(output)


def test_the_url_of_the_store_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "store-url"
    file.write_text(f"sqlite:///{tmp_path}/registry.db\n")
    port = free_port()
    process = start(port, f"@{file}")
    try:
        wait_until_it_answers(port)
        assert (tmp_path / "registry.db").exists()
    finally:
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)
    missing = start(port, f"@{tmp_path}/none")
    _, errors = missing.communicate(timeout=START_SECONDS)
    assert missing.returncode != 0
    assert "cannot be read" in errors
