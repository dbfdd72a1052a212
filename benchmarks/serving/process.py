"""Processes under measurement: pinned to cores, and their processor time and memory read from the kernel."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


class ServerError(Exception):
    """A server did not start; the message holds the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """How a process is started.

    Attributes:
        command: its program and arguments.
        cores: the cores it may use.
        log: where its output goes.
        user: whom it runs as; `None` for whoever runs the benchmarks.
        stop: the signal that ends it.
    """

    command: Sequence[str]
    cores: Collection[int]
    log: Path
    user: str | None = None
    stop: signal.Signals = signal.SIGTERM


class Usage:
    """The processor time of a process and its descendants since this object was made, thread by thread.

    Args:
        pid: the process; `None` for one that cannot be looked into: its time is 0.
    """

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._before = self._now()

    def seconds(self) -> float:
        """Processor seconds so far, user and system. What threads used that have ended meanwhile is not in it."""
        before = self._before
        return sum(now - before.get(thread, 0) for thread, now in self._now().items()) / 1e9

    def _now(self) -> dict[int, int]:
        times: dict[int, int] = {}
        for pid in descendants(self._pid):
            with suppress(FileNotFoundError, ProcessLookupError):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    with suppress(FileNotFoundError, ProcessLookupError):
                        times[int(thread.name)] = _nanoseconds_of(thread)
        return times


class Running:
    """A process that runs, and what it uses.

    Attributes:
        pid: its id; `None` for one that cannot be looked into.
    """

    def __init__(self, pid: int | None) -> None:
        self.pid = pid

    def usage(self) -> Usage:
        """Begins to count its processor time."""
        return Usage(self.pid)

    def resident_bytes(self) -> int:
        """Memory that it and its descendants hold at the moment; what they share counts for each."""
        pages = 0
        for pid in descendants(self.pid):
            with suppress(FileNotFoundError, ProcessLookupError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


class Server(Running):
    """A server that runs.

    Attributes:
        address: host and port.
        seconds_to_first_answer: from the start of its process.
    """

    def __init__(self, address: tuple[str, int], pid: int | None, seconds_to_first_answer: float = 0.0) -> None:
        super().__init__(pid)
        self.address = address
        self.seconds_to_first_answer = seconds_to_first_answer


@contextmanager
def listening(pinned: Pinned, port: int, ready: str) -> Iterator[Server]:
    """A server on the loopback interface for as long as the block lasts.

    Args:
        pinned: how it is started.
        port: where it listens.
        ready: the path that answers 200 when it is up.

    Raises:
        ServerError: it did not start.
    """
    began = time.perf_counter()
    with started(pinned) as process:
        while not answers(port, ready):
            if process.poll() is not None or time.perf_counter() - began > _START_SECONDS:
                raise ServerError(f"The server did not start: {pinned.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.005)
        yield Server((HOST, port), process.pid, time.perf_counter() - began)


@contextmanager
def started(pinned: Pinned) -> Iterator["subprocess.Popen[bytes]"]:
    """A process for as long as the block lasts; its output goes to its log."""
    # A process inherits the cores of the one that starts it.
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, pinned.cores)
    try:
        with pinned.log.open("wb") as output:
            process = subprocess.Popen(
                pinned.command,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=pinned.user,
                extra_groups=[] if pinned.user else None,
            )
    finally:
        os.sched_setaffinity(0, before)
    try:
        yield process
    finally:
        _stop(process, pinned.stop)


def answers(port: int, path: str) -> bool:
    """Whether a server on the loopback interface answers a GET with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(request)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def free_port() -> int:
    """A port of the loopback interface that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def descendants(pid: int | None) -> list[int]:
    """A process and all below it."""
    found = [] if pid is None else [pid]
    for each in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                with suppress(FileNotFoundError, ProcessLookupError):
                    found.extend(map(int, (thread / "children").read_text().split()))
    return found


def _stop(process: "subprocess.Popen[bytes]", how: signal.Signals) -> None:
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_STOP_SECONDS)


def _nanoseconds_of(thread: Path) -> int:
    return int((thread / "schedstat").read_text().split()[0])
