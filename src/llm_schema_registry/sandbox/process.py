"""Processes of a sandbox, as their owner sees them."""

import contextlib
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from llm_schema_registry.sandbox.channel import Channel
from llm_schema_registry.sandbox.errors import DeadlineExceededError, ProcessDiedError, SandboxUnavailableError
from llm_schema_registry.sandbox.limits import Limits

_START_SECONDS = 30.0
_END_SECONDS = 5.0
_is_sandboxed = False


def is_sandboxed() -> bool:
    """Whether this process is one of a sandbox: its work is bounded from outside."""
    return _is_sandboxed


def mark_sandboxed() -> None:
    """Says so for this process."""
    global _is_sandboxed
    _is_sandboxed = True


class Zygote:
    """Handle of the process that forks the others; starts it on first use, and again when it is gone.

    Args:
        program: run once there; must be importable.
        arguments: of the program.
        memory: bytes that each forked process may take.
    """

    def __init__(self, program: Callable[..., Any], arguments: tuple[Any, ...], memory: int) -> None:
        self._program = program
        self._arguments = arguments
        self._memory = memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None

    def fork(self) -> "tuple[int, Channel]":
        """Starts a process; returns its id and the channel to it, once it is ready.

        Raises:
            SandboxUnavailableError: it cannot be started.
            Exception: raised by the program as it starts.
        """
        from llm_schema_registry.sandbox.zygote import FORK

        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise _unavailable(error) from None
        channel = Channel(ours)
        try:
            with theirs:
                pid = self._command(FORK, 0, theirs)
            failure = channel.receive(_START_SECONDS)
        except BaseException as error:
            channel.close()
            if isinstance(error, (EOFError, OSError)):
                raise _unavailable(error) from None
            raise
        if failure is not None:
            channel.close()
            self.end(pid)
            raise failure
        return pid, channel

    def end(self, pid: int) -> None:
        """Kills a process."""
        from llm_schema_registry.sandbox.zygote import END

        with self._lock:
            if self._channel is None:
                return
        # If the zygote is gone, so are its children.
        with contextlib.suppress(SandboxUnavailableError, EOFError):
            self._command(END, pid)

    def close(self) -> None:
        """Ends all processes."""
        with self._lock:
            self._close()

    def forget(self) -> None:
        """Lets go of processes that are not children of this one, after a fork."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        channel, self._channel = self._channel, None
        if process is not None:
            process.returncode = 0
        if channel is not None:
            channel.close()

    def _command(self, kind: bytes, pid: int, passed: socket.socket | None = None) -> int:
        from llm_schema_registry.sandbox.zygote import COMMAND, RESULT

        with self._lock:
            channel = self._channel or self._start()
            command = COMMAND.pack(kind, pid, self._memory)
            try:
                channel.socket.settimeout(_START_SECONDS)
                socket.send_fds(channel.socket, [command], [] if passed is None else [passed.fileno()])
                answer = channel.socket.recv(RESULT.size)
            except OSError:
                answer = b""
            if len(answer) < RESULT.size:
                self._close()
                raise EOFError
            result: int = RESULT.unpack(answer)[0]
            return result

    def _start(self) -> Channel:
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise _unavailable(error) from None
        channel = self._channel = Channel(ours)
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 -- our own module, no input in the arguments
                    [sys.executable, "-P", "-m", "llm_schema_registry.sandbox.zygote", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
            channel.send((self._program, self._arguments), _START_SECONDS)
            failure = channel.receive(_START_SECONDS)
        except (EOFError, OSError) as error:
            self._close()
            raise _unavailable(error) from None
        except BaseException:
            self._close()
            raise
        if failure is not None:
            self._close()
            raise failure
        return channel

    def _close(self) -> None:
        process, self._process = self._process, None
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
        if process is not None:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Cancellation:
    """A request to give up one job; made by the thread that no longer waits for it."""

    def __init__(self) -> None:
        self.is_requested = False


class Place:
    """The place of one process: started on first use, replaced after it was killed. One job at a time.

    Args:
        zygote: forks the process.
        limits: of each job.
        noted: called with each event: `start`, `deadline`, `death`, `cancel`, `recycle`.
    """

    def __init__(self, zygote: Zygote, limits: Limits, noted: Callable[[str], None]) -> None:
        self._zygote = zygote
        self._limits = limits
        self._noted = noted
        self._running: tuple[int, Channel] | None = None
        self._lock = threading.Lock()
        self._current: Cancellation | None = None

    def ask(self, job: object, seconds: float | None = None, cancellation: Cancellation | None = None) -> Any:
        """Runs a job and returns its answer.

        Args:
            job: picklable.
            seconds: the deadline if it is another one than that of the limits.
            cancellation: for `cancel`.

        Raises:
            DeadlineExceededError: no answer within the deadline.
            ProcessDiedError: the process ended over it, or the job was cancelled.
            SandboxUnavailableError: no process can be started.
            Exception: raised by the job.
        """
        seconds = self._limits.seconds if seconds is None else seconds
        data = pickle.dumps((job, seconds), pickle.HIGHEST_PROTOCOL)
        cancellation = cancellation or Cancellation()
        if self._running is None or _is_gone(self._running[1]):
            self.stop()
            self._running = self._zygote.fork()
            self._noted("start")
        with self._lock:
            self._current = cancellation
        _, channel = self._running
        until = time.monotonic() + seconds
        try:
            if cancellation.is_requested:
                raise EOFError
            channel.send_pickled(data, seconds)
            succeeded, answer, is_last = channel.receive(max(0.0, until - time.monotonic()))
        except TimeoutError:
            self._noted("deadline")
            self.stop()
            raise DeadlineExceededError(f"it took more than {seconds:g} seconds") from None
        except (EOFError, OSError):
            self._noted("cancel" if cancellation.is_requested else "death")
            self.stop()
            raise ProcessDiedError("it needs more memory than a worker process may take, or crashed it") from None
        except BaseException:
            # The answer would be taken for that of the next job.
            self.stop()
            raise
        finally:
            with self._lock:
                self._current = None
        if is_last:
            self._noted("recycle")
            self.stop()
        if succeeded:
            return answer
        raise answer

    def cancel(self, cancellation: Cancellation | None = None) -> None:
        """Gives up one job, or the one that runs: `ask` ends with `ProcessDiedError` if it has no answer yet."""
        with self._lock:
            cancellation = cancellation or self._current
            if cancellation is None:
                return
            cancellation.is_requested = True
            if self._current is cancellation and self._running is not None:
                with contextlib.suppress(OSError):
                    self._running[1].socket.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Kills the process, if there is one."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            pid, channel = running
            channel.close()
            self._zygote.end(pid)

    def forget(self) -> None:
        """Lets go of a process that is not a child of this one, after a fork."""
        self._lock = threading.Lock()
        running, self._running = self._running, None
        if running is not None:
            running[1].close()


def _is_gone(channel: Channel) -> bool:
    """Whether the process at the other end, from which nothing is expected, has ended."""
    channel.socket.setblocking(False)
    try:
        return channel.socket.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _unavailable(error: BaseException) -> SandboxUnavailableError:
    cause = error.strerror if isinstance(error, OSError) and error.strerror else "it ended as it started"
    return SandboxUnavailableError(f"a worker process cannot be started: {cause}")
