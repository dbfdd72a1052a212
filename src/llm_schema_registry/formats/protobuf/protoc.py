"""protoc, the truth about the validity of a schema, in a sandbox: hostile input aborts the process it runs in."""

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.formats.protobuf.well_known import bundled_roots
from llm_schema_registry.sandbox import (
    DeadlineExceededError,
    Limits,
    ProcessDiedError,
    Sandbox,
    SandboxUnavailableError,
)
from llm_schema_registry.sandbox.protoc import ProtocRefusedError, prepare

TIMEOUT_SECONDS = 10.0
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 -- only the parent of a private folder

__all__ = ["PROTOC", "Protoc", "ProtocCrashedError", "ProtocRefusedError", "ProtocUnavailableError"]


class ProtocCrashedError(Exception):
    """The process died over this schema."""


class ProtocUnavailableError(SandboxUnavailableError):
    """The process does not start: no resources are left, or grpcio-tools does not work."""


class Protoc:
    """A protoc process: started on first use, restarted after a crash, shared by all threads of this process.

    Attributes:
        seconds: the deadline of a compilation.
    """

    def __init__(self, timeout: float = TIMEOUT_SECONDS) -> None:
        self.seconds = timeout
        self._lock = threading.Lock()
        self._sandbox: Sandbox | None = None
        self._folder = ""
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def compile(self, main: str, files: Mapping[str, str]) -> bytes:
        """Compiles the file `main` of `files` (import path to text).

        Returns:
            A serialised FileDescriptorSet: `main` last, everything it imports before it.

        Raises:
            ProtocRefusedError: the schema is not valid.
            ProtocCrashedError: protoc died over it.
            BudgetExceededError: it took too long.
            ProtocUnavailableError: the process does not start.
        """
        try:
            descriptors: bytes = self._started().run((main, dict(files)), self.seconds)
        except DeadlineExceededError:
            raise BudgetExceededError("The Protobuf compilation") from None
        except ProcessDiedError:
            raise ProtocCrashedError from None
        except (ImportError, OSError, SandboxUnavailableError) as error:
            raise ProtocUnavailableError(
                f"protoc does not start: {error}. Check that grpcio-tools is installed, and raise the limits of memory "
                "and open files."
            ) from None
        return descriptors

    def close(self) -> None:
        """Ends the process; the next use starts another one."""
        with self._lock:
            sandbox, self._sandbox = self._sandbox, None
            if sandbox is not None:
                sandbox.close()
                shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self) -> Sandbox:
        with self._lock:
            if self._sandbox is None:
                parent = _MEMORY_FOLDER if os.access(_MEMORY_FOLDER, os.W_OK) else None
                self._folder = tempfile.mkdtemp(prefix="protoc-", dir=parent)
                self._sandbox = Sandbox(prepare, self._folder, bundled_roots(), limits=Limits())
            return self._sandbox

    def _forget(self) -> None:
        """In a forked child: the folder and the lock belong to the parent."""
        self._lock = threading.Lock()
        self._sandbox = None


PROTOC = Protoc()
