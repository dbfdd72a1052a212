"""The protoc process: it may crash, hang, be killed or be inherited, and the next schema is compiled."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.formats.protobuf.protoc import (
    Protoc,
    ProtocCrashedError,
    ProtocRefusedError,
    ProtocUnavailableError,
)

GOOD = 'syntax = "proto3"; message M { string a = 1; }'
CRASHING = (
    'syntax = "proto3"; import "google/protobuf/descriptor.proto"; '
    "extend google.protobuf.FileOptions { M m = 50001; } message M { M m = 1; } "
    "option (m) = " + "{m:" * 20_000 + "{}" + "}" * 20_000 + ";"
)


def pid_of(protoc):
    return protoc._sandbox._places[0]._running[0]


@pytest.fixture
def protoc():
    found = Protoc()
    yield found
    found.close()


def test_good_and_bad(protoc):
    assert b"default" in protoc.compile("default", {"default": GOOD})
    with pytest.raises(ProtocRefusedError, match="default:1:1: Expected top-level statement"):
        protoc.compile("default", {"default": "nope"})
    assert b"default" in protoc.compile("default", {"default": GOOD})


def test_files_of_one_request_are_unknown_to_the_next(protoc):
    importing = 'syntax = "proto3"; import "a/b.proto"; message M { B b = 1; }'
    protoc.compile("m", {"m": importing, "a/b.proto": 'syntax = "proto3"; message B {}'})
    with pytest.raises(ProtocRefusedError, match="was not found"):
        protoc.compile("m", {"m": importing})


def test_a_crash_is_an_error_and_the_next_schema_compiles(protoc):
    with pytest.raises(ProtocCrashedError):
        protoc.compile("x", {"x": CRASHING})
    assert protoc.compile("x", {"x": GOOD})


def test_a_killed_process_is_replaced(protoc):
    protoc.compile("x", {"x": GOOD})
    os.kill(pid_of(protoc), signal.SIGKILL)
    time.sleep(0.1)
    assert protoc.compile("x", {"x": GOOD})


def test_too_slow_is_given_up():
    protoc = Protoc(timeout=0.01)
    protoc.compile("x", {"x": GOOD})
    slow = 'syntax = "proto3"; message M { ' + "".join(f"reserved {2 * n + 1};" for n in range(20_000)) + "}"
    with pytest.raises(BudgetExceededError):
        protoc.compile("x", {"x": slow})
    assert protoc.compile("x", {"x": GOOD})
    protoc.close()


def test_threads_get_their_own_answers(protoc):
    wrong = []

    def compile_many(name):
        for number in range(10):
            message = f"Thread{name}Number{number}"
            if message.encode() not in protoc.compile("x", {"x": f'syntax = "proto3"; message {message} {{}}'}):
                wrong.append(message)

    threads = [threading.Thread(target=compile_many, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_forked_children_start_their_own(protoc):
    protoc.compile("x", {"x": GOOD})
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if protoc.compile("x", {"x": GOOD}) else 1
            protoc.close()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert protoc.compile("x", {"x": GOOD})


def test_an_installation_without_protoc_is_told(protoc, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ProtocUnavailableError, match="grpcio-tools"):
        protoc.compile("x", {"x": GOOD})
    monkeypatch.undo()
    assert protoc.compile("x", {"x": GOOD})


def test_nothing_is_left_behind(tmp_path):
    script = (
        "from llm_schema_registry.formats.protobuf.protoc import PROTOC\n"
        f"PROTOC.compile('x', {{'x': {GOOD!r}}})\n"
        "print(PROTOC._folder, PROTOC._sandbox._places[0]._running[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    folder, pid = done.stdout.split()
    assert done.stderr == ""
    assert not os.path.exists(folder)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_nothing_is_left_behind_by_a_killed_owner():
    script = (
        "import os, signal\n"
        "from llm_schema_registry.formats.protobuf.protoc import PROTOC\n"
        f"PROTOC.compile('x', {{'x': {GOOD!r}}})\n"
        "print(PROTOC._folder, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    until = time.monotonic() + 10
    while os.path.exists(done.stdout.strip()):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_nothing_is_started_before_it_is_needed():
    script = (
        "from llm_schema_registry.formats.protobuf import FORMAT\n"
        "from llm_schema_registry.formats.protobuf.protoc import PROTOC\n"
        f"one = FORMAT.parse({GOOD!r}, strict=False)\n"
        "assert FORMAT.compare(one, one) == [] and FORMAT.outline(one) and one.normalized()\n"
        "print(PROTOC._sandbox)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
