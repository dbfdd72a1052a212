"""Runs tests on mutants, each in a forked process of its own.

A change inside a function is made in the function object: the tests are collected once, and every fork puts in other
code and runs them. Any other change needs the module to be imported anew, so it has to be forked before anything is.
"""

import contextlib
import functools
import importlib
import importlib.abc
import importlib.util
import json
import os
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

from mutation.mutants import Mutant, mutated

SOURCE = Path(__file__).parents[2] / "src" / "llm_schema_registry"
_CPU_SECONDS = 30
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


def survivors(jobs: Iterable[Job], tests: tuple[str, ...], processes: int) -> Iterator[Job] | None:
    """The mutants that the tests do not notice; `None` if the tests fail without any change."""
    jobs = list(jobs)
    if _waited(_forked(lambda: _passes(tests))) != 0:
        return None
    imported = [job for job in jobs if not job[1].function]
    found = _all(imported, lambda job: _passes(tests, _Mutated(*job)), processes)
    return iter([*found, *_in_collected(tests, [job for job in jobs if job[1].function], processes)])


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


def _in_collected(tests: tuple[str, ...], jobs: list[Job], processes: int) -> list[Job]:
    """The survivors among changes inside functions; a process collects the tests and forks for each."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        runner = _Runner(jobs, processes)
        _passes(tests, plugins=(runner,))
        with os.fdopen(writing, "w") as result:
            json.dump([jobs.index(job) for job in runner.found], result)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as result:
        numbers = json.load(result)
    os.wait()
    return [jobs[number] for number in numbers]


class _Runner:
    """A plug-in that runs the collected tests on every mutant, instead of once."""

    def __init__(self, jobs: list[Job], processes: int) -> None:
        self.jobs = jobs
        self.processes = processes
        self.found: list[Job] = []
        self.failed = False

    def pytest_runtestloop(self, session):
        self.found = _all(self.jobs, lambda job: self.unnoticed(session, *job), self.processes)
        return True

    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or report.failed

    def unnoticed(self, session, path: Path, mutant: Mutant) -> bool:
        function = _function(importlib.import_module(_module_name(path)), mutant.function)
        code = _code_named(_compiled(path, mutant.number), mutant.function)
        if function is None or code is None:
            raise LookupError(mutant.function)
        function.__code__ = code
        for item in session.items:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self.failed:
                return False
        return True


def _module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _compiled(path: Path, number: int) -> CodeType:
    return compile(mutated(path.read_text(encoding="utf-8"), number), str(path), "exec")


def _function(module: ModuleType, name: str) -> FunctionType | None:
    found = module
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
