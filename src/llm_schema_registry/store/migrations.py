"""The numbered migrations: the steps that bring a store from nothing to the current layout.

One text serves both engines, as with the statements; see `postgresql.migrating` for what is added there.

A migration only adds, so that nodes of the version before it go on while it is applied, and can be started after it:
tables, indexes, columns that may be empty or have a default. What code no longer uses may be taken away in a later
version; such a migration says in its name which code it needs: `0009_without_refs_needs_7` leaves alone whoever knows
layout 7.
"""

import hashlib
import pathlib
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from llm_schema_registry.store.api import StoreUnavailableError

LAYOUT = 4
"""The number of the last migration: the layout this code reads and writes."""

# Where a migration has this, each store gets 256 random bits of its own: 64 hexadecimal digits.
_RANDOM = "{random}"
_NEEDS = re.compile(r"_needs_([0-9]+)$")
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


def check_newer(layout: int, names: Sequence[str]) -> None:
    """Checks that this code can work with a store that newer code has migrated further.

    Args:
        layout: of the store.
        names: of the migrations after those known here, which the store has recorded.

    Raises:
        StoreUnavailableError: one of them needs newer code, or is not recorded.
    """
    needed = [int(found[1]) for name in names if (found := _NEEDS.search(name))]
    if len(names) < layout - LAYOUT or max(needed, default=0) > LAYOUT:
        raise StoreUnavailableError(
            f"The store has layout {layout}, but this version of the registry knows layouts up to {LAYOUT}: "
            "it was written by a newer version. Run that version, or restore a backup made before the upgrade."
        )


def check_applied(migration: Migration, checksum: str) -> None:
    """Raises `StoreUnavailableError` if a store was made with another text of the migration."""
    if checksum != migration.checksum:
        raise StoreUnavailableError(
            f"Migration {migration.number} ({migration.name}) is not the one this store was made with. "
            "Install the registry again, or restore a backup made by this version."
        )


def load_migrations() -> list[Migration]:
    """All migrations in order."""
    return [_load(path) for path in sorted(_DIRECTORY.glob("*.sql"))]


def _load(path: pathlib.Path) -> Migration:
    number, _, name = path.stem.partition("_")
    text = path.read_text(encoding="utf-8")
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return Migration(int(number), name, text.replace(_RANDOM, secrets.token_hex(32)), checksum)
