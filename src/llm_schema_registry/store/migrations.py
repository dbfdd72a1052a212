"""The numbered migrations: the steps that bring a store from nothing to the current layout.

One text serves both engines, as with the statements; see `postgresql.migrating` for what is added there.
"""

import hashlib
import pathlib
import secrets
from typing import NamedTuple

from llm_schema_registry.store.store import StoreUnavailableError

LAYOUT = 4
"""The number of the last migration: the layout this code reads and writes."""

# Where a migration has this, each store gets 256 random bits of its own: 64 hexadecimal digits.
_RANDOM = "{random}"
_DIRECTORY = pathlib.Path(__file__).parent / "sql" / "migrations"


class Migration(NamedTuple):
    """One step, kept as `sql/migrations/NNNN_name.sql`; never changed once it was released.

    Attributes:
        number: its place, from 1, without gaps.
        name: what it brings.
        text: its statements.
        checksum: SHA-256 of the file, recorded in the stores it was applied to.
    """

    number: int
    name: str
    text: str
    checksum: str


def refuse_newer(found: int) -> None:
    """Raises `StoreUnavailableError` for a store whose layout is not known here."""
    if found > LAYOUT:
        raise StoreUnavailableError(
            f"The store has layout {found}, but this version of the registry knows layouts up to {LAYOUT}: "
            "it was written by a newer version. Run that version, or restore a backup made before the upgrade."
        )


def check_applied(migration: Migration, checksum: str) -> None:
    """Raises `StoreUnavailableError` if a store was made with another text of the migration."""
    if checksum != migration.checksum:
        raise StoreUnavailableError(
            f"Migration {migration.number} ({migration.name}) is not the one this store was made with. "
            "Install the registry anew, or restore a backup made by this version."
        )


def load_migrations() -> list[Migration]:
    """All migrations in order."""
    return [_load(path) for path in sorted(_DIRECTORY.glob("*.sql"))]


def _load(path: pathlib.Path) -> Migration:
    number, _, name = path.stem.partition("_")
    text = path.read_text(encoding="utf-8")
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return Migration(int(number), name, text.replace(_RANDOM, secrets.token_hex(32)), checksum)
