"""Several worker processes on one socket: started together, replaced when they die, stopped together."""

import itertools
import multiprocessing
import os
import signal
import socket
import threading
import time
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess, parent_process
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from prometheus_client.multiprocess import mark_process_dead

from llm_schema_registry.server.logs import configure_logs
from llm_schema_registry.server.metrics import SHARED_BY_WORKERS
from llm_schema_registry.server.process import serve
from llm_schema_registry.server.serving import SharedSignal
from llm_schema_registry.server.settings import Settings

_STOP_SECONDS = 4.5
_STARTUP_FAILURE = 3
_RESTART_PAUSE = 0.5
_log = structlog.get_logger()
_movers = itertools.count(1)


def supervise(settings: Settings, listening: socket.socket, url: str) -> None:
    """Runs `settings.workers` processes until SIGTERM or SIGINT; a worker that dies is replaced.

    Raises:
        SystemExit: a worker could not start, so that none would.
    """
    stop_reader, stop_writer = socket.socketpair()
    with stop_reader, stop_writer, TemporaryDirectory(prefix="lsr-metrics-") as metrics:
        os.environ[SHARED_BY_WORKERS] = metrics

        def stop(number: int, frame: Any) -> None:
            stop_writer.send(b"\0")

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        commits = SharedSignal()
        workers = [_start(settings, listening, url, commits) for _ in range(settings.workers)]
        failed = False
        while not failed and stop_reader not in (ready := wait([stop_reader, *(each.sentinel for each in workers)])):
            for index, worker in enumerate(workers):
                if worker.sentinel not in ready:
                    continue
                worker.join()
                failed = worker.exitcode == _STARTUP_FAILURE
                if failed:
                    break
                _log.error("worker died", pid=worker.pid, exit_code=worker.exitcode)
                mark_process_dead(worker.pid, metrics)  # type: ignore[no-untyped-call]
                time.sleep(_RESTART_PAUSE)
                workers[index] = _start(settings, listening, url, commits)
        _stop(workers)
    if failed:
        raise SystemExit(_STARTUP_FAILURE)


def _start(settings: Settings, listening: socket.socket, url: str, commits: SharedSignal) -> BaseProcess:
    worker = multiprocessing.get_context("spawn").Process(
        target=_work, args=(settings, listening, url, commits.of(next(_movers)))
    )
    worker.start()
    return worker


def _stop(workers: list[BaseProcess]) -> None:
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + _STOP_SECONDS
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        if worker.is_alive():
            worker.kill()


def _work(settings: Settings, listening: socket.socket, url: str, commits: SharedSignal) -> None:
    """The life of one worker; ends with its parent, however that ends."""
    configure_logs(settings.log_level)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(settings, listening, url, commits)


def _end_with_parent() -> None:
    """Asks this process to end once its parent has, for as long as it takes."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        while True:
            # Before it serves, a worker does not heed the signal.
            signal.raise_signal(signal.SIGTERM)
            time.sleep(_RESTART_PAUSE)
