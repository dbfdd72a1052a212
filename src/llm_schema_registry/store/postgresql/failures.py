"""What the failures of a PostgreSQL server mean to users of the store."""

import asyncpg

from llm_schema_registry.store.store import StoreUnavailableError

FAILURES: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""Everything that running a statement can raise because of the server or the way to it."""

_OUT_OF_REACH = "the database cannot be reached, or does not answer in time"
_BUSY = "the database has no connections or resources left"

# What a person can do about it, by SQLSTATE or its class. No text of the server is passed on: it may tell names.
_REASONS: dict[str, str] = {
    "08": _OUT_OF_REACH,
    "22": "the database cannot hold a value",
    "23": "the write contradicts what is stored",
    "25006": "the database may only be read: it is a standby, or set so",
    "25P03": "the transaction took too long, and the database ended it",
    "28": "the database refuses the user or the password of the store's URL",
    "3D000": "there is no database of the name in the store's URL",
    "40": "the database gave up the transaction in favour of another",
    "42501": "the user of the store's URL lacks a right in the database, to use or to create what the store needs",
    "42704": "the database does not know an option of the store's URL",
    "42P01": "its tables are missing; restore it from a backup",
    "53": _BUSY,
    "53100": "the disk of the database is full",
    "54": "a value is too large",
    "55P03": "other writers hold it for too long",
    "57014": "the database took too long",
    "57P": "the database is starting, stopping, or was restarted",
    "58": "the disk of the database failed",
    "XX": "the database reports that it is damaged",
}
# The session ended, or is of no more use; a new one may do better, or reach another server.
_LOST = ("08", "57P", "25006")
_MAY_PASS = (*_LOST, "40", "53300")


def unavailable(error: Exception) -> StoreUnavailableError:
    """The failure of a statement as users of the store see it."""
    return StoreUnavailableError(f"The store is not available: {_reason(error)}.")


def is_refused_value(error: Exception) -> bool:
    """Whether a value of a statement was refused before anything was sent: no column can hold it."""
    # A server names the kind of bad data; the library, which refuses what does not fit a column, only the class.
    return type(error) is asyncpg.DataError


def is_lost(error: Exception) -> bool:
    """Whether the session is over, or leads to a server that does not write: a new one may do better."""
    return not isinstance(error, asyncpg.PostgresError) or _sqlstate(error).startswith(_LOST)


def may_pass(error: Exception) -> bool:
    """Whether the same may succeed a moment later, as after a failover."""
    return not isinstance(error, asyncpg.PostgresError) or _sqlstate(error).startswith(_MAY_PASS)


def _reason(error: Exception) -> str:
    if not isinstance(error, asyncpg.PostgresError):
        return _OUT_OF_REACH
    code = _sqlstate(error)
    for length in (5, 3, 2):
        if code[:length] in _REASONS:
            return _REASONS[code[:length]]
    return f"PostgreSQL reports {code}"


def _sqlstate(error: Exception) -> str:
    return str(getattr(error, "sqlstate", None) or "")
