"""Writers are killed in the middle of their work: what was acknowledged is there, and nothing is there by halves."""

import asyncio
import contextlib
import os
import pathlib
import random
import signal
import sqlite3
import sys
from collections import Counter

import pytest

from llm_schema_registry.contracts import DEFAULT_SCOPE, Reference, Subject, guid_of
from llm_schema_registry.store import (
    Change,
    ChangeKind,
    Setting,
    State,
    Store,
    StoredSchema,
    Transaction,
    Version,
    open_store,
)
from servers import fresh_schema, rows_of

TESTS = pathlib.Path(__file__).parents[1]
WRITERS = 2
TASKS = 4
CONTEXTS = (".", ".a")


async def storm(url: str) -> None:
    """Writes without end, and reports each acknowledged write: revision, context, name, version, schema id."""
    store = await open_store(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*(write_on(store, random.Random(os.getpid() * TASKS + task)) for task in range(TASKS)))  # noqa: S311


async def write_on(store: Store, dice: random.Random) -> None:
    while True:
        subject = Subject(dice.choice(CONTEXTS), f"s{dice.randrange(5)}")
        async with store.transaction("storm") as transaction:
            put = await write_once(transaction, subject, dice)
        report = (transaction.next_revision, *put.subject, put.version, put.schema_id)
        sys.stdout.write(" ".join(map(str, report)) + "\n")
        sys.stdout.flush()


async def write_once(transaction: Transaction, subject: Subject, dice: random.Random) -> Version:
    """A version with a content of some size, and with it now and then another state and a setting."""
    earlier = await transaction.versions(subject)
    text = f"{subject} {len(earlier) + 1} " + "x" * dice.randrange(20_000)
    references = (Reference("n", "s0", 1),) if dice.random() < 0.5 else ()
    stored = await transaction.add_schema(
        StoredSchema(
            context=subject.context,
            schema_id=0,
            guid=guid_of(text, references),
            schema_type="AVRO",
            text=text,
            references=references,
        )
    )
    put = Version(subject=subject, version=len(earlier) + 1, schema_id=stored.schema_id)
    await transaction.put_version(put, ChangeKind.VERSION_REGISTERED)
    if earlier and dice.random() < 0.5:
        last = earlier[-1]
        retired = Version(
            subject=subject, version=last.version, schema_id=last.schema_id, state=State.DEPRECATED, registered_at=1
        )
        await transaction.put_version(retired, ChangeKind.VERSION_STATE_CHANGED)
    await transaction.put_setting(DEFAULT_SCOPE, Setting.CONFIG, str(transaction.next_revision))
    return put


@pytest.mark.parametrize(("engine", "rounds"), [("sqlite", 6), ("postgresql", 3)])
async def test_killed_writers_leave_whole_writes_only(tmp_path: pathlib.Path, engine: str, rounds: int) -> None:
    path = tmp_path / "registry.db"
    url = f"sqlite:///{path}" if engine == "sqlite" else fresh_schema()
    dice = random.Random(4)  # noqa: S311
    acknowledged: dict[int, tuple[str, str, int, int]] = {}
    for _ in range(rounds):
        before = len(acknowledged)
        acknowledged |= await storm_until_killed(url, dice.uniform(0.05, 0.4))
        assert len(acknowledged) > before, "no writer got anything done"
        changes = await check(url, acknowledged)
        facts = await (facts_in_postgresql(url) if engine == "postgresql" else asyncio.to_thread(facts_in_file, path))
        assert facts == sum(change.kind.value.startswith("version.") for change in changes)


async def storm_until_killed(url: str, seconds: float) -> dict[int, tuple[str, str, int, int]]:
    """What several writers acknowledged, by revision, until all are killed at the same time."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, __file__, url, stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(TESTS)}
        )
        for _ in range(WRITERS)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(seconds)
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    outputs = [(await process.communicate())[0] for process in processes]
    assert [process.returncode for process in processes] == [-signal.SIGKILL] * WRITERS
    # The last line of a killed process may be cut off.
    lines = [line.split() for output in outputs for line in output.decode().split("\n")[:-1]]
    return {int(r): (context, name, int(version), int(schema_id)) for r, context, name, version, schema_id in lines}


async def check(url: str, acknowledged: dict[int, tuple[str, str, int, int]]) -> list[Change]:
    store = await open_store(url)
    try:
        changes = await store.changes(0, 1_000_000)
        for revision, (context, name, number, schema_id) in acknowledged.items():
            version = await store.version(Subject(context, name), number)
            assert version is not None, f"revision {revision} was acknowledged and is lost"
            assert version.schema_id == schema_id
            assert await store.schema(context, schema_id) is not None
        assert set(acknowledged) <= {change.revision for change in changes}
        await check_that_the_log_is_whole(store, changes)
        await check_that_facts_and_log_agree(store, changes)
        return changes
    finally:
        await store.close()


def facts_in_file(path: pathlib.Path) -> int:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
    facts: int = connection.execute("SELECT COUNT(*) FROM versions").fetchone()[0]
    connection.close()
    return facts


async def facts_in_postgresql(url: str) -> int:
    facts: int = (await rows_of(url, "SELECT COUNT(*) FROM versions"))[0][0]
    return facts


async def check_that_the_log_is_whole(store: Store, changes: list[Change]) -> None:
    revisions = Counter(change.revision for change in changes)
    assert list(revisions) == list(range(1, await store.revision() + 1))
    assert [change.ordinal for change in changes] == [n for size in revisions.values() for n in range(size)]
    ends = {change.revision: change for change in changes}
    assert all(change.kind is ChangeKind.CONFIG_SET for change in ends.values()), "a write lacks its last part"
    assert await store.setting(DEFAULT_SCOPE, Setting.CONFIG) == str(await store.revision())


async def check_that_facts_and_log_agree(store: Store, changes: list[Change]) -> None:
    for context in CONTEXTS:
        added = [
            change.schema_id
            for change in changes
            if change.kind is ChangeKind.SCHEMA_ADDED and change.subject.context == context
        ]
        assert added == list(range(1, len(added) + 1))
        assert await store.max_schema_id(context) == len(added)
    registered = {
        (change.subject, change.version): change.schema_id
        for change in changes
        if change.kind is ChangeKind.VERSION_REGISTERED
    }
    versions = await store.list_versions()
    assert {(version.subject, version.version): version.schema_id for version in versions} == registered
    for version in versions:
        content = await store.schema(version.subject.context, version.schema_id)
        assert content is not None
        assert content.text.startswith(f"{version.subject} {version.version} ")
        assert content.guid == guid_of(content.text, content.references)


if __name__ == "__main__":
    asyncio.run(storm(sys.argv[1]))
