"""What a migration may do: add, so that the code of the version before it goes on."""

import re

import pytest

from llm_schema_registry.store import StoreUnavailableError
from llm_schema_registry.store.migrations import LAYOUT, Migration, check_newer, load_migrations
from llm_schema_registry.store.sql.statements import load_statements

# The statements of a migration that only adds: what may be said of a table that older code knows, and of a new one.
ADDITIONS = (
    re.compile(r"CREATE TABLE (?P<new>\w+) \(.*\)"),
    re.compile(r"CREATE INDEX \w+ ON \w+ \(.*\)( WHERE .*)?"),
    re.compile(r"ALTER TABLE \w+ ADD COLUMN \w+ \w+( (NOT NULL )?DEFAULT \S+)?"),
)
OF_NEW_TABLES = (
    re.compile(r"CREATE UNIQUE INDEX \w+ ON (?P<table>\w+) \(.*\)( WHERE .*)?"),
    re.compile(r"INSERT INTO (?P<table>\w+) .*"),
)


def statements(text: str) -> list[str]:
    bare = " ".join(line.strip() for line in text.splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in bare.split(";") if statement.strip()]


def takes_away(text: str) -> list[str]:
    """The statements of a migration that the code of the version before might not survive."""
    new: set[str] = set()
    found = []
    for statement in statements(text):
        adds = next((match for each in ADDITIONS if (match := each.fullmatch(statement))), None)
        if adds is not None:
            new |= {name for name in adds.groupdict().values() if name}
            continue
        of_new = next((match for each in OF_NEW_TABLES if (match := each.fullmatch(statement))), None)
        if of_new is None or of_new["table"] not in new:
            found.append(statement)
    return found


@pytest.mark.parametrize("migration", load_migrations(), ids=lambda migration: migration.name)
def test_a_migration_only_adds_unless_its_name_says_what_it_needs(migration: Migration) -> None:
    needs = re.search(r"_needs_([0-9]+)$", migration.name)
    if needs is None:
        assert takes_away(migration.text) == []
    else:
        assert int(needs[1]) < migration.number, "who is upgraded one version at a time could not follow"


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE schemas DROP COLUMN refs;",
        "ALTER TABLE schemas RENAME COLUMN refs TO links;",
        "ALTER TABLE schemas ADD COLUMN x TEXT NOT NULL;",
        "DROP TABLE settings;",
        "CREATE UNIQUE INDEX x ON versions (context, schema_id);",
        "INSERT INTO head (revision) VALUES (1);",
        "UPDATE versions SET state = 'OLD';",
        "CREATE TABLE new (a TEXT);\nDELETE FROM changes;",
    ],
)
def test_what_takes_away_is_noticed(text: str) -> None:
    assert len(takes_away(text)) == 1


def test_statements_name_the_columns_they_write_and_read() -> None:
    for name in ("reads", "writes", "postgresql"):
        for statement in load_statements(name).values():
            assert not re.search(r"SELECT \*|\.\*|INSERT INTO \w+ (VALUES|SELECT)", statement), statement


def test_newer_code_may_have_added() -> None:
    check_newer(LAYOUT + 2, ["more", f"less_needs_{LAYOUT}"])


@pytest.mark.parametrize(
    ("layout", "names"),
    [(LAYOUT + 1, [f"less_needs_{LAYOUT + 1}"]), (LAYOUT + 2, [f"less_needs_{LAYOUT + 1}", "more"]), (LAYOUT + 1, [])],
)
def test_newer_code_may_have_taken_away_what_is_needed_here(layout: int, names: list[str]) -> None:
    with pytest.raises(StoreUnavailableError, match=f"has layout {layout}.* written by a newer version"):
        check_newer(layout, names)
