"""Servers under measurement: started on a core of their own, and their processor time read from the kernel."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

HOST = "127.0.0.1"
_BASELINE = (
    *("-m", "uvicorn", "benchmarks.baseline:app"),
    *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
)
_START_SECONDS = 60.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class ServerError(Exception):
    """A server did not start; the message holds the end of what it wrote."""


class Server:
    """A running server.

    Attributes:
        port: where it listens on the loopback interface.
        seconds_to_first_answer: from the start of its process.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, seconds_to_first_answer: float) -> None:
        self.port = port
        self.seconds_to_first_answer = seconds_to_first_answer
        self._group = process.pid

    def processor_seconds(self) -> float:
        """Processor time of the server so far, user and system, of all its processes."""
        return sum(_ticks_of(pid) for pid in _pids_of_group(self._group)) / _TICKS_PER_SECOND

    def resident_bytes(self) -> int:
        """Memory that the server's processes hold at the moment."""
        pages = sum(int(_read(pid, "statm").split()[1]) for pid in _pids_of_group(self._group))
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(arguments: Sequence[str], core: int, ready: str, log: Path) -> Iterator[Server]:
    """A server on a free port for as long as the block lasts.

    Args:
        arguments: how this interpreter starts it; `--host` and `--port` are added.
        core: the core it is pinned to.
        ready: the path that answers 200 when the server is up.
        log: where its output goes.

    Raises:
        ServerError: it did not start.
    """
    port = _free_port()
    command = [sys.executable, *arguments, "--host", HOST, "--port", str(port)]
    began = time.perf_counter()
    process = _start(command, core, log)
    try:
        while not answers(port, ready):
            if process.poll() is not None or time.perf_counter() - began > _START_SECONDS:
                raise ServerError(f"The server did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.005)
        yield Server(process, port, time.perf_counter() - began)
    finally:
        _stop(process)


def registry(store: str, core: int, log: Path, ready: str = "/subjects?limit=1") -> AbstractContextManager[Server]:
    """The registry on a store, one worker; arguments as for `running`."""
    arguments = ("-m", "llm_schema_registry.cli", "serve", "--store", store, "--workers", "1")
    return running(arguments, core, ready, log)


def baseline(core: int, log: Path) -> AbstractContextManager[Server]:
    """The plain framework endpoint."""
    return running(_BASELINE, core, "/", log)


def answers(port: int, path: str) -> bool:
    """Whether a server on the loopback interface answers a GET with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(request)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _start(command: Sequence[str], core: int, log: Path) -> subprocess.Popen[bytes]:
    # A process inherits the cores of the one that starts it.
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        with log.open("wb") as output:
            return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    finally:
        os.sched_setaffinity(0, before)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _pids_of_group(group: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            pid = int(entry.name)
            try:
                if os.getpgid(pid) == group:
                    found.append(pid)
            except ProcessLookupError:
                continue
    return found


def _ticks_of(pid: int) -> int:
    # The name of the program stands in parentheses and may hold spaces; user and system time are the 12th and
    # 13th field behind it.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()
