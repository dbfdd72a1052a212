"""Supervisor of the worker processes on one socket."""

import itertools
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess, parent_process
from typing import Any

import structlog
from prometheus_client.multiprocess import mark_process_dead

from llm_schema_registry.server.process.handshakes import HANDSHAKE_SECONDS, end_handshakes
from llm_schema_registry.server.process.heartbeat import Heartbeat
from llm_schema_registry.server.process.tty import Terminal
from llm_schema_registry.server.process.worker import serve
from llm_schema_registry.server.response_cache import SharedCommitSignal
from llm_schema_registry.server.settings import Settings
from llm_schema_registry.server.telemetry.counters import counter_directory
from llm_schema_registry.server.telemetry.logs import configure_logs
from llm_schema_registry.server.telemetry.metrics import SHARED_BY_WORKERS

# Longer than a worker takes to leave, which ends requests in progress after 3 seconds.
_STOP_SECONDS = 5.5
_STARTUP_FAILURE = 3
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_LOOK_SECONDS = 1.0
_SHORT_LOOK_SECONDS = 0.1
_LOOKS_WITHOUT_PULSE = 30
_ORPHAN_SECONDS = 0.5
_CANNOT_RELOAD = "nothing is reloaded: the store in memory would be lost with its process"
_log = structlog.get_logger()


def supervise(settings: Settings, listening: socket.socket, url: str) -> None:
    """Runs `settings.workers` processes until SIGTERM or SIGINT; a second one of these ends them at once.

    A worker that dies is replaced, after a pause that grows if it dies before it serves, again and again; one whose
    event loop has not turned for 30 seconds is killed. SIGHUP replaces all workers, one after the other, by processes
    that read the code again; each stops only when its successor answers.

    Raises:
        SystemExit: no worker could start.
    """
    # A single worker has counters of its own.
    with SignalQueue() as requests, counter_directory() if settings.workers > 1 else nullcontext() as metrics:
        if metrics is not None:
            os.environ[SHARED_BY_WORKERS] = metrics
        Supervisor(settings, listening, url, metrics).run(requests)


class SignalQueue:
    """The signals that this process gets, one after the other, as something that can be waited for."""

    def __enter__(self) -> "SignalQueue":
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._reader.close()
        self._writer.close()

    @property
    def ready(self) -> socket.socket:
        """What can be read when there is a signal."""
        return self._reader

    def taken(self) -> Iterator[int]:
        """The signals since the last call."""
        try:
            yield from self._reader.recv(4096)
        except BlockingIOError:
            return

    def _note(self, number: int, frame: Any) -> None:
        try:
            self._writer.send(bytes((number,)))
        except BlockingIOError:
            # Thousands of signals wait to be taken: one more says nothing new.
            return


class _Worker:
    """A process and what its supervisor knows of it.

    Attributes:
        process: of the operating system.
        heartbeat: shared with it.
    """

    def __init__(self, process: BaseProcess, heartbeat: Heartbeat) -> None:
        self.process = process
        self.heartbeat = heartbeat
        self._beats = 0
        self._looks_without_pulse = 0

    @property
    def serves(self) -> bool:
        """Whether it has answered requests."""
        return self.heartbeat.beats > 0

    @property
    def is_dead(self) -> bool:
        """Whether it has ended."""
        return not self.process.is_alive()

    def check_heartbeat(self) -> None:
        """Kills it when it has shown no heartbeat for many looks in a row.

        Looks are counted, not seconds: while a machine sleeps, or all of this is stopped, nobody looks.
        """
        beats = self.heartbeat.beats
        self._looks_without_pulse = self._looks_without_pulse + 1 if 0 < beats == self._beats else 0
        self._beats = beats
        if self._looks_without_pulse == _LOOKS_WITHOUT_PULSE:
            _log.error("worker shows no heartbeat: killing it", pid=self.process.pid)
            self.process.kill()


class WorkerSlot:
    """The place of one worker: who is in it, and when it is filled again."""

    def __init__(self, worker: _Worker) -> None:
        self.worker: _Worker | None = worker
        self._deaths = 0
        self._fill_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is empty, and it is time to fill it."""
        return self.worker is None and time.monotonic() >= self._fill_at

    def lose(self, worker: _Worker) -> float:
        """Empties it, and returns after how many seconds it is to be filled."""
        # One that has served did not die of what it starts with.
        self._deaths = 1 if worker.serves else self._deaths + 1
        pause = min(_FIRST_PAUSE_SECONDS * 2.0 ** (self._deaths - 1), _LONGEST_PAUSE_SECONDS)
        self.worker, self._fill_at = None, time.monotonic() + pause
        return pause


class Supervisor:
    """All workers of a node."""

    def __init__(self, settings: Settings, listening: socket.socket, url: str, metrics: str | None) -> None:
        self._settings = settings
        self._listening = listening
        self._url = url
        self._metrics = metrics
        self._commits = SharedCommitSignal()
        self._numbers = itertools.count(1)
        self._terminal = Terminal()
        self._has_served = False
        self._looked_at = 0.0
        # Places whose worker is to be replaced, the successor of the worker of the first one, and who was replaced.
        self._to_replace: list[WorkerSlot] = []
        self._successor: _Worker | None = None
        self._retired: list[_Worker] = []
        self._places = [WorkerSlot(self._start()) for _ in range(settings.workers)]

    def run(self, requests: SignalQueue) -> None:
        """Lives until it is asked to stop."""
        while True:
            seconds = _SHORT_LOOK_SECONDS if self._to_replace else _LOOK_SECONDS
            wait([requests.ready, *(worker.process.sentinel for worker in self._all())], seconds)
            for number in requests.taken():
                if number != signal.SIGHUP:
                    self._stop(number, requests)
                    return
                if self._terminal.was_closed:
                    self._stop(signal.SIGINT, requests)
                    return
                self._reload()
            self._has_served = self._has_served or any(worker.serves for worker in self._all())
            self._reap()
            self._go_on_reloading()
            for place in self._places:
                if place.is_due:
                    place.worker = self._start()
            self._check_heartbeats()

    def _all(self) -> list[_Worker]:
        successor = [] if self._successor is None else [self._successor]
        return [*(place.worker for place in self._places if place.worker is not None), *successor, *self._retired]

    def _start(self) -> _Worker:
        heartbeat = Heartbeat()
        process = multiprocessing.get_context("spawn").Process(
            target=_work,
            args=(self._settings, self._listening, self._url, self._commits.of(next(self._numbers)), heartbeat),
        )
        process.start()
        return _Worker(process, heartbeat)

    def _reap(self) -> None:
        """Takes note of workers that ended; places that became empty are filled later."""
        for place in self._places:
            if place.worker is not None and place.worker.is_dead:
                worker = place.worker
                code = self._forget(worker)
                if not self._has_served and code > 0:
                    self._stop_all(signal.SIGKILL)
                    raise SystemExit(_STARTUP_FAILURE)
                pause = place.lose(worker)
                _log.error("worker died", pid=worker.process.pid, reason=_reason(code, worker), restart_in=pause)
        for worker in [each for each in self._retired if each.is_dead]:
            self._retired.remove(worker)
            self._forget(worker)

    def _forget(self, worker: _Worker) -> int:
        """Lets go of a worker that ended, and returns its exit code."""
        worker.process.join()
        if self._metrics is not None:
            mark_process_dead(worker.process.pid, self._metrics)  # type: ignore[no-untyped-call]
        return worker.process.exitcode or 0

    def _reload(self) -> None:
        """Begins to replace all workers; starts over if a replacement was in progress."""
        if self._settings.store_in_memory:
            _log.warning(_CANNOT_RELOAD)
            return
        _log.info("reloading", workers=len(self._places))
        if self._successor is not None:
            self._successor.process.kill()
            self._retired.append(self._successor)
            self._successor = None
        # Those of the last time have had their time.
        for worker in self._retired:
            worker.process.terminate()
        self._to_replace = list(self._places)

    def _go_on_reloading(self) -> None:
        if not self._to_replace:
            return
        successor, place = self._successor, self._to_replace[0]
        if successor is None:
            self._successor = self._start()
        elif successor.is_dead:
            code = self._forget(successor)
            _log.error(
                "reload aborted: keeping the current workers",
                pid=successor.process.pid,
                reason=_reason(code, successor),
            )
            self._successor, self._to_replace = None, []
        elif successor.serves:
            if place.worker is not None:
                place.worker.heartbeat.retire()
                self._retired.append(place.worker)
            place.worker, self._successor = successor, None
            self._to_replace.pop(0)
            if not self._to_replace:
                _log.info("reloaded")

    def _check_heartbeats(self) -> None:
        if time.monotonic() - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = time.monotonic()
            for worker in self._all():
                worker.check_heartbeat()

    def _stop(self, number: int, requests: SignalQueue) -> None:
        """Stops all workers by a signal, and kills them when they take too long, or at the next signal."""
        self._stop_all(number)
        drain = self._settings.drain_seconds if number == signal.SIGTERM else 0
        if self._goes_on(drain - HANDSHAKE_SECONDS, requests):
            # Workers still accept for this long. The filter holds for their copies of the socket as well; this copy
            # has to be closed before theirs, since nothing accepts on it.
            end_handshakes(self._listening)
            self._listening.close()
            self._goes_on(HANDSHAKE_SECONDS + _STOP_SECONDS, requests)
        self._stop_all(signal.SIGKILL)

    def _goes_on(self, seconds: float, requests: SignalQueue) -> bool:
        """Waits so many seconds; returns False, and early, once all workers have ended or another signal arrives."""
        until = time.monotonic() + seconds
        while alive := [each.process.sentinel for each in self._all() if not each.is_dead]:
            if (left := until - time.monotonic()) <= 0:
                return True
            wait([requests.ready, *alive], left)
            if any(again != signal.SIGHUP for again in requests.taken()):
                break
        return False

    def _stop_all(self, number: int) -> None:
        for worker in self._all():
            if worker.process.pid is not None and not worker.is_dead:
                os.kill(worker.process.pid, number)
        if number == signal.SIGKILL:
            for worker in self._all():
                worker.process.join()


def _reason(code: int, worker: _Worker) -> str:
    """Why a worker ended, for people."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    if not worker.serves:
        return "it could not start: see what it logged"
    return f"it ended by itself with exit code {code}"


def _work(
    settings: Settings, listening: socket.socket, url: str, commits: SharedCommitSignal, heartbeat: Heartbeat
) -> None:
    """The life of one worker; ends with its parent, however that ends."""
    configure_logs(settings.log_level)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(settings, listening, url, commits, heartbeat)


def _end_with_parent() -> None:
    """Asks this process to end once its parent has: at once, since what takes the parent's place needs the port."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        while True:
            signal.raise_signal(signal.SIGINT)
            time.sleep(_ORPHAN_SECONDS)
