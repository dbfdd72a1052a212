"""The blocking sandbox: whatever a job does, its caller gets an answer or an error, and the next job is done."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from llm_schema_registry.sandbox import (
    DeadlineExceededError,
    Limits,
    ProcessDiedError,
    Sandbox,
    SandboxUnavailableError,
    is_sandboxed,
)
from llm_schema_registry.sandbox.limits import MEBIBYTE
from unit.sandbox import programs

pytestmark = pytest.mark.services


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    found = Sandbox(programs.calls, limits=Limits(seconds=20.0, memory=256 * MEBIBYTE))
    yield found
    found.close()


def test_jobs_are_answered_by_one_process(sandbox: Sandbox) -> None:
    assert sandbox.run((programs.double, 21)) == 42
    assert sandbox.run((programs.pid,)) == sandbox.run((programs.pid,)) != os.getpid()
    assert sandbox.run((is_sandboxed,)) is True
    assert is_sandboxed() is False


def test_an_exception_is_an_answer(sandbox: Sandbox) -> None:
    pid = sandbox.run((programs.pid,))
    with pytest.raises(ValueError, match="not so"):
        sandbox.run((programs.refuse, "not so"))
    with pytest.raises(RecursionError):
        sandbox.run((programs.recursion,))
    assert sandbox.run((programs.pid,)) == pid


def test_large_jobs_and_answers_pass(sandbox: Sandbox) -> None:
    data = os.urandom(8 * MEBIBYTE)
    assert sandbox.run((bytes, data)) == data


def test_a_job_ends_at_its_deadline(sandbox: Sandbox) -> None:
    pid = sandbox.run((programs.pid,))
    with pytest.raises(DeadlineExceededError, match=r"more than 0\.2 seconds"):
        sandbox.run((programs.sleep, 60), 0.2)
    assert sandbox.run((programs.pid,)) != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_large_job_for_a_process_that_does_not_read_ends_at_its_deadline(sandbox: Sandbox) -> None:
    os.kill(sandbox.run((programs.pid,)), signal.SIGSTOP)
    with pytest.raises(DeadlineExceededError):
        sandbox.run((bytes, bytes(16 * MEBIBYTE)), 0.2)
    assert sandbox.run((programs.double, 1)) == 2


def test_memory_is_limited(sandbox: Sandbox) -> None:
    assert sandbox.run((programs.take_memory, 64 * MEBIBYTE)) == 64 * MEBIBYTE
    with pytest.raises(ProcessDiedError, match="more memory"):
        sandbox.run((programs.take_memory, 512 * MEBIBYTE))
    assert sandbox.run((programs.double, 1)) == 2


def test_a_smaller_inherited_limit_stays_in_force(tmp_path: object) -> None:
    script = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({192 * MEBIBYTE},) * 2)\n"
        "from llm_schema_registry.sandbox import Limits, Sandbox\n"
        "from unit.sandbox import programs\n"
        "sandbox = Sandbox(programs.calls, limits=Limits(memory=2 * 1024 ** 3))\n"
        "print(sandbox.run((programs.nested,)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.stdout.strip() == str(192 * MEBIBYTE)


@pytest.mark.parametrize("job", [(programs.die, 0), (programs.die, 3), (programs.abort,), (os.kill, 0, signal.SIGKILL)])
def test_a_process_that_dies_is_replaced(sandbox: Sandbox, job: tuple[object, ...]) -> None:
    if job[0] is os.kill:
        job = (os.kill, sandbox.run((programs.pid,)), signal.SIGKILL)
    with pytest.raises(ProcessDiedError):
        sandbox.run(job)
    assert sandbox.run((programs.double, 1)) == 2


def test_a_process_that_keeps_much_memory_is_replaced(sandbox: Sandbox) -> None:
    pid = sandbox.run((programs.keep_memory, MEBIBYTE))
    assert sandbox.run((programs.take_memory, 64 * MEBIBYTE)) == 64 * MEBIBYTE
    assert sandbox.run((programs.keep_memory, 144 * MEBIBYTE)) == pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert sandbox.run((programs.pid,)) != pid


def test_a_process_that_died_between_jobs_is_replaced_unnoticed(sandbox: Sandbox) -> None:
    os.kill(sandbox.run((programs.pid,)), signal.SIGKILL)
    time.sleep(0.1)
    assert sandbox.run((programs.double, 1)) == 2


def test_a_killed_zygote_is_replaced(sandbox: Sandbox) -> None:
    sandbox.run((programs.double, 1))
    zygote = sandbox._zygote._process
    assert zygote is not None
    zygote.kill()
    zygote.wait()
    with pytest.raises(DeadlineExceededError):
        sandbox.run((programs.sleep, 60), 0.2)
    assert sandbox.run((programs.double, 1)) == 2


def test_a_program_that_fails_is_told_each_time() -> None:
    for program, text in ((programs.broken, "program"), (programs.broken_start, "process")):
        sandbox = Sandbox(program)
        for _ in range(2):
            with pytest.raises(LookupError, match=text):
                sandbox.run(())
        sandbox.close()


def test_without_descriptors_no_process_starts_until_there_are_some(sandbox: Sandbox) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        with pytest.raises(SandboxUnavailableError, match="Too many open files"):
            sandbox.run((programs.double, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sandbox.run((programs.double, 1)) == 2


def test_threads_share_the_processes() -> None:
    sandbox = Sandbox(programs.calls, processes=2)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(sandbox.run((programs.double, n)))) for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [2 * n for n in range(20)]
    sandbox.close()


def test_a_forked_child_starts_its_own_processes(sandbox: Sandbox) -> None:
    pid = sandbox.run((programs.pid,))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if sandbox.run((programs.pid,)) != pid else 1
            sandbox.close()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert sandbox.run((programs.pid,)) == pid


def test_processes_end_with_their_owner() -> None:
    script = (
        "import os, signal\n"
        "from llm_schema_registry.sandbox import Sandbox\n"
        "from unit.sandbox import programs\n"
        "sandbox = Sandbox(programs.calls)\n"
        "print(sandbox.run((programs.pid,)), sandbox._zygote._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == -signal.SIGKILL
    until = time.monotonic() + 10
    for pid in map(int, done.stdout.split()):
        while _runs(pid):
            assert time.monotonic() < until
            time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
