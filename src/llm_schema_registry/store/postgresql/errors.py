"""Maps PostgreSQL errors to errors of the store."""

import asyncpg

from llm_schema_registry.store.api import CONTRADICTION, Cause, StoreUnavailableError, ValueRefusedError

FAILURES: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""Everything that running a statement can raise because of the server or the way to it."""

_OUT_OF_REACH = "the database cannot be reached, or does not answer in time"
_NO_CONNECTION = "the database has no connection left"

# Cause and explanation by SQLSTATE or its class. The server's own text goes to the log only: it may name users.
_REASONS: dict[str, tuple[Cause, str]] = {
    "08": (Cause.UNREACHABLE, _OUT_OF_REACH),
    "25006": (Cause.READ_ONLY, "the database may only be read: it is a standby, or set so"),
    "25P03": (Cause.BUSY, "the transaction took too long, and the database ended it"),
    "28": (Cause.DENIED, "the database refuses the user or the password of the store's URL"),
    "3D000": (Cause.OTHER, "there is no database of the name in the store's URL"),
    "40": (Cause.BUSY, "the database gave up the transaction in favour of another"),
    "42501": (
        Cause.DENIED,
        "the user of the store's URL lacks a right in the database, to use or to create what the store needs",
    ),
    "42704": (Cause.OTHER, "the database does not know an option of the store's URL"),
    "42P01": (Cause.OTHER, "its tables are missing; restore it from a backup"),
    "53": (Cause.BUSY, "the database has no resources left"),
    "53100": (Cause.FULL, "the disk of the database is full"),
    "53300": (Cause.NO_CONNECTION, _NO_CONNECTION),
    "55P03": (Cause.BUSY, "other writers hold it for too long"),
    "57014": (Cause.BUSY, "the database took too long"),
    "57P": (Cause.UNREACHABLE, "the database is starting, stopping, or was restarted"),
    "58": (Cause.DISK, "the disk of the database failed"),
    "XX": (Cause.OTHER, "the database reports an internal error"),
    "XX001": (Cause.DAMAGED, "the database reports that it is damaged; restore it from a backup"),
    "XX002": (Cause.DAMAGED, "the database reports that an index is damaged; rebuild it or restore a backup"),
}
# Failures of the request's own values: data exceptions, constraints, program limits (a value too large for an index).
_OF_VALUES = ("22", "23", "54")
_MAX_DETAIL = 200
# The session ended, or is of no more use; a new one may do better, or reach another server.
_LOST = ("08", "57P", "25006")
_MAY_PASS = (*_LOST, "40", "53300")


def failure(error: Exception) -> StoreUnavailableError | ValueRefusedError:
    """The failure of a statement as users of the store see it: of the store, or of a value in the request."""
    if concerns_values(error):
        code = _sqlstate(error)
        why = CONTRADICTION if code.startswith("23") else "The store cannot hold a value: it is too large or malformed"
        return ValueRefusedError(why, code)
    return unavailable(error)


def unavailable(error: Exception) -> StoreUnavailableError:
    """The failure of a statement that holds no value of a request."""
    cause, reason = _cause(error)
    detail = str(error).partition("\n")[0][:_MAX_DETAIL] if isinstance(error, asyncpg.PostgresError) else ""
    return StoreUnavailableError(cause=cause, reason=reason, code=_sqlstate(error), detail=detail)


def concerns_values(error: Exception) -> bool:
    """Whether a statement failed because of its values; any other statement may succeed."""
    return _sqlstate(error).startswith(_OF_VALUES)


def has_no_connection(error: Exception) -> bool:
    """Whether the server, or the role, has as many sessions as it may have."""
    return isinstance(error, asyncpg.TooManyConnectionsError)


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


def _cause(error: Exception) -> tuple[Cause, str]:
    if not isinstance(error, asyncpg.PostgresError):
        return Cause.UNREACHABLE, _OUT_OF_REACH
    code = _sqlstate(error)
    for length in (5, 3, 2):
        if code[:length] in _REASONS:
            return _REASONS[code[:length]]
    return Cause.OTHER, f"PostgreSQL reports {code}"


def _sqlstate(error: Exception) -> str:
    return str(getattr(error, "sqlstate", None) or "")
