"""Requests put together at random from values that are valid, odd or hostile: none is a fault of the server."""

import gc
import json
import random
import time
import types
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from litestar import Litestar

from contract.asgi import started
from llm_schema_registry.server.http.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.http.query_params import parameters_of
from llm_schema_registry.server.http.v1 import NATIVE_OPERATIONS

_SCHEMAS = json.loads((Path(__file__).parent.parent / "vectors" / "http" / "schemas.json").read_text())
_OPERATIONS = [
    *CONFLUENT_OPERATIONS,
    *NATIVE_OPERATIONS,
    *[each for each in CONFLUENT_OPERATIONS if each.name in ("register_schema", "remove_version")] * 5,
]
_SUBJECTS = [
    "s",
    "t",
    ":.c1:s",
    ":.c1:",
    "a/b",
    ":*:",
    ":.__GLOBAL:",
    ":.__GLOBAL:x",
    "__GLOBAL",
    "\x01",
    ":",
    ":.:s",
    "%",
]
_SEGMENTS = {
    "subject": _SUBJECTS,
    "version": ["1", "2", "latest", "-1", "0", "x", "2147483647"],
    "id": ["1", "2", "3", "-1", "x", "2147483648"],
}
_TEXTS = [*_SCHEMAS.values(), "", "{}", "null", "1", '"string"', '{"$ref":"#"}', "message", "CgA=", "[" * 300]
_VALUES: dict[str, list[Any]] = {
    "schema": _TEXTS,
    "schemaType": ["AVRO", "JSON", "PROTOBUF", "avro", "X", "", None],
    "references": [
        None,
        [],
        [{"name": "R", "subject": "s", "version": 1}],
        [{"name": "n.Sub", "subject": ":.c1:s", "version": -1}, {"name": "R", "subject": "t", "version": 2**70}],
        [{"name": "", "subject": "", "version": 0}],
    ],
    "metadata": [None, {}, *({"properties": {"confluent:version": each}} for each in ("1", "0", "-1", "x", "9" * 30))],
    "ruleSet": [None, {}, {"domainRules": [{}]}, {"domainRules": [{"name": "r", "type": "CEL"}]}],
    "version": [None, 0, 1, 2, -1, -2, 2**31, 2**70],
    "id": [None, 0, 1, 100, -1, 2**31 - 1],
    "mode": ["READWRITE", "READWRITE", "READONLY", "IMPORT", "FORWARD", None, "x", 5],
    "compatibility": ["FULL", "none", "x", None, True],
    "alias": ["s", "t", ":.c1:s", None],
    "normalize": [True, None, "x"],
    "compatibilityGroup": ["g", None],
    "overrideMetadata": [{"properties": {"a": "1"}}, None],
    "schema_id": [1, 2, "s", "t", None],
    "data": [{}, {"f1": "x"}, 1, None, []],
    "data_base64": ["", "AAAAAAEC", "?", None],
}
_QUERY = ["true", "false", "1", "-1", "0", "", "resolved", "serialized", "s", ":.c1:", ":*:", "qualified", "99999"]
_KEYS = {
    "PUT": ["mode", "compatibility", "alias", "normalize", "compatibilityGroup", "overrideMetadata"],
    "POST": ["schema", "schema", "schemaType", "references", "metadata", "ruleSet", "version", "id"],
    "validate": ["schema_id", "data", "data_base64", "version"],
}


def _request(choose: random.Random) -> tuple[str, str, Any]:
    operation = choose.choice(_OPERATIONS)
    target = operation.path
    for name, values in _SEGMENTS.items():
        target = target.replace(f"{{{name}}}", quote(choose.choice(values), safe=""))
    if choose.random() < 0.1 and not target.startswith(("/api", "/health", "/metrics")):
        target = "/contexts/" + choose.choice(["c1", ".c1", ":.c1:", ".", "a:b"]) + target
    names = [parameter.name for parameter in parameters_of(operation.types[0])]
    given = choose.sample(names, choose.randint(0, min(2, len(names))))
    query = "&".join(f"{name}={quote(choose.choice(_QUERY), safe='')}" for name in given)
    body: Any = None
    if operation.method in ("POST", "PUT"):
        keys = _KEYS["validate"] if "/validate" in target else _KEYS[operation.method]
        body = {key: choose.choice(_VALUES[key]) for key in choose.sample(keys, choose.randint(1, 4))}
        if choose.random() < 0.05:
            body = choose.choice([b"", b"{", b"null", b"[]", b"[{}]", b"5"])
    return operation.method, f"{target}?{query}", body


@pytest.mark.parametrize("seed", range(4))
async def test_no_request_is_a_fault_of_the_server(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311
    succeeded = 0
    async with started() as call:
        for number in range(1_500):
            method, target, body = _request(choose)
            begun = time.perf_counter()
            answer = await call(method, target, body)
            assert answer.status < 500, (seed, number, method, target, body, answer.body)
            assert time.perf_counter() - begun < 5
            succeeded += answer.status == 200
            if number % 100 == 0:
                for scope in ("", "/s", "/t", "/:.c1:", "/:.__GLOBAL:"):
                    await call("DELETE", f"/mode{scope}?recursive=true")
    assert succeeded > 200


async def test_a_request_that_was_answered_holds_its_body_no_longer() -> None:
    async with started() as call:
        body = json.dumps({"schema": json.dumps({"type": "object", "description": "x" * 1000}), "schemaType": "JSON"})
        assert (await call("POST", "/subjects/s/versions", body)).status == 200
        # A connection keeps the scope until its next request.
        held: list[Any] = [call.scope]
        seen = set()
        while held:
            value = held.pop()
            if id(value) in seen or isinstance(value, type | types.ModuleType | types.FunctionType):
                continue
            seen.add(id(value))
            assert value != body.encode()
            if value is not call.app and not isinstance(value, Litestar):
                held.extend(gc.get_referents(value))
