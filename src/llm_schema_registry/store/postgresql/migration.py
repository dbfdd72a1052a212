"""Runs the migrations a PostgreSQL database has not seen yet; loaded only when one is due.

The texts are those of the embedded store. Texts in columns are compared by code point there; here that is the
collation C, whatever the database's own is.
"""

import re

import asyncpg

from llm_schema_registry.core.clock import wall_clock
from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.migrations import Migration, check_applied, load_migrations
from llm_schema_registry.store.postgresql.bootstrap import of_another
from llm_schema_registry.store.postgresql.pool import Session
from llm_schema_registry.store.sql.statements import load_statements

_SQL = load_statements("postgresql")
_TEXT_COLUMN = re.compile(r"^( +\w+ TEXT\b)", re.MULTILINE)
_SECONDS = 600.0


async def migrate(session: Session, schema: str) -> None:
    """Applies what is missing, all of it in one transaction; other processes that want the same wait.

    The schema is created if there is none.

    Raises:
        StoreUnavailableError: the schema holds something else, a migration it has seen was changed since, or the
            database cannot hold every text.
        asyncpg.PostgresError, asyncpg.InterfaceError, OSError: the database failed; nothing was applied.
    """
    try:
        async with session.transaction():
            await session.fetchval(_SQL["take_turn_to_migrate"], schema, timeout=_SECONDS)
            if await session.fetchval(_SQL["encoding"]) != "UTF8":
                raise StoreUnavailableError("The database cannot hold every text: create it with ENCODING 'UTF8'.")
            if not await session.fetchval(_SQL["has_schema"], schema):
                await session.execute(f'CREATE SCHEMA "{schema}"')
            await session.execute(_SQL["create_migrations"])
            for migration in load_migrations():
                await _apply(session, migration)
    except asyncpg.DuplicateTableError as error:
        raise of_another() from error


async def _apply(session: Session, migration: Migration) -> None:
    seen = await session.fetchval(_SQL["checksum"], migration.number)
    if seen is not None:
        check_applied(migration, seen)
        return
    await session.execute(in_this_dialect(migration.text), timeout=_SECONDS)
    await session.execute(_SQL["note_migration"], migration.number, migration.name, migration.checksum, wall_clock())


def in_this_dialect(text: str) -> str:
    """The text of a migration with the collation C for every text column."""
    return _TEXT_COLUMN.sub(r'\1 COLLATE "C"', text)
