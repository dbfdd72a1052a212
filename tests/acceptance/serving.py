"""`lsr serve` as a process, for tests that need one of their own."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

S1 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
# Far more than is needed: these are no benchmarks.
START_SECONDS = 20.0
STOP_SECONDS = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    port: int, place: Path | str, *options: str, prepared_by: str = "", keeps: tuple[int, ...] = (), **variables: str
) -> subprocess.Popen[str]:
    """Starts a server on a store in a directory, or at a URL.

    `prepared_by` is Python code that it runs first, with the files in `keeps` open.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LSR_")} | variables
    main = ["-c", f"{prepared_by}; from llm_schema_registry.cli import main; main()"] if prepared_by else []
    command = [sys.executable, *(main or ["-m", "llm_schema_registry.cli"]), "serve", "--port", str(port)]
    command += ["--store", place if isinstance(place, str) else f"sqlite:///{place}/registry.db", *options]
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=keeps
    )


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def post(port: int, path: str, body: object, method: str = "POST") -> tuple[int, Any]:
    """Sends JSON, and returns the status and the JSON of the answer, which may take a while."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3 * START_SECONDS)
    try:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wait_until_it_answers(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            assert get(port, "/health/live")[0] == 200
        except (ConnectionError, http.client.HTTPException):
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        else:
            return


@contextmanager
def running(
    place: Path | str, *options: str, prepared_by: str = "", **variables: str
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A server that answers, with its port; it ends with the block."""
    port = free_port()
    process = start(port, place, *options, prepared_by=prepared_by, **variables)
    try:
        wait_until_it_answers(port)
        yield port, process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def register(port: int, subject: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    connection.request("POST", f"/subjects/{subject}/versions", json.dumps({"schema": S1}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def workers_of(parent: int) -> list[int]:
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


def received(connection: socket.socket, until: bytes) -> bytes:
    connection.settimeout(START_SECONDS)
    received = b""
    while not received.endswith(until):
        data = connection.recv(65_536)
        if not data:
            break
        received += data
    return received
