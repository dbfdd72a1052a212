"""The blocking face of a sandbox, for threads and command lines."""

import atexit
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from llm_schema_registry.sandbox.limits import Limits
from llm_schema_registry.sandbox.process import Place, Zygote


class Sandbox:
    """Pool of bounded processes. Starts them on first use, replaces those that die. Safe to share between threads,
    and to inherit by a fork.

    Args:
        program: an importable function that prepares jobs; see `zygote.Program`.
        arguments: of the program, picklable.
        limits: of each job.
        processes: how many jobs run at once; further callers wait.
    """

    def __init__(
        self, program: Callable[..., Any], *arguments: Any, limits: Limits | None = None, processes: int = 1
    ) -> None:
        self.limits = limits or Limits()
        self._zygote = Zygote(program, arguments, self.limits.memory)
        self._places = [Place(self._zygote, self.limits, _ignore) for _ in range(processes)]
        self._fill()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def run(self, job: object, seconds: float | None = None) -> Any:
        """Runs a job, as `Place.ask` does, once a process is free."""
        place = self._free.get()
        try:
            return place.ask(job, seconds)
        finally:
            self._free.put(place)

    def close(self) -> None:
        """Ends all processes; the next use starts others. No job may be running."""
        with self._closing:
            for place in self._places:
                place.stop()
            self._zygote.close()

    def _fill(self) -> None:
        self._closing = threading.Lock()
        self._free: queue.LifoQueue[Place] = queue.LifoQueue()
        for place in self._places:
            self._free.put(place)

    def _forget(self) -> None:
        """In a forked child: processes and locks belong to the parent."""
        for place in self._places:
            place.forget()
        self._zygote.forget()
        self._fill()


def _ignore(event: str) -> None:
    """Takes events that nobody counts."""
