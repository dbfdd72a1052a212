"""Clients of two processes register schemas of which only one can be right: exactly one wins, every time."""

import asyncio
import json
import os
import pathlib
import sys

from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError, RegistryOptions
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.registration import register
from llm_schema_registry.store import ChangeKind, open_store
from servers import fresh_schema

TESTS = pathlib.Path(__file__).parents[1]
PROCESSES = 2
ROUNDS = 12
# No two of them can read each other's data.
TYPES = (
    "string",
    "int",
    "boolean",
    {"type": "map", "values": "int"},
    {"type": "array", "items": "int"},
    {"type": "fixed", "name": "F", "size": 4},
    {"type": "enum", "name": "E", "symbols": ["A"]},
    {"type": "record", "name": "I", "fields": [{"name": "a", "type": "int"}]},
)


async def compete(url: str, part: int) -> None:
    """Registers, at each line on standard input, its part of the types under the subject on that line."""
    store = await open_store(url)
    registry = Registry(store, RegistryOptions(compatibility=CompatibilityLevel.FULL_TRANSITIVE))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while name := (await asyncio.to_thread(sys.stdin.readline)).strip():
        outcomes = await asyncio.gather(*(outcome(registry, name, kind) for kind in TYPES[part::PROCESSES]))
        sys.stdout.write(json.dumps(outcomes) + "\n")
        sys.stdout.flush()
    await store.close()


async def outcome(registry: Registry, name: str, kind: object) -> int | None:
    """The id that a registration got, or `None` if the schema was found to be incompatible."""
    schema = json.dumps({"type": "record", "name": name, "fields": [{"name": "f", "type": kind}]})
    try:
        registered = await register(registry, Subject(".", name), SchemaRequest(schema=schema))
    except RegistryError as error:
        if error.code is not ErrorCode.INCOMPATIBLE_SCHEMA:
            raise
        return None
    assert registered.created
    return registered.version.schema_id


async def test_of_schemas_that_exclude_each_other_exactly_one_wins() -> None:
    url = fresh_schema()
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            url,
            str(part),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(TESTS)},
        )
        for part in range(PROCESSES)
    ]
    winners = []
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    for number in range(ROUNDS):
        outcomes: list[int | None] = []
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"s{number}\n".encode())
        for process in processes:
            assert process.stdout is not None
            outcomes += json.loads(await process.stdout.readline())
        won = [schema_id for schema_id in outcomes if schema_id is not None]
        assert len(won) == 1, f"{len(won)} of {len(TYPES)} registrations were accepted"
        winners += won
    for process in processes:
        await process.communicate(b"")
        assert process.returncode == 0
    assert winners == list(range(1, ROUNDS + 1))
    store = await open_store(url)
    try:
        assert len(await store.list_versions()) == ROUNDS
        changes = await store.changes(0)
        assert [change.schema_id for change in changes if change.kind is ChangeKind.SCHEMA_ADDED] == winners
        assert await store.revision() == ROUNDS
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(compete(sys.argv[1], int(sys.argv[2])))
