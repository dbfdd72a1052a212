"""Flow control of a connection that takes its turn to read."""

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl

from llm_schema_registry.server.serving.turns import Turns


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
