"""Messages between two processes over a stream socket: eight bytes of length, then a pickle."""

import pickle
import socket
import struct
import time
from typing import Any

_LENGTH = struct.Struct(">Q")
_CHUNK = 1 << 20


class Channel:
    """One end of the connection. Both ends trust each other.

    Args:
        connection: a connected stream socket; the channel closes it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    def send(self, message: object, seconds: float | None = None) -> None:
        """Sends a message.

        Raises:
            TimeoutError: the other end did not take it within `seconds`.
            OSError: the other end is gone.
        """
        self.send_pickled(pickle.dumps(message, pickle.HIGHEST_PROTOCOL), seconds)

    def send_pickled(self, data: bytes, seconds: float | None = None) -> None:
        """The same for a message that is a pickle already."""
        self.socket.settimeout(seconds)
        self.socket.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self, seconds: float | None = None) -> Any:
        """Waits for the next message.

        Raises:
            TimeoutError: none came within `seconds`.
            EOFError: the other end is gone.
        """
        until = None if seconds is None else time.monotonic() + seconds
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, until))
        return pickle.loads(self._read(length, until))  # noqa: S301 -- from a process of our own

    def close(self) -> None:
        """Closes the connection."""
        self.socket.close()

    def _read(self, size: int, until: float | None) -> bytearray:
        data = bytearray()
        while len(data) < size:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            try:
                received = self.socket.recv(min(size - len(data), _CHUNK))
            except ConnectionError:
                received = b""
            if not received:
                raise EOFError
            data += received
        return data
