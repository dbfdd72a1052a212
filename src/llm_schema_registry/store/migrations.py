"""The numbered migrations: the steps that bring a store from nothing to the current layout."""

import hashlib
import pathlib
from typing import NamedTuple

_DIRECTORY = pathlib.Path(__file__).parent / "sql" / "migrations"


class Migration(NamedTuple):
    """One step, kept as `sql/migrations/NNNN_name.sql`; never changed once it was released.

    Attributes:
        number: its place, from 1, without gaps.
        name: what it brings.
        text: its statements.
        checksum: SHA-256 of the text, recorded in the stores it was applied to.
    """

    number: int
    name: str
    text: str
    checksum: str


def load_migrations() -> list[Migration]:
    """All migrations in order."""
    return [_load(path) for path in sorted(_DIRECTORY.glob("*.sql"))]


def _load(path: pathlib.Path) -> Migration:
    number, _, name = path.stem.partition("_")
    text = path.read_text(encoding="utf-8")
    return Migration(int(number), name, text, hashlib.sha256(text.encode()).hexdigest())
