"""uvicorn's HTTP protocol, with the shelf asked before a request is parsed."""

import itertools
import secrets
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from llm_schema_registry.server.serving.shelf import MAX_REQUEST_BYTES, Shelf

REQUEST_BYTES = "llm_schema_registry.request_bytes"
"""Where the scope of a request holds its bytes, if they came alone and whole."""


class ShelfProtocol(HttpToolsProtocol):
    """Answers what the shelf knows at once; everything else goes its usual way, untouched.

    The shelf is asked only between messages: when no head or body is half read, and no response is under way, so
    that the bytes which arrive are the beginning of a message.

    Attributes:
        shelf: of the worker.
        leaving: whether the worker closes each connection with its next answer; the default headers say so then.
    """

    shelf: Shelf
    leaving = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begun = 0
        self._complete = 0
        self._answered = 0
        self._answered_at_once = False

    def data_received(self, data: bytes) -> None:
        """Takes the bytes that arrived on the connection."""
        begun = self._begun
        if begun != self._answered or self.flow.write_paused:
            super().data_received(data)
            return
        answer = self.shelf.take(data)
        if answer is not None:
            self._answered_at_once = True
            self.transport.write(b"".join((answer.head, self._new_headers(), answer.body)))
            if self.leaving:
                self.transport.close()
                return
            if self.timeout_keep_alive_task is None:
                self._keep_alive()
            return
        super().data_received(data)
        if self._begun == self._complete == begun + 1 and len(data) <= MAX_REQUEST_BYTES:
            cast(dict[str, Any], self.scope)[REQUEST_BYTES] = data

    def on_message_begin(self) -> None:
        """Called by the parser at the first byte of a message."""
        self._begun += 1
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Called by the parser at the last byte of a message."""
        self._complete += 1
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called when the application has answered a message."""
        self._answered += 1
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Called when no response of the application has ended for a while; answers at once count too."""
        if self._answered_at_once and not self.transport.is_closing():
            self._answered_at_once = False
            self._keep_alive()
        else:
            super().timeout_keep_alive_handler()

    def _keep_alive(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _new_headers(self) -> bytes:
        """The headers that no two answers share: the date, and an id for the request."""
        lines = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        lines.append(b"x-request-id: %s-%x\r\n" % (_PROCESS_ID, next(_NUMBERS)))
        return b"".join(lines)


_PROCESS_ID = secrets.token_hex(8).encode()
_NUMBERS = itertools.count(1)


def shelf_protocol(shelf: Shelf) -> type[ShelfProtocol]:
    """The protocol class of a worker whose answers are on this shelf."""
    return type("ShelfProtocol", (ShelfProtocol,), {"shelf": shelf})
