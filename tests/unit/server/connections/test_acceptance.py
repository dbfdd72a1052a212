"""Acceptance of connections: more of them after a long turn of the event loop, and none besides after a short one."""

import asyncio
import socket
from contextlib import ExitStack

import pytest

from llm_schema_registry.server.connections.acceptance import Acceptance

_WAITING = 40


@pytest.mark.parametrize(
    ("turn_seconds", "fewest", "most"), [(0.0, 0, 0), (1.0, 2, 16)], ids=["short turn", "long turn"]
)
def test_connections_accepted_after_a_turn(turn_seconds: float, fewest: int, most: int) -> None:
    assert fewest <= len(asyncio.run(_accepted(turn_seconds))) <= most


def test_none_is_accepted_after_the_end() -> None:
    assert not asyncio.run(_accepted(1.0, ends=True))


async def _accepted(turn_seconds: float, *, ends: bool = False) -> list[asyncio.BaseTransport]:
    """What is accepted by two notes in one turn of this length."""
    now = 0.0
    made: list[asyncio.BaseTransport] = []

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(transport)

    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=_WAITING))
        listening.setblocking(False)
        for _ in range(_WAITING):
            stack.enter_context(socket.create_connection(listening.getsockname()))
        acceptance = Acceptance(lambda: now)
        acceptance.begin([listening], Protocol)
        acceptance.note()
        acceptance.note()
        if ends:
            acceptance.end()
        now += turn_seconds
        for _ in range(10):
            await asyncio.sleep(0)
        for transport in made:
            transport.close()
        await asyncio.sleep(0)
    return made
