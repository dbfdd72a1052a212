import asyncio
import re

import asyncpg
import pytest

from llm_schema_registry.store import open_store
from llm_schema_registry.store.postgresql.pool import PLANNER
from llm_schema_registry.store.sql.statements import load_statements
from servers import fresh_schema

STATEMENTS = load_statements("reads") | load_statements("writes") | load_statements("postgresql")
# Lists look at all they may have to show; `head` and `identity` have one row.
MAY_SCAN = {"revision", "identity", "move_head", "touch_head", "take_head", "count_versions"}
# What an index does not give in order is sorted: only referrers, which come together by several references.
MAY_SORT = {"referrers"}
NO_QUERIES = {"create_migrations"}
# Plans depend on what there is: some subjects with some versions each.
FILL = """
INSERT INTO versions (context, subject, version, schema_id, state, deleted, registered_at, since)
SELECT '.', 's' || i / 20, i % 20 + 1, i + 1, 'ACTIVE', 0, 0, i FROM generate_series(0, 1999) AS i;
INSERT INTO changes (revision, ordinal, at, kind, context, subject, version, schema_id, actor)
SELECT i, 0, 0, 'version.registered', '.', 's' || i / 20, i % 20 + 1, i + 1, '' FROM generate_series(0, 1999) AS i;
ANALYZE;
"""


@pytest.fixture(scope="module")
def plans() -> dict[str, str]:
    """How each statement is run when a whole table is read only if no index serves."""
    return asyncio.run(explain_all(fresh_schema()))


async def explain_all(url: str) -> dict[str, str]:
    await (await open_store(url)).close()
    base, _, schema = url.partition("?schema=")
    session = await asyncpg.connect(base, server_settings={"search_path": schema} | PLANNER)
    await session.execute(FILL)
    plans = {}
    for name in STATEMENTS.keys() - NO_QUERIES:
        await session.execute(f"PREPARE {name}_ AS {STATEMENTS[name]}")
        values = ", ".join(["NULL"] * len(parameters(name)))
        rows = await session.fetch(f"EXPLAIN (COSTS OFF) EXECUTE {name}_{f'({values})' if values else ''}")
        plans[name] = "\n".join(row[0] for row in rows)
    await session.close()
    return plans


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - NO_QUERIES))
def test_nothing_grows_with_what_is_stored(plans: dict[str, str], name: str) -> None:
    assert "Seq Scan" not in plans[name] or name in MAY_SCAN, plans[name]
    assert "Sort" not in plans[name] or name in MAY_SORT, plans[name]


@pytest.mark.parametrize(
    ("name", "index", "condition"),
    [
        ("latest", "versions_latest", r"\(\(context = \$1\) AND \(subject = \$2\)\)"),
        ("version", "versions_current", r"\(\(context = \$1\) AND \(subject = \$2\) AND \(version = \$3\)\)"),
        ("touched", "changes_of_scope", r"\(\(context = s.context\) AND \(subject = s.subject\)\)"),
        ("subjects", "versions_listed", r"\(\(ROW\(context, subject\) >= .* AND \(ROW\(context, subject\) < "),
        ("contexts", "contexts_current", r"\(\(context >= \$1\) AND \(context < \$2\)\)"),
    ],
)
def test_hot_statements_use_the_index_made_for_them(
    plans: dict[str, str], name: str, index: str, condition: str
) -> None:
    scan = rf"Index (Only )?Scan (Backward )?using {index} .*\n +Index Cond: {condition}"
    assert re.search(scan, plans[name]), plans[name]


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_parameters_are_numbered_without_gaps(name: str) -> None:
    assert parameters(name) == set(range(1, len(parameters(name)) + 1))


def parameters(name: str) -> set[int]:
    return {int(number) for number in re.findall(r"\$(\d+)", STATEMENTS[name])}
