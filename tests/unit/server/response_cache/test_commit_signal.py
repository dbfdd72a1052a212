"""Signals: every move is seen, whoever moves, and whatever happens to a mover."""

import multiprocessing
import os
import signal
import time

import pytest

from llm_schema_registry.server.response_cache import LocalCommitSignal, SharedCommitSignal

SPAWN = multiprocessing.get_context("spawn")


def move_on(shared: SharedCommitSignal) -> None:
    while True:
        shared.notify()


def test_a_move_is_seen_in_one_process() -> None:
    local = LocalCommitSignal()
    before = local.value
    local.notify()
    assert local.value != before


def test_no_two_moves_give_the_same_number() -> None:
    first = SharedCommitSignal()
    movers = [first, first.of(1), first.of(2)]
    seen = {first.value}
    for _ in range(100):
        for mover in movers:
            mover.notify()
            assert first.value not in seen, "a move went unseen"
            assert {each.value for each in movers} == {first.value}
            seen.add(first.value)


@pytest.mark.slow
def test_a_killed_mover_holds_nobody_up() -> None:
    ours = SharedCommitSignal()
    for mover in range(1, 3):
        process = SPAWN.Process(target=move_on, args=(ours.of(mover),))
        process.start()
        until = time.monotonic() + 20
        while (before := ours.value) == ours.value:
            assert time.monotonic() < until, "the other process does not move"
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        before = ours.value
        ours.notify()
        assert ours.value != before
