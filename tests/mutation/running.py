"""Runs tests on mutants, each in a forked process of its own.

A change inside a function is made in the function object: the tests are collected once, and every fork puts in other
code and runs them, those first that run the changed line, and of these the quickest. Any other change, and one of a
function that runs only while modules are imported, needs the module to be imported anew, so it has to be forked before
anything is.
"""

import contextlib
import functools
import importlib
import importlib.abc
import importlib.util
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from mutation.mutants import Mutant, mutated

SOURCE = Path(__file__).parents[2] / "src" / "llm_schema_registry"
_CPU_SECONDS = 30
# How much longer than traced, which takes longer already, a test may run before its mutant counts as noticed.
_PATIENCE_SECONDS = 3
# What takes longer than the tests: plug-ins that they do not need, and explanations of failures that nobody reads.
_WITHOUT = ("cacheprovider", "xdist", "hypothesispytest", "faulthandler")
_OPTIONS = (
    "-x",
    "-q",
    "--assert=plain",
    "--tb=native",
    *(option for name in _WITHOUT for option in ("-p", f"no:{name}")),
)

Job = tuple[Path, Mutant]


def survivors(jobs: Iterable[Job], tests: tuple[str, ...], processes: int) -> list[Job] | None:
    """The mutants that the tests do not notice; `None` if the tests fail without any change."""
    jobs = list(jobs)
    if _waited(_forked(lambda: _passes(tests))) != 0:
        return None
    found, uncalled = _in_collected(tests, [job for job in jobs if job[1].function], processes)
    imported = [*uncalled, *(job for job in jobs if not job[1].function)]
    return found + _all(imported, lambda job: _passes(tests, _Mutated(*job)), processes)


def _all(jobs: list[Job], passes: Callable[[Job], bool], processes: int) -> list[Job]:
    """The jobs whose forked process passes."""
    running: dict[int, Job] = {}
    found = []
    for job in [*jobs, None]:
        while running and (job is None or len(running) >= processes):
            pid, status = os.wait()
            finished = running.pop(pid)
            if status == 0:
                found.append(finished)
        if job is not None:
            running[_forked(functools.partial(passes, job))] = job
    return found


def _forked(passes: Callable[[], bool]) -> int:
    """A process that ends with 0 if `passes` says so within its time."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
            code = 0 if passes() else 1
        finally:
            os._exit(code)
    return pid


def _waited(pid: int) -> int:
    return os.waitpid(pid, 0)[1]


def _passes(tests: tuple[str, ...], changed: "_Mutated | None" = None, plugins: tuple[object, ...] = ()) -> bool:
    if changed is not None:
        sys.meta_path.insert(0, changed)
    with open(os.devnull, "w") as silence, contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        return pytest.main([*_OPTIONS, *tests], plugins=list(plugins)) == 0


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with a change."""

    def __init__(self, path: Path, mutant: Mutant) -> None:
        self.name = _module_name(path)
        self.path = path
        self.number = mutant.number

    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def exec_module(self, module):
        exec(_compiled(self.path, self.number), module.__dict__)  # noqa: S102


def _in_collected(tests: tuple[str, ...], jobs: list[Job], processes: int) -> tuple[list[Job], list[Job]]:
    """The survivors among changes inside functions, and the changes of functions that no test calls."""

    def collected() -> tuple[list[int], list[int]]:
        runner = _Runner(jobs, processes)
        _passes(tests, plugins=(runner,))
        return [jobs.index(job) for job in runner.found], [jobs.index(job) for job in runner.uncalled]

    found, uncalled = _told(collected)
    return [jobs[number] for number in found], [jobs[number] for number in uncalled]


def _told(work: Callable[[], object]) -> Any:
    """The result of work that is done in a process of its own, as JSON has it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as result:
            json.dump(work(), result)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as result:
        told = json.load(result)
    _waited(pid)
    return told


class _Trace:
    """What of some modules runs while one test does.

    Attributes:
        lines: module and number of each line.
        functions: module and name of each function.
    """

    def __init__(self, modules: set[str]) -> None:
        self._modules = modules
        self.lines: set[tuple[str, int]] = set()
        self.functions: set[tuple[str, str]] = set()

    def called(self, frame, event, argument):
        module = frame.f_globals.get("__name__")
        if module not in self._modules:
            return None
        self.functions.add((module, frame.f_code.co_qualname))
        return self.line

    def line(self, frame, event, argument):
        self.lines.add((frame.f_globals["__name__"], frame.f_lineno))
        return self.line


class _Runner:
    """A plug-in that runs the collected tests on every mutant, instead of once."""

    def __init__(self, jobs: list[Job], processes: int) -> None:
        self.jobs = jobs
        self.processes = processes
        self.found: list[Job] = []
        self.uncalled: list[Job] = []
        self.failed = False
        # By test: the seconds it takes when traced, and the lines it runs.
        self.seconds: list[float] = []
        self.lines: list[set[tuple[str, int]]] = []

    def pytest_runtestloop(self, session):
        called = set()
        for seconds, lines, functions in _told(lambda: [self.traced(item) for item in session.items]):
            self.seconds.append(seconds)
            self.lines.append({(module, line) for module, line in lines})
            called.update((module, function) for module, function in functions)
        self.uncalled = [(path, mutant) for path, mutant in self.jobs if not _is_in(called, path, mutant)]
        others = [job for job in self.jobs if job not in self.uncalled]
        self.found = _all(others, lambda job: self.unnoticed(session, *job), self.processes)
        return True

    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or report.failed

    def traced(self, item):
        """Seconds, lines and functions of one test, each as a list."""
        trace = _Trace({_module_name(path) for path, _ in self.jobs})
        start = time.process_time()
        sys.settrace(trace.called)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        sys.settrace(None)
        return time.process_time() - start, list(trace.lines), list(trace.functions)

    def unnoticed(self, session, path: Path, mutant: Mutant) -> bool:
        code = _code_named(_compiled(path, mutant.number), mutant.function)
        _function(path, mutant.function).__code__ = code
        line = _module_name(path), mutant.line
        for number in sorted(range(len(self.lines)), key=lambda one: (line not in self.lines[one], self.seconds[one])):
            end = math.ceil(time.process_time() + self.seconds[number]) + _PATIENCE_SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (min(end, _CPU_SECONDS), _CPU_SECONDS))
            item = session.items[number]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self.failed:
                return False
        return True


def _module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _compiled(path: Path, number: int) -> CodeType:
    return compile(mutated(path.read_text(encoding="utf-8"), number), str(path), "exec")


def _is_in(called: set[tuple[str, str]], path: Path, mutant: Mutant) -> bool:
    """Whether the function that a mutant changes was called, and can be changed."""
    return (_module_name(path), mutant.function) in called and _function(path, mutant.function) is not None


def _function(path: Path, name: str) -> FunctionType | None:
    found = importlib.import_module(_module_name(path))
    for part in name.split("."):
        found = vars(found).get(part)
    found = getattr(found, "fget", None) or getattr(found, "__func__", found)
    found = getattr(found, "__wrapped__", found)
    return found if isinstance(found, FunctionType) else None


def _code_named(code: CodeType, name: str) -> CodeType | None:
    """The code of a function inside the code of its module."""
    if code.co_qualname == name:
        return code
    inner = (_code_named(each, name) for each in code.co_consts if isinstance(each, CodeType))
    return next((each for each in inner if each is not None), None)
