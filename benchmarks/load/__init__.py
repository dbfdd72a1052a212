"""The load: a process of its own that sends prebuilt requests and times their answers."""

from benchmarks.load.jobs import Job, LoadError, Outcome
from benchmarks.load.process import Load

__all__ = ["Job", "Load", "LoadError", "Outcome"]
