"""A version that knows nothing of objects goes on while another brings the store up to date."""

import asyncpg

from llm_schema_registry.store import open_store
from llm_schema_registry.store.migrations import load_migrations
from llm_schema_registry.store.postgresql.migration import in_this_dialect
from llm_schema_registry.store.sql.statements import load_statements
from servers import fresh_schema
from unit.store.building import content

BEFORE = 2
COLUMNS = "context, schema_id, guid, schema_type, text, refs, metadata, rule_set, created_at"
SELECT = f"SELECT {COLUMNS} FROM schemas WHERE context = $1 AND schema_id = $2"  # noqa: S608
INSERT = f"INSERT INTO schemas ({COLUMNS}) VALUES ('.', $1, 'g', 'AVRO', '\"int\"', NULL, NULL, NULL, 1)"  # noqa: S608


async def test_statements_prepared_before_are_run_after() -> None:
    url = fresh_schema()
    base, _, schema = url.partition("?schema=")
    session = await asyncpg.connect(base, server_settings={"search_path": schema})
    await session.execute(f"CREATE SCHEMA {schema}")
    statements = load_statements("postgresql")
    await session.execute(statements["create_migrations"])
    for migration in load_migrations()[:BEFORE]:
        await session.execute(in_this_dialect(migration.text))
        await session.execute(statements["note_migration"], migration.number, migration.name, migration.checksum, 1)
    read, write = await session.prepare(SELECT), await session.prepare(INSERT)
    await write.fetch(1)
    assert len(await read.fetch(".", 1)) == 1
    store = await open_store(url)
    await write.fetch(2)
    async with store.transaction() as transaction:
        await transaction.add_schema(content('"long"', schema_id=3))
    assert [(await read.fetch(".", schema_id))[0]["text"] for schema_id in (1, 2, 3)] == ['"int"', '"int"', '"long"']
    found = await store.schema(".", 2)
    assert found is not None
    assert (found.text, found.blob) == ('"int"', None)
    await store.close()
    await session.close()
