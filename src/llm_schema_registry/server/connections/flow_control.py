"""Flow control of a connection: it takes its turn to read, and the kernel holds little of what it sends."""

import asyncio
import socket
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

from llm_schema_registry.server.connections.turns import Turns

_BUFFER_BYTES: Final = 256 * 1024

SENT_BYTES: Final = 2 * _BUFFER_BYTES
"""How much of an answer the kernel may hold for a client that does not read: Linux doubles the size of a buffer."""


def bound_send_buffers(listening: socket.socket) -> None:
    """Bounds how much of an answer the kernel holds, for each connection that a socket accepts.

    Linux would let it grow to 4 MiB per connection, which no setting of this server counts. And the server would not
    notice that a client does not read.
    """
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)


class FairFlow(FlowControl):
    """Reading goes on in a turn of the connection: a turn that reads from hundreds of them takes seconds.

    Args:
        transport: of the connection.
        turns: of the event loop.
    """

    def __init__(self, transport: asyncio.Transport, turns: Turns) -> None:
        super().__init__(transport)
        self._turns = turns
        self._is_due = False

    def resume_reading(self) -> None:
        """Reads on when it is the connection's turn."""
        if self.read_paused and not self._is_due:
            self._is_due = True
            self._turns.begin(self._read_on)

    def _read_on(self) -> None:
        self._is_due = False
        if not self._transport.is_closing():
            super().resume_reading()
