"""Import after export gives the same registry, whatever happened to it before."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import HealthCheck, given, settings

from contract.asgi import Caller, started
from llm_schema_registry.client import RegistryClient
from llm_schema_registry.client.client import _error
from llm_schema_registry.client.migration import (
    bring,
    compare,
    read_directory,
    take_snapshot,
    write_directory,
)

SUBJECTS = ["a", "A", "b/c", ":.team:a", ":.team:..", ":.other:x"]
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

subjects = st.sampled_from(SUBJECTS)
actions = st.one_of(
    st.tuples(st.just("register"), subjects, st.sampled_from(SCHEMAS)),
    st.tuples(st.just("refer"), subjects, subjects, st.integers(1, 2)),
    st.tuples(st.just("import"), subjects, st.sampled_from(SCHEMAS), st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.just("delete"), subjects, st.integers(1, 3), st.booleans()),
    st.tuples(st.just("delete subject"), subjects, st.booleans()),
    st.tuples(st.just("config"), st.sampled_from(SCOPES), st.sampled_from(CONFIGS)),
    st.tuples(st.just("mode"), st.sampled_from(SCOPES), st.sampled_from(MODES)),
    st.tuples(st.just("no mode"), st.sampled_from(SCOPES)),
)


class InProcess(RegistryClient):
    """The client on an application of this process."""

    def __init__(self, caller: Caller) -> None:
        super().__init__("http://registry")
        self.caller = caller

    async def _call(
        self,
        method: str,
        path: str,
        result: Any,
        *,
        body: Any = None,
        query: dict[str, str] | None = None,
        media_type: str = "application/json",
    ) -> Any:
        target = f"/{path}" + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
        data = None if body is None else msgspec.json.encode(body)
        answer = await self.caller(method, target, data, {"Content-Type": media_type})
        if answer.status >= 400:
            raise _error(answer.status, answer.body)
        return msgspec.json.decode(answer.body, type=result)


async def act(call: Caller, action: tuple[Any, ...]) -> None:
    """Does it if the registry lets it."""
    kind, name, *rest = action
    path = name.replace("/", "%2F")
    if kind == "register":
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
        await call("PUT", f"/mode/{path}" if name else "/mode", {"mode": rest[0]})
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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, max_size=25))
def test_import_after_export_is_the_same_registry(history: list[tuple[Any, ...]]) -> None:
    asyncio.run(_round_trip(history))


async def _round_trip(history: list[tuple[Any, ...]]) -> None:
    async with started(compatibility="NONE") as old, started(compatibility="NONE") as new:
        for action in history:
            await act(old, action)
        snapshot = await take_snapshot(InProcess(old))
        with tempfile.TemporaryDirectory() as directory:
            write_directory(Path(directory), snapshot, "test")
            read = read_directory(Path(directory))
        assert read == snapshot

        client = InProcess(new)
        target = await take_snapshot(client)
        work = compare(read, target)
        assert not work.collisions, work.collisions
        await bring(client, target, work)
        left = compare(read, await take_snapshot(client))
        assert left.is_done, json.dumps(msgspec.to_builtins(left), indent=1)
        assert left.present == len(snapshot.versions)
        assert await everything(new) == await everything(old)
