"""Compiled schemas: those of this process within a bound of bytes, and those of a sandbox."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from llm_schema_registry.budget import BudgetExceededError
from llm_schema_registry.findings import Finding
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

_Job = tuple[str, tuple[Dependency, ...], tuple[Any, ...]]


class JsonSandbox:
    """Compiles schemas, and checks payloads, where that can be stopped. Blocks its caller."""

    def __init__(self) -> None:
        self._sandbox = Sandbox(prepare)

    def compile(self, text: str, dependencies: tuple[Dependency, ...]) -> None:
        """Finds out whether a schema can be compiled.

        Raises:
            InvalidSchemaError: it breaks its metaschema.
            BudgetExceededError: the deadline or the memory limit was exceeded.
        """
        self._run("Compiling the schema", (text, dependencies, ()))

    def check(self, text: str, dependencies: tuple[Dependency, ...], value: Any) -> list[Finding]:
        """The findings of a payload; raises as `compile` does."""
        found: list[Finding] = self._run("Checking the payload", (text, dependencies, (value,)))
        return found

    def _run(self, what: str, job: _Job) -> Any:
        try:
            return self._sandbox.run(job)
        except (DeadlineExceededError, ProcessDiedError) as error:
            raise BudgetExceededError(what, str(error)) from None


def prepare() -> Callable[[], Callable[[_Job], list[Finding]]]:
    """The program of the sandbox: a job is a schema and no or one payload."""
    from llm_schema_registry.formats.jsonschema.json_schema_format import FORMAT

    def start() -> Callable[[_Job], list[Finding]]:
        recent: OrderedDict[tuple[str, tuple[Dependency, ...]], Any] = OrderedDict()

        def answer(job: _Job) -> list[Finding]:
            text, dependencies, values = job
            key = (text, dependencies)
            schema = recent.pop(key, None) or FORMAT.parse(text, dependencies, strict=False)
            recent[key] = schema
            if len(recent) > _RECENT:
                recent.popitem(last=False)
            validator = FORMAT.validator(schema)
            return [finding for value in values for finding in validator.check_value(value)]

        return answer

    return start


JSON_SANDBOX = JsonSandbox()
"""The sandbox of this process; it starts when it is first needed."""
