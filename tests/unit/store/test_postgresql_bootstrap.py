import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.store import InvalidStoreUrlError, StoreUnavailableError, open_store
from llm_schema_registry.store.migrations import LAYOUT, load_migrations
from llm_schema_registry.store.postgresql import PostgresStore
from servers import execute, fresh_database, fresh_schema, postgres, rows_of
from unit.store.building import registered, subject

SECRET = "s3cret"  # noqa: S105


@pytest.fixture
def url() -> str:
    return fresh_schema()


async def refusal(url: str) -> str:
    """The message with which a store is refused; tells no secret."""
    began = time.monotonic()
    with pytest.raises((StoreUnavailableError, InvalidStoreUrlError)) as caught:
        await open_store(url)
    assert time.monotonic() - began < 5
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return str(caught.value)


async def test_what_was_written_is_there_after_reopening(url: str) -> None:
    store = await open_store(url)
    assert store.is_shared
    await registered(store, "s")
    before = await store.changes(0)
    await store.close()
    store = await open_store(url.replace("postgresql:", "postgres:"))
    assert await store.changes(0) == before
    assert await store.revision() == 1
    await store.close()


async def test_stores_in_two_schemas_are_apart(url: str) -> None:
    one, another = await open_store(url), await open_store(fresh_schema())
    listening = asyncio.create_task(another.wait_for_change(0, 0.1))
    await registered(one, "s")
    assert await another.subjects() == []
    assert await listening == 0
    await one.close()
    await another.close()


async def test_a_database_of_its_own_needs_no_options() -> None:
    url = await fresh_database()
    store = await open_store(url)
    await registered(store, "s")
    await store.close()
    assert [row[0] for row in await execute(url, "SELECT subject FROM public.versions")] == ["s"]


async def test_texts_are_compared_by_code_point_whatever_the_database_does(url: str) -> None:
    await (await open_store(url)).close()
    columns = await rows_of(
        url,
        "SELECT collation_name = 'C', count(*) FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND data_type = 'text' AND table_name <> 'migrations' GROUP BY 1",
    )
    texts = sum(len(re.findall(r"^ +\w+ TEXT\b", migration.text, re.MULTILINE)) for migration in load_migrations())
    assert columns == [(True, texts)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE versions (a INTEGER)",
        "CREATE TABLE migrations (id INTEGER, migration TEXT, batch INTEGER)",
        "CREATE TABLE settings (a INTEGER)",
    ],
)
async def test_the_tables_of_another_application_are_left_alone(url: str, statement: str) -> None:
    schema = url.partition("schema=")[2]
    await rows_of(url, f"CREATE SCHEMA {schema}", statement)
    assert "of another application" in await refusal(url)
    tables = await rows_of(url, "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()")
    assert tables == [(1,)]


async def test_a_store_of_newer_code_is_refused(url: str) -> None:
    await (await open_store(url)).close()
    await rows_of(url, "INSERT INTO migrations SELECT MAX(number) + 1, 'later_needs_999', 'x', 0 FROM migrations")
    message = await refusal(url)
    assert f"has layout {LAYOUT + 1}" in message
    assert "newer version" in message


async def test_a_changed_migration_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await open_store(url)).close()
    await rows_of(url, "UPDATE migrations SET checksum = 'x'")
    monkeypatch.setattr("llm_schema_registry.store.postgresql.bootstrap.LAYOUT", LAYOUT + 1)
    assert "Migration 1 (registry) is not the one" in await refusal(url)


async def test_a_failed_migration_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_migrations()[0]
    broken = [first, first._replace(number=2, text="CREATE TABLE more (a INTEGER); SELECT nonsense")]
    monkeypatch.setattr("llm_schema_registry.store.postgresql.migration.load_migrations", lambda: broken)
    assert "PostgreSQL reports 42703" in await refusal(url)
    monkeypatch.undo()
    store = await open_store(url)
    await registered(store, "s")
    await store.close()


async def test_applied_migrations_are_recorded(url: str) -> None:
    await (await open_store(url)).close()
    assert await rows_of(url, "SELECT number, name, checksum FROM migrations ORDER BY number") == [
        (migration.number, migration.name, migration.checksum) for migration in load_migrations()
    ]


async def test_all_that_start_at_once_on_a_new_store_come_up(url: str) -> None:
    stores = await asyncio.gather(*(open_store(url) for _ in range(6)))
    for store in stores:
        await registered(store, f"s{stores.index(store)}")
    assert await stores[0].subjects() == [subject(f"s{number}") for number in range(6)]
    for store in stores:
        await store.close()


def test_an_up_to_date_store_is_opened_without_the_runner_of_migrations(url: str) -> None:
    code = (
        "import asyncio, sys\n"
        "from llm_schema_registry.store import open_store\n"
        "async def main():\n"
        "    await (await open_store(sys.argv[1])).close()\n"
        "asyncio.run(main())\n"
        "print('llm_schema_registry.store.postgresql.migration' in sys.modules, 'sqlite3' in sys.modules)\n"
    )
    answers = [
        subprocess.run([sys.executable, "-c", code, url], check=True, capture_output=True, text=True).stdout.split()
        for _ in range(2)
    ]
    assert answers == [["True", "False"], ["False", "False"]]


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """A port on which somebody listens and never answers."""
    gone = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    gone.set()
    server.close()


async def test_servers_that_cannot_be_reached(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_schema_registry.store.postgresql.pool._CONNECT_SECONDS", 0.2)
    for where in ("127.0.0.1:1", f"127.0.0.1:{silent}", "nowhere.invalid"):
        message = await refusal(f"postgresql://ann:{SECRET}@{where}/registry")
        assert message == "The store is not available: the database cannot be reached, or does not answer in time."


async def test_what_the_server_refuses() -> None:
    await execute(
        postgres().url(),
        "DROP ROLE IF EXISTS secret",
        "DROP ROLE IF EXISTS guest",
        "CREATE ROLE secret LOGIN PASSWORD 'right'",
        "CREATE ROLE guest LOGIN",
    )
    there = f"127.0.0.1:{postgres().port}"
    assert "user or the password" in await refusal(f"postgresql://secret:{SECRET}@{there}/postgres")
    assert "no database of the name" in await refusal(f"postgresql://postgres:{SECRET}@{there}/nowhere")
    assert "lacks a right" in await refusal(f"postgresql://guest:{SECRET}@{there}/postgres?schema=of_guest")
    assert "does not know an option" in await refusal(
        f"postgresql://postgres:{SECRET}@{there}/postgres?colour={SECRET}"
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql://ann:{SECRET}/x@db/registry", "every character of the password"),
        (f"postgresql://ann:{SECRET}@[db/registry", "every character of the password"),
        (f"postgresql://ann:{SECRET}@db:{SECRET}/registry", "every character of the password"),
        (f"postgresql://ann:{SECRET}@db/registry?{SECRET}", "every character of the password"),
        (f"postgresql://ann:{SECRET}@db/registry?sslmode={SECRET}", "every character of the password"),
        (f"postgresql://ann:{SECRET}@db/registry?schema=", "The option 'schema'"),
        (f"postgresql://ann:{SECRET}@db/registry?schema=A%22", "The option 'schema'"),
        (f"postgresql://ann:{SECRET}@db/registry?schema={'a' * 49}", "The option 'schema'"),
        (f"postgresql://ann:{SECRET}@db/registry?replica=", "The option 'replica'"),
        (f"postgresql://ann:{SECRET}@db/registry?replica=a,b", "The option 'replica'"),
        (f"postgresql://ann:{SECRET}@db/registry?replica=postgresql://b", "The option 'replica'"),
    ],
)
async def test_urls_that_cannot_be_read(url: str, says: str) -> None:
    assert says in await refusal(url)


async def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    assert "pip install 'llm-schema-registry[postgres]'" in await refusal(f"postgresql://ann:{SECRET}@db/registry")


async def test_a_password_shows_in_no_text_of_a_store(url: str) -> None:
    store = await PostgresStore.open(url.replace("postgres@", f"postgres:{SECRET}@"))
    assert SECRET not in repr(store)
    await store.close()
