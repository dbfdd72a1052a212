"""Connections to an SQLite file: how they are set up, how a statement is run, and what its failures mean."""

import sqlite3
from collections.abc import Iterable
from typing import NoReturn

from llm_schema_registry.store.api import CONTRADICTION, Cause, StoreUnavailableError, ValueRefusedError
from llm_schema_registry.store.sql.rows import Row, Value

_KEYS = tuple(str(number) for number in range(1, 17))
_STATEMENTS = 128
_PAGE_CACHE_KIB = 16 * 1024
_MAX_WAL_BYTES = 64 * 1024 * 1024

DAMAGED = "the file is damaged; restore it from a backup"

# Cause and explanation by result code, or by its primary one. SQLite's own text is not passed on: it may name the file.
_REASONS: dict[int, tuple[Cause, str]] = {
    sqlite3.SQLITE_BUSY: (Cause.BUSY, "other writers hold it for too long"),
    sqlite3.SQLITE_LOCKED: (Cause.BUSY, "other writers hold it for too long"),
    sqlite3.SQLITE_FULL: (Cause.FULL, "the disk is full"),
    sqlite3.SQLITE_READONLY: (Cause.READ_ONLY, "the file or its directory may not be written"),
    sqlite3.SQLITE_PERM: (Cause.DENIED, "the file or its directory may not be written"),
    sqlite3.SQLITE_CANTOPEN: (
        Cause.DENIED,
        "the file cannot be opened or created: its directory must exist and be writable",
    ),
    sqlite3.SQLITE_IOERR: (Cause.DISK, "the disk failed to read or write"),
    # The index of the write-ahead log could not be made larger.
    sqlite3.SQLITE_IOERR_SHMSIZE: (Cause.FULL, "the disk is full"),
    sqlite3.SQLITE_CORRUPT: (Cause.DAMAGED, DAMAGED),
    sqlite3.SQLITE_NOTADB: (Cause.DAMAGED, "the file is no SQLite database"),
    sqlite3.SQLITE_NOMEM: (Cause.OTHER, "there is not enough memory"),
}
_OF_VALUES = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH})


def connect(path: str, *, writes: bool, durable: bool = True, timeout: float = 1.0) -> sqlite3.Connection:
    """A connection with the settings of the store, in autocommit mode; usable from one thread at a time.

    Args:
        path: the file, created if it does not exist; or a URI of the scheme `file`.
        writes: whether it may write.
        durable: whether a commit waits for the disk.
        timeout: how many seconds it waits for locks of other connections.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = sqlite3.connect(
        path,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
        uri=path.startswith("file:"),
    )
    try:
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KIB}")
        if writes:
            connection.execute(f"PRAGMA journal_size_limit = {_MAX_WAL_BYTES}")
        else:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def parameters(values: Iterable[Value]) -> dict[str, Value]:
    """The values of the parameters `$1`, `$2` … of a statement, as `sqlite3` takes them."""
    return dict(zip(_KEYS, values, strict=False))


def run(connection: sqlite3.Connection, statement: str, values: Iterable[Value]) -> sqlite3.Cursor:
    """Runs a statement with its values in the order of its parameters `$1`, `$2` …

    Raises:
        sqlite3.Error: the database failed.
        OverflowError, UnicodeEncodeError: a value no column can hold.
    """
    return connection.execute(statement, parameters(values))


def first_row(connection: sqlite3.Connection, statement: str, values: Iterable[Value]) -> Row | None:
    """The first row of an answer.

    A value no column can hold (an integer of more than 64 bits, a lone surrogate) matches nothing.

    Raises:
        StoreUnavailableError: the database failed.
    """
    try:
        row: Row | None = run(connection, statement, values).fetchone()
    except sqlite3.Error as error:
        fail(error)
    except (OverflowError, UnicodeEncodeError):
        return None
    return row


def fail(error: sqlite3.Error) -> NoReturn:
    """Raises what the failure of a statement means to users of the store.

    Raises:
        ValueRefusedError: a value of the statement cannot be stored.
        StoreUnavailableError: anything else.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # Only misuse comes without a code, and the only misuse left open to callers is to go on after `close`.
        raise StoreUnavailableError(reason="it is closed") from error
    name = error.sqlite_errorname
    if code & 0xFF in _OF_VALUES:
        refused_row = code & 0xFF == sqlite3.SQLITE_CONSTRAINT
        why = CONTRADICTION if refused_row else "The store cannot hold a value: it is too large or malformed"
        raise ValueRefusedError(why, name) from error
    cause, reason = _REASONS.get(code) or _REASONS.get(code & 0xFF, (Cause.OTHER, f"SQLite reports {name}"))
    raise StoreUnavailableError(cause=cause, reason=reason, code=name) from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection held a lock, so that trying again may help."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
