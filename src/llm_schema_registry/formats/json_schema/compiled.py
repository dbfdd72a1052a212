"""Compiled schemas: those of this process within a bound of bytes, and those of a sandbox."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.containment import Containment
from llm_schema_registry.formats.format import Dependency
from llm_schema_registry.sandbox import DeadlineExceededError, ProcessDiedError, Sandbox

STEPS_OF_A_JOB = 100_000
"""What a job in the sandbox costs a budget: more than an event loop ever has."""

_MEBIBYTE = 1024 * 1024
_RECENT = 16


class CompiledSchemas:
    """The compiled forms that are kept, the least recently used ones given up beyond a number of bytes.

    Args:
        capacity: in bytes, as estimated.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._size = 0
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """The compiled form under a key, `None` if there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: Hashable, compiled: Any, size: int) -> None:
        """Keeps a compiled form of `size` bytes; one alone may exceed the capacity."""
        with self._lock:
            _, previous = self._entries.pop(key, (None, 0))
            self._entries[key] = (compiled, size)
            self._size += size - previous
            while self._size > self.capacity and len(self._entries) > 1:
                _, (_, freed) = self._entries.popitem(last=False)
                self._size -= freed


COMPILED = CompiledSchemas(64 * _MEBIBYTE)
"""Those of this process, whoever uses them."""

_Source = tuple[str, tuple[Dependency, ...]]
_CONTAINMENT_SECONDS = 5.0


class _Check(NamedTuple):
    """A job: compile a schema, and check a payload if there is one."""

    schema: _Source
    values: tuple[Any, ...]


class _Containment(NamedTuple):
    """A job: decide whether the reader accepts every payload of the writer."""

    reader: _Source
    writer: _Source


class JsonSandbox:
    """Compiles schemas, checks payloads and proves containment where that can be stopped. Blocks its caller.

    Attributes:
        seconds: the deadline of each job, where an event loop waits for it; `None`: that of the sandbox.
    """

    def __init__(self) -> None:
        self._sandbox = Sandbox(prepare)
        self.seconds: float | None = None

    def compile(self, text: str, dependencies: tuple[Dependency, ...]) -> None:
        """Finds out whether a schema can be compiled.

        Raises:
            InvalidSchemaError: it breaks its metaschema.
            BudgetExceededError: the deadline or the memory limit was exceeded.
        """
        self._run("Compiling the schema", _Check((text, dependencies), ()))

    def check(self, text: str, dependencies: tuple[Dependency, ...], value: Any) -> list[Finding]:
        """The findings of a payload; raises as `compile` does."""
        found: list[Finding] = self._run("Checking the payload", _Check((text, dependencies), (value,)))
        return found

    def contain(self, reader: _Source, writer: _Source) -> Containment:
        """Whether `reader` accepts every payload of `writer`; raises as `compile` does."""
        job = _Containment(reader, writer)
        found: Containment = self._run("The proof of containment", job, _CONTAINMENT_SECONDS)
        return found

    def _run(self, what: str, job: _Check | _Containment, seconds: float | None = None) -> Any:
        try:
            return self._sandbox.run(job, seconds if self.seconds is None else self.seconds)
        except (DeadlineExceededError, ProcessDiedError) as error:
            raise BudgetExceededError(what, str(error)) from None


def prepare() -> Callable[[], Callable[[_Check | _Containment], Any]]:
    """The program of the sandbox."""
    from llm_schema_registry.formats.json_schema.format import FORMAT

    def start() -> Callable[[_Check | _Containment], Any]:
        recent: OrderedDict[_Source, Any] = OrderedDict()

        def parsed(source: _Source) -> Any:
            schema = recent.pop(source, None) or FORMAT.parse(*source, strict=False)
            recent[source] = schema
            if len(recent) > _RECENT:
                recent.popitem(last=False)
            return schema

        def answer(job: _Check | _Containment) -> Any:
            if isinstance(job, _Containment):
                return FORMAT.containment(parsed(job.reader), parsed(job.writer))
            validator = FORMAT.validator(parsed(job.schema))
            return [finding for value in job.values for finding in validator.check_value(value)]

        return answer

    return start


JSON_SANDBOX = JsonSandbox()
"""The sandbox of this process; it starts when it is first needed."""
