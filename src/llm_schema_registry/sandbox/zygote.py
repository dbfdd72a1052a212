"""The parent of the processes of one sandbox: loads the program once, then forks a process for each request.

A fork takes a few milliseconds, a fresh interpreter with the libraries of a program several hundred. This process
runs no job itself, so it always answers. It ends with the process that started it, and its children with it.

The argument is the descriptor of a socket. Its first message is `(program, arguments)`, answered with `None` or the
exception that the program raised. Then come fixed-size commands: `FORK` with the descriptor of a job socket, and
`END` with a process id. Both are answered with the process id once the process is there, or gone.
"""

import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from llm_schema_registry.sandbox import process
from llm_schema_registry.sandbox.channel import Channel
from llm_schema_registry.sandbox.limits import limit_process, resident_bytes

Handler = Callable[[Any], Any]
"""Answers one job. An exception is an answer, too: the caller of the sandbox gets it."""

Start = Callable[[], Handler]
"""Run in each new process."""

Program = Callable[..., Start]
"""Run once, before any process is forked. Must start no thread."""

FORK, END = b"F", b"E"
COMMAND = struct.Struct(">cqQ")
"""What to do, a process id or 0, and the memory limit of a new process in bytes."""
RESULT = struct.Struct(">q")

# After its deadline the caller kills the process. The alarm ends it if the caller is gone.
_GRACE_SECONDS = 5.0
# An idle process keeps at most this part of its memory limit: one that has more is replaced. A smaller part would end
# processes after every job with a large schema, which they keep parsed for the next one.
_KEPT_SHARE = 2


def main(descriptor: int) -> None:
    """Serves until the other end of the socket is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    channel = Channel(socket.socket(fileno=descriptor))
    program, arguments = channel.receive()
    try:
        start = program(*arguments)
    except Exception as error:
        channel.send(error)
        return
    channel.send(None)
    children: set[int] = set()
    while True:
        command, descriptors, _, _ = socket.recv_fds(channel.socket, COMMAND.size, 1)
        if len(command) < COMMAND.size:
            break
        kind, pid, memory = COMMAND.unpack(command)
        if kind == FORK:
            pid = os.fork()
            if pid == 0:
                channel.close()
                _work(Channel(socket.socket(fileno=descriptors[0])), start, memory)
            children.add(pid)
            os.close(descriptors[0])
        else:
            children.discard(pid)
            _end(pid)
        channel.socket.sendall(RESULT.pack(pid))
    for pid in children:
        _end(pid)


def _end(pid: int) -> None:
    """Kills a child. Its id cannot belong to another process: only this function waits for children."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _work(channel: Channel, start: Start, memory: int) -> NoReturn:
    """The life of one process."""
    try:
        process.mark_sandboxed()
        limit_process(memory)
        _serve(channel, start, memory // _KEPT_SHARE)
    finally:
        # Whatever happened: nothing of the zygote's own may run here, not even at exit.
        os._exit(0)


def _serve(channel: Channel, start: Start, kept: int) -> None:
    """Answers jobs. An answer after which the process keeps more than `kept` bytes is its last one."""
    try:
        handler = start()
    except Exception as error:
        channel.send(error)
        return
    channel.send(None)
    most = resident_bytes() + kept
    while True:
        job, seconds = channel.receive()
        signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_SECONDS)
        try:
            succeeded, answer = True, handler(job)
        except MemoryError:
            raise
        except Exception as error:
            succeeded, answer = False, error
        is_last = resident_bytes() > most
        channel.send((succeeded, answer, is_last))
        if is_last:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        del job, answer


if __name__ == "__main__":
    main(int(sys.argv[1]))
