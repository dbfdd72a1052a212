"""The log of requests that the HTTP protocol refuses."""

import structlog

from llm_schema_registry.server.connections.limits import Refusal

_LINES_PER_SECOND = 50
_log = structlog.get_logger()


class RefusalLog:
    """Logs refusals, a few each second; the others are counted."""

    def __init__(self) -> None:
        self._lines = 0
        self._left_out = 0

    def add(self, refusal: Refusal, client: tuple[str, int] | None) -> None:
        """Logs a refusal with the address of the client."""
        self._lines += 1
        if self._lines > _LINES_PER_SECOND:
            self._left_out += 1
            return
        address = "unknown" if client is None else f"{client[0]}:{client[1]}"
        _log.warning("request refused", status=refusal.status, reason=refusal.message, client=address)

    def tick(self) -> None:
        """Called once a second."""
        if self._left_out:
            _log.warning("more requests refused", number=self._left_out)
        self._lines = self._left_out = 0
