"""Runs the migrations an SQLite file has not seen yet; loaded only when one is due."""

import sqlite3
from collections.abc import Iterator

from llm_schema_registry.core.clock import wall_clock
from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.migrations import Migration, check_applied, load_migrations

_CREATE_MIGRATIONS = """
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
)
"""


def migrate(connection: sqlite3.Connection) -> int:
    """Applies what is missing in order, each migration in one transaction, and returns the layout reached.

    Another process may do the same at the same time: each transaction looks again at what is applied already.

    Raises:
        StoreUnavailableError: the file holds something else, or a migration it has seen was changed since.
        sqlite3.Error: the database failed; migrations applied before stay.
    """
    for migration in load_migrations():
        connection.execute("BEGIN IMMEDIATE")
        try:
            _apply(connection, migration)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    _refuse_strangers(connection)
    connection.execute(_CREATE_MIGRATIONS)
    seen = connection.execute("SELECT checksum FROM migrations WHERE number = ?", (migration.number,)).fetchone()
    if seen is not None:
        check_applied(migration, seen[0])
        return
    for statement in _statements(migration.text):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
        (migration.number, migration.name, migration.checksum, wall_clock()),
    )
    connection.execute(f"PRAGMA user_version = {migration.number}")


def _refuse_strangers(connection: sqlite3.Connection) -> None:
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if names and "migrations" not in names:
        raise StoreUnavailableError(
            "The file is a database of another application: it has tables, but no record of this registry's migrations."
        )


def _statements(text: str) -> Iterator[str]:
    # `executescript` would commit the transaction it runs in.
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
