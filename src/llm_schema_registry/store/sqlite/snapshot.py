"""An SQLite file that can be read without its write-ahead log, on a disk that has no room for one."""

import contextlib
import os
import sqlite3
from urllib.parse import quote

from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.migrations import LAYOUT
from llm_schema_registry.store.sqlite.bootstrap import layout_of
from llm_schema_registry.store.sqlite.connection import connect


class Snapshot:
    """A file that was closed cleanly, and is read as long as no process writes to it.

    Nothing locks the file: each read is followed by a check that it is as it was.

    Args:
        path: the file.
        failure: why it could not be opened as usual.

    Raises:
        StoreUnavailableError: `failure`, if there is more in the write-ahead log, or no store of the current layout.
    """

    def __init__(self, path: str, failure: StoreUnavailableError) -> None:
        self.failure = failure
        self._path = path
        self._state = self._found()
        if self._state is None:
            raise failure
        try:
            connection = self.connect()
            found = layout_of(connection)
            connection.close()
        except sqlite3.Error:
            raise failure from None
        if found != LAYOUT:
            raise failure

    def connect(self) -> sqlite3.Connection:
        """A connection that reads; raises `sqlite3.Error`."""
        return connect(f"file:{quote(self._path)}?mode=ro&immutable=1", writes=False)

    @property
    def holds(self) -> bool:
        """Whether no process has written to the file."""
        return self._found() == self._state

    def _found(self) -> tuple[int, int, int] | None:
        """The identity and the version of the file; `None` if there is a write-ahead log."""
        try:
            file = os.stat(self._path)
        except OSError:
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.stat(f"{self._path}-wal").st_size:
                return None
        return file.st_ino, file.st_size, file.st_mtime_ns
