"""Import after export gives the same registry, whatever happened to it before."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from contract.asgi import Caller, started
from contract.clients import InProcess
from llm_schema_registry.client.migration import (
    apply_import,
    compare,
    read_directory,
    take_snapshot,
    write_directory,
)

SUBJECTS = ["a", "A", "b/c", ":.team:a", ":.team:..", ":.other:x"]
HOLDERS = ["a", ":.team:a"]
SCOPES = ["", ":.team:", ":.__GLOBAL:", "never-a-version", *SUBJECTS]
PART = '{"type":"record","name":"Part","fields":[]}'
SCHEMAS: list[dict[str, Any]] = [
    {"schema": '"int"'},
    {"schema": '"string"', "metadata": {"properties": {"owner": "x"}, "tags": {"**": ["PII"]}, "sensitive": ["owner"]}},
    {"schema": '"string"', "metadata": {}},
    {"schema": PART},
    {"schema": '{"type":"object"}', "schemaType": "JSON"},
    {"schema": 'syntax = "proto3"; message M { string é = 1; }'.replace("é", "e"), "schemaType": "PROTOBUF"},
    {
        "schema": '"long"',
        "ruleSet": {"domainRules": [{"name": "r", "kind": "CONDITION", "type": "CEL", "expr": "true"}]},
    },
    {"schema": '{"type":"record","name":"Ü\\u00fc","fields":[]}'},
]
REFERRING = {"schema": '{"type":"record","name":"Whole","fields":[{"name":"p","type":"Part"}]}'}
CONFIGS: list[dict[str, Any]] = [
    {"compatibility": "FULL_TRANSITIVE"},
    {"compatibility": "NONE", "normalize": False, "compatibilityGroup": "g"},
    {"alias": "b/c"},
    {"defaultMetadata": {"properties": {"a": "b"}}},
]
MODES = ["READWRITE", "READONLY", "IMPORT"]


def history_of(seed: int) -> list[tuple[Any, ...]]:
    """A random life of a registry: mostly registrations, then deletes, then settings that get in the way."""
    chosen = Random(seed)  # noqa: S311
    makers: dict[str, tuple[int, Callable[[], tuple[Any, ...]]]] = {
        "register": (12, lambda: (chosen.choice(SCHEMAS),)),
        "refer": (8, lambda: (chosen.choice(HOLDERS), 1)),
        "import": (4, lambda: (chosen.choice(SCHEMAS), chosen.randint(1, 9), chosen.randint(1, 9))),
        "delete": (12, lambda: (chosen.randint(1, 2), chosen.random() < 0.2)),
        "again": (3, lambda: ({"schema": PART},)),
        "delete subject": (2, lambda: (chosen.random() < 0.3,)),
        "config": (2, lambda: (chosen.choice(CONFIGS),)),
        "mode": (1, lambda: (chosen.choice(MODES),)),
        "no mode": (2, lambda: ()),
    }
    kinds = chosen.choices(list(makers), [weight for weight, _ in makers.values()], k=chosen.randint(5, 50))
    history: list[tuple[Any, ...]] = [("register", subject, {"schema": PART}) for subject in HOLDERS]
    if seed % 4 == 0:
        # A version that only a deleted one refers to, deleted too, and registered again.
        history += [("refer", "b/c", "a", 1), ("delete subject", "b/c", False), ("delete", "a", 1, False)]
        history.append(("register", "a", {"schema": PART}))
    for kind in kinds:
        names = SCOPES if kind in ("config", "mode", "no mode") else HOLDERS if kind == "again" else SUBJECTS
        history.append((kind, chosen.choice(names), *makers[kind][1]()))
    return history


async def act(call: Caller, action: tuple[Any, ...]) -> None:
    """Does it if the registry lets it."""
    kind, name, *rest = action
    path = name.replace("/", "%2F")
    if kind in ("register", "again"):
        await call("POST", f"/subjects/{path}/versions", rest[0])
    elif kind == "refer":
        reference = {"name": "Part", "subject": rest[0], "version": rest[1]}
        await call("POST", f"/subjects/{path}/versions", {**REFERRING, "references": [reference]})
    elif kind == "import":
        before = (await call("GET", f"/mode/{path}")).json.get("mode")
        await call("PUT", f"/mode/{path}?force=true", {"mode": "IMPORT"})
        await call("POST", f"/subjects/{path}/versions", {**rest[0], "id": rest[1], "version": rest[2]})
        await (call("PUT", f"/mode/{path}", {"mode": before}) if before else call("DELETE", f"/mode/{path}"))
    elif kind == "delete":
        for permanent in (False, True)[: 1 + rest[1]]:
            await call("DELETE", f"/subjects/{path}/versions/{rest[0]}?permanent={permanent}")
    elif kind == "delete subject":
        for permanent in (False, True)[: 1 + rest[0]]:
            await call("DELETE", f"/subjects/{path}?permanent={permanent}")
    elif kind == "config":
        await call("PUT", f"/config/{path}" if name else "/config", rest[0])
    elif kind == "mode":
        await call("PUT", f"/mode/{path}?force=true" if name else "/mode?force=true", {"mode": rest[0]})
    else:
        await call("DELETE", f"/mode/{path}" if name else "/mode")


async def everything(call: Caller) -> dict[str, Any]:
    """All that a client can read, without times."""
    targets = ["/api/v1/scopes", "/config", "/mode"]
    targets += [f"/subjects?{query}" for query in ("", "deleted=true", "deletedOnly=true")]
    targets += [f"/schemas?subjectPrefix=:*:&{query}" for query in ("", "deleted=true", "latestOnly=true")]
    for name in SUBJECTS:
        path = name.replace("/", "%2F")
        targets += [f"/config/{path}?defaultToGlobal=true", f"/mode/{path}?defaultToGlobal=true"]
        targets += [f"/subjects/{path}/versions?deletedAsNegative=true", f"/subjects/{path}/versions/latest"]
        targets += [f"/subjects/{path}/versions/{number}/referencedby?deleted=true" for number in range(1, 10)]
    for context in ("", ":.team:", ":.other:"):
        for number in range(1, 12):
            targets += [f"/schemas/ids/{number}{rest}subject={context}" for rest in ("?", "/versions?deleted=true&")]
    return {target: _timeless((await call("GET", target)).json) for target in targets}


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if key != "ts"}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(40))
async def test_import_after_export_is_the_same_registry(seed: int, tmp_path: Path) -> None:
    await _round_trip(history_of(seed), tmp_path)


def test_the_histories_are_eventful() -> None:
    """Together they hold what makes an import hard, or the test above says little."""
    asyncio.run(_count())


async def _count() -> None:
    seen: Counter[str] = Counter()
    for seed in range(40):
        async with started(compatibility="NONE") as old:
            for action in history_of(seed):
                await act(old, action)
            snapshot = await take_snapshot(InProcess(old))
        referred = {each.place for version in snapshot.versions for each in snapshot.referred(version)}
        alive = {(version.subject, version.id) for version in snapshot.versions if not version.deleted}
        for version in snapshot.versions:
            seen["deleted"] += version.deleted
            seen["referring"] += bool(version.references)
            seen["deleted and referred to"] += version.deleted and version.place in referred
            seen["deleted, and alive under another number"] += (
                version.deleted and (version.subject, version.id) in alive
            )
        seen["alias"] += any((scope.config or {}).get("alias") for scope in snapshot.scopes)
        seen["IMPORT mode"] += any(scope.mode == "IMPORT" for scope in snapshot.scopes)
    assert all(count >= 3 for count in seen.values()), seen


async def _round_trip(history: list[tuple[Any, ...]], directory: Path) -> None:
    async with started(compatibility="NONE") as old, started(compatibility="NONE") as new:
        for action in history:
            await act(old, action)
        snapshot = await take_snapshot(InProcess(old))
        write_directory(directory, snapshot, "test")
        read = read_directory(directory)
        assert read == snapshot

        client = InProcess(new)
        target = await take_snapshot(client)
        work = compare(read, target)
        assert not work.collisions, work.collisions
        await apply_import(client, target, work)
        left = compare(read, await take_snapshot(client))
        assert left.is_done, json.dumps(msgspec.to_builtins(left), indent=1)
        assert left.present == len(snapshot.versions)
        assert await everything(new) == await everything(old)
