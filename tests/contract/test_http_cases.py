"""Requests and answers of the Confluent-compatible surface, as data: `tests/vectors/http/*.json`.

A case is a list of steps on an empty registry. A step without an expectation must succeed. `$NAME` stands for a
schema of `schemas.json`, `$any` for any value. A case with `deviation` says where and why this registry answers
otherwise than the Confluent registry; one with `later` is not served yet.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from contract.asgi import Answer, Caller, started

_DIRECTORY = Path(__file__).parent.parent / "vectors" / "http"
_SCHEMAS = json.loads((_DIRECTORY / "schemas.json").read_text())
_CASES = [
    pytest.param(
        case,
        id=f"{path.stem}-{case.get('case', 'more')}-{case['name'].replace(' ', '-')}",
        marks=[pytest.mark.xfail(strict=True, reason="not served yet")] if case.get("later") else [],
    )
    for path in sorted(_DIRECTORY.glob("*_*.json"))
    for case in json.loads(path.read_text())
]
_JSON = {"Content-Type": "application/vnd.schemaregistry.v1+json"}


@pytest.mark.parametrize("case", _CASES)
async def test_case(case: dict[str, Any]) -> None:
    async with started(**case.get("settings", {})) as call:
        for step in _filled(case["steps"]):
            _check(step, await _made(call, step))


async def _made(call: Caller, step: dict[str, Any]) -> Answer:
    method, target = step["call"].split(" ")
    return await call(method, target, step.get("raw_body", step.get("body")), step.get("headers", _JSON))


def _check(step: dict[str, Any], answer: Answer) -> None:
    said = f"{step['call']} answered {answer.status} {answer.body[:500]!r}"
    for key in ("error", "error_starts", "error_includes"):
        if key in step:
            code, message = step[key]
            assert answer.json["error_code"] == code, said
            assert answer.status == (code if code < 1000 else code // 100), said
            assert isinstance(answer.json["message"], str), said
            _MESSAGE_CHECKS[key](answer.json["message"], message, said)
    if not any(key.startswith("error") for key in step) and "status" not in step:
        assert 200 <= answer.status < 300, said
    if "status" in step:
        assert answer.status == step["status"], said
    if "equals" in step:
        assert _same(answer.json, step["equals"]), said
    if "equals_set" in step:
        assert sorted(answer.json) == sorted(step["equals_set"]), said
    for key, value in step.get("includes", {}).items():
        assert _same(answer.json.get(key), value), said
    for key, value in step.get("lacks", {}).items():
        assert not _same(answer.json[key], value), said
    if "includes_each" in step:
        assert len(answer.json) == len(step["includes_each"]), said
        for found, expected in zip(answer.json, step["includes_each"], strict=True):
            assert all(_same(found.get(key), value) for key, value in expected.items()), said
    if "text" in step:
        assert answer.body.decode() == step["text"], said
    for name, value in step.get("answer_headers", {}).items():
        assert answer.headers.get(name) == value, answer.headers


def _equal(found: str, expected: str, said: str) -> None:
    assert found == expected, said


def _starts(found: str, expected: str, said: str) -> None:
    assert found.startswith(expected), said


def _includes(found: str, expected: str, said: str) -> None:
    assert expected in found, said


_MESSAGE_CHECKS = {"error": _equal, "error_starts": _starts, "error_includes": _includes}


def _same(found: Any, expected: Any) -> bool:
    if expected == "$any":
        return found is not None
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and found.keys() == expected.keys()
            and all(_same(found[key], value) for key, value in expected.items())
        )
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(_same, found, expected))
    return type(found) is type(expected) and found == expected


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    return _SCHEMAS.get(value[1:], value) if isinstance(value, str) and value.startswith("$") else value
