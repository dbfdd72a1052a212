import pathlib
import re

import pytest

from llm_schema_registry.store.sql.statements import load_statements
from llm_schema_registry.store.sqlite import SqliteStore

READS, WRITES = load_statements("reads"), load_statements("writes")
FILES = pathlib.Path(__file__).parents[3] / "src" / "llm_schema_registry" / "store" / "sql"
# Lists look at all they may have to show; `head` and `identity` have one row.
MAY_SCAN = {
    "subjects",
    "list_versions",
    "contexts",
    "revision",
    "identity",
    "move_head",
    "touch_head",
    "count_versions",
}
# What an index does not give in order is sorted: only referrers, which come together by several references.
MAY_SORT = {"referrers"}


async def plan(path: pathlib.Path, statement: str) -> list[str]:
    store = await SqliteStore.open(path)
    numbers = sorted(set(re.findall(r"\$(\d+)", statement)))
    rows = store._writer.execute(f"EXPLAIN QUERY PLAN {statement}", dict.fromkeys(numbers, 1)).fetchall()
    await store.close()
    return [row[3] for row in rows]


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_nothing_grows_with_what_is_stored(tmp_path: pathlib.Path, name: str) -> None:
    steps = await plan(tmp_path / "registry.db", (READS | WRITES)[name])
    if name not in MAY_SCAN:
        assert not [step for step in steps if step.startswith("SCAN")], steps
    if name not in MAY_SORT:
        assert not [step for step in steps if "TEMP B-TREE" in step], steps


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("latest", "versions USING INDEX versions_latest (context=? AND subject=? AND state=?)"),
        ("version", "versions USING INDEX versions_current (context=? AND subject=? AND version=?)"),
        ("touched", "changes USING INDEX changes_of_scope (context=? AND subject=?)"),
        (
            "subjects",
            "versions USING INDEX versions_listed ((context,subject)>(?,?) AND (context,subject)<(?,?))",
        ),
        ("contexts", "contexts USING INDEX contexts_current (context>? AND context<?)"),
    ],
)
async def test_hot_statements_use_the_index_made_for_them(tmp_path: pathlib.Path, name: str, step: str) -> None:
    assert await plan(tmp_path / "registry.db", READS[name]) == [f"SEARCH {step}"]


@pytest.mark.parametrize("file", ["reads", "writes", "postgresql"])
def test_every_statement_is_described(file: str) -> None:
    text = (FILES / f"{file}.sql").read_text()
    names = re.findall(r"^-- (\w+) --\n-- \S.*[.:]?$", text, re.MULTILINE)
    assert names == list(load_statements(file))
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_parameters_are_numbered_without_gaps(name: str) -> None:
    numbers = {int(number) for number in re.findall(r"\$(\d+)", (READS | WRITES)[name])}
    assert numbers == set(range(1, len(numbers) + 1))
