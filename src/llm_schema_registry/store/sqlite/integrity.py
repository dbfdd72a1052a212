"""Integrity checks of an SQLite file."""

import sqlite3
from collections.abc import Callable

from llm_schema_registry.store.api import Cause, StoreUnavailableError
from llm_schema_registry.store.sqlite.connection import DAMAGED, connect, fail

_TIMEOUT_SECONDS = 10.0
_STEPS_BETWEEN_POLLS = 10_000


def check_integrity(path: str, *, thorough: bool = False, given_up: Callable[[], bool] = lambda: False) -> None:
    """Reads every page of a file and checks its structure; takes a second for some hundred megabytes.

    Args:
        path: the file.
        thorough: also compares every index with its table, which takes several times as long.
        given_up: polled during the check; it ends without a result once this returns true.

    Raises:
        StoreUnavailableError: the file is damaged (`Cause.DAMAGED`), or cannot be read.
    """
    try:
        connection = connect(path, writes=False, timeout=_TIMEOUT_SECONDS)
        try:
            connection.set_progress_handler(given_up, _STEPS_BETWEEN_POLLS)
            (answer,) = connection.execute(f"PRAGMA {'integrity' if thorough else 'quick'}_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            return
        fail(error)
    if answer != "ok":
        # SQLite's text names pages, tables and columns, no values.
        raise StoreUnavailableError(cause=Cause.DAMAGED, reason=DAMAGED, detail=answer.partition("\n")[0])
