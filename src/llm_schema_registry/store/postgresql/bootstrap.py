"""Brings a PostgreSQL database to the current layout before anything reads it."""

import asyncpg

from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.migrations import LAYOUT, check_newer
from llm_schema_registry.store.postgresql.errors import FAILURES, unavailable
from llm_schema_registry.store.postgresql.pool import ConnectionPool, Session
from llm_schema_registry.store.postgresql.url import unreadable
from llm_schema_registry.store.sql.statements import load_statements

_SQL = load_statements("postgresql")
_OLDEST_SERVER = 14
# Processes that are at work notice within this time that another one wants a connection.
_WAIT_SECONDS = 10.0


async def prepare(connections: ConnectionPool, schema: str) -> None:
    """Connects, and migrates the store of a schema if its layout is not the current one: one read tells.

    Raises:
        InvalidStoreUrlError: the URL is no address of a server.
        StoreUnavailableError: the server cannot be reached or is too old, the schema holds something else, or the
            store needs newer code.
    """
    try:
        async with connections.session(_WAIT_SECONDS) as session:
            found = await _layout_of(session)
            if found < LAYOUT:
                # A store that is up to date is opened without loading the runner.
                from llm_schema_registry.store.postgresql.migration import migrate

                await migrate(session, schema)
                # Newer code may have been faster, and gone further.
                found = await _layout_of(session)
            if found > LAYOUT:
                check_newer(found, [row[0] for row in await session.fetch(_SQL["newer_migrations"], LAYOUT)])
    except FAILURES as error:
        # Their texts repeat parts of the URL, which may be parts of a password.
        if isinstance(error, ValueError) and not isinstance(error, OSError):
            raise unreadable() from None
        raise unavailable(error) from error
    except ValueError:
        raise unreadable() from None


async def _layout_of(session: Session) -> int:
    if session.get_server_version().major < _OLDEST_SERVER:
        raise StoreUnavailableError(f"The store needs PostgreSQL {_OLDEST_SERVER} or newer.")
    try:
        return await session.fetchval(_SQL["layout"]) or 0
    except asyncpg.UndefinedTableError:
        return 0
    except asyncpg.UndefinedColumnError as error:
        raise of_another() from error


def of_another() -> StoreUnavailableError:
    """The refusal of a schema in which another application keeps tables of the same names."""
    return StoreUnavailableError(
        "The schema holds tables of another application. Give the store a schema of its own: "
        "postgresql://…/database?schema=schema_registry"
    )
