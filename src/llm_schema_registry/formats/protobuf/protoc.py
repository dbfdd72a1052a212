"""protoc, the truth about the validity of a schema, in a process of its own that may die without harm."""

import atexit
import json
import os
import selectors
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from llm_schema_registry.budget import BudgetExceededError
from llm_schema_registry.formats.protobuf.bundled import bundled_roots

TIMEOUT_SECONDS = 10.0
_START_SECONDS = 30.0
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 -- only the parent of a private folder


class ProtocRefusedError(Exception):
    """protoc calls the schema invalid; the text is what it printed."""


class ProtocCrashedError(Exception):
    """The process died over this schema."""


class ProtocUnavailableError(RuntimeError):
    """The process does not start: an installation without a working grpcio-tools."""


class Protoc:
    """A protoc process: started on first use, restarted after a crash, shared by all threads of this process."""

    def __init__(self, timeout: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
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
        request = json.dumps({"main": main, "files": dict(files)}).encode()
        with self._lock:
            if self._worker is None or not self._worker.alive():
                self._stop()
                self._worker = _Worker()
            try:
                answer = self._worker.ask(request, self._timeout)
            except TimeoutError:
                self._stop()
                raise BudgetExceededError("The Protobuf compilation") from None
            except OSError:
                self._stop()
                raise ProtocCrashedError from None
            except BaseException:
                # An answer that nobody read would be taken for that of the next request.
                self._stop()
                raise
        if answer[:1] == b"+":
            return answer[1:]
        raise ProtocRefusedError(answer[1:].decode("utf-8", "replace"))

    def close(self) -> None:
        """Ends the process; the next use starts another one."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    def _forget(self) -> None:
        """In a forked child: the process and the lock belong to the parent."""
        self._lock = threading.Lock()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.abandon()


class _Worker:
    """One running process and its folder."""

    def __init__(self) -> None:
        parent = _MEMORY_FOLDER if os.access(_MEMORY_FOLDER, os.W_OK) else None
        self._folder = tempfile.mkdtemp(prefix="protoc-", dir=parent)
        script = Path(__file__).with_name("protoc_worker.py")
        self._process = subprocess.Popen(  # noqa: S603 -- our own script, no input in the arguments
            [sys.executable, "-P", str(script), self._folder, *bundled_roots()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output(), selectors.EVENT_READ)
        try:
            # An empty answer says that the bundled files are read and requests are welcome.
            self._read(4, time.monotonic() + _START_SECONDS)
        except (OSError, TimeoutError):
            self.stop()
            raise ProtocUnavailableError("protoc does not start; is grpcio-tools installed?") from None
        except BaseException:
            self.stop()
            raise

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ask(self, request: bytes, timeout: float) -> bytes:
        """Sends a request and waits for its answer.

        Raises:
            TimeoutError: no answer within `timeout` seconds.
            OSError: the process ended.
        """
        deadline = time.monotonic() + timeout
        self._write(struct.pack(">I", len(request)) + request)
        (size,) = struct.unpack(">I", self._read(4, deadline))
        return self._read(size, deadline)

    def _write(self, data: bytes) -> None:
        stdin = self._process.stdin
        if stdin is None:
            raise BrokenPipeError
        unsent = memoryview(data)
        while unsent:
            unsent = unsent[os.write(stdin.fileno(), unsent) :]

    def _read(self, size: int, deadline: float) -> bytes:
        descriptor = self._output().fileno()
        chunks = []
        while size:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            chunk = os.read(descriptor, size)
            if not chunk:
                raise BrokenPipeError
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    def _output(self) -> IO[bytes]:
        stdout = self._process.stdout
        if stdout is None:
            raise BrokenPipeError
        return stdout

    def stop(self) -> None:
        """Kills the process and removes what it left."""
        self._process.kill()
        self._process.wait()
        self._close_pipes()
        shutil.rmtree(self._folder, ignore_errors=True)

    def abandon(self) -> None:
        """Lets go of a process that is not a child of this process."""
        self._close_pipes()
        self._process.returncode = 0

    def _close_pipes(self) -> None:
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


PROTOC = Protoc()
