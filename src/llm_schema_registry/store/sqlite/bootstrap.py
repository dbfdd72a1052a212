"""Brings an SQLite file to the current layout before anything reads it."""

import sqlite3
import time

from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.migrations import LAYOUT, check_newer
from llm_schema_registry.store.sqlite.connection import connect, fail, is_busy

_RETRY_SECONDS = 0.005


def open_for_writing(path: str, *, durable: bool, timeout_seconds: float) -> sqlite3.Connection:
    """A writing connection to a file in write-ahead mode and of the current layout; creates and migrates it.

    Several processes may do so at once: one migrates, the others wait for it.

    Args:
        path: the file.
        durable: whether commits wait for the disk.
        timeout_seconds: how many seconds to wait for other processes.

    Raises:
        StoreUnavailableError: it cannot be opened, holds something else, or needs newer code.
    """
    try:
        connection = connect(path, writes=True, durable=durable, timeout=timeout_seconds)
    except sqlite3.Error as error:
        fail(error)
    try:
        _use_write_ahead_log(connection, timeout_seconds)
        found = layout_of(connection)
        if found < LAYOUT:
            # An up-to-date file is opened without loading the runner.
            from llm_schema_registry.store.sqlite.migration import migrate

            found = migrate(connection)
        if found > LAYOUT:
            check_newer(found, _names_of_newer(connection))
        # From here on the event loop waits for other writers, not SQLite.
        connection.execute("PRAGMA busy_timeout = 0")
    except sqlite3.Error as error:
        connection.close()
        fail(error)
    except BaseException:
        connection.close()
        raise
    return connection


def layout_of(connection: sqlite3.Connection) -> int:
    """The number of the last migration that was applied to the file, kept in it; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _names_of_newer(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM migrations WHERE number > ?", (LAYOUT,))]


def _use_write_ahead_log(connection: sqlite3.Connection, timeout_seconds: float) -> None:
    # SQLite does not wait by itself when two connections change the mode of a new file at the same time.
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_SECONDS)
    if mode != "wal":
        raise StoreUnavailableError(
            "The store is not available: its file system cannot hold a write-ahead log. Keep it on a local disk."
        )
