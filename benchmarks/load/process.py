"""The process that the load runs in, pinned to a core of its own."""

import multiprocessing
import os
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import uvloop

from benchmarks.load.jobs import Job, LoadError, Outcome
from benchmarks.load.runs import run_of


class Load:
    """The load process; a context manager.

    Args:
        core: the core it is pinned to.
    """

    def __init__(self, core: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve_jobs, args=(theirs, core), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.is_alive():
            self._ours.send(None)
            self._process.join(10)

    def run(self, job: Job) -> Outcome:
        """Runs one slice; raises `LoadError` when the load cannot talk to the server."""
        self._ours.send(job)
        answer: Outcome | str = self._ours.recv()
        if isinstance(answer, str):
            raise LoadError(answer)
        return answer


def _serve_jobs(pipe: Connection, core: int) -> None:
    os.sched_setaffinity(0, {core})
    while (job := pipe.recv()) is not None:
        try:
            pipe.send(uvloop.run(_run(job)))
        except (LoadError, OSError) as error:
            pipe.send(str(error))


async def _run(job: Job) -> Outcome:
    return await run_of(job).outcome()
