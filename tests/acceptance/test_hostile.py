"""Requests that would keep a validator or a compiler busy for ever: the server goes on, and answers each of them."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acceptance.serving import get, post, running, workers_of

NEWEST = "https://json-schema.org/draft/2020-12/schema"
# Far more than is needed, on a machine that is busy with other tests; without protection it is minutes.
_HEALTH_SECONDS = 5.0
_MEBIBYTES = 600
_GIVEN_UP = 42290


class Watched:
    """A server, and how long its health took to answer at most."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid
        self.slowest = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def register(self, subject: str, schema: Any, **more: Any) -> tuple[int, Any]:
        body = {"schemaType": "JSON", "schema": json.dumps(schema), **more}
        return post(self.port, f"/subjects/{subject}/versions", body)

    def validate(self, subject: str, payload: Any) -> tuple[int, Any]:
        return post(self.port, "/api/v1/validate", {"subject": subject, "data": payload})

    def close(self) -> None:
        self._done.set()
        self._thread.join()

    def peak(self) -> int:
        """The most memory that the server itself has taken, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) // 1024

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            started = time.monotonic()
            assert get(self.port, "/health/live")[0] == 200
            self.slowest = max(self.slowest, time.monotonic() - started)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Watched]:
    with running(tmp_path, LSR_SANDBOX_SECONDS="2", LSR_SANDBOX_MEMORY_MB="512") as (port, process):
        watched = Watched(port, workers_of(process.pid)[0])
        try:
            yield watched
        finally:
            watched.close()
        assert watched.slowest < _HEALTH_SECONDS
        assert watched.peak() < _MEBIBYTES


def diamonds(levels: int, **more: Any) -> dict[str, Any]:
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2, **more} for n in range(levels)}
    return {"$schema": NEWEST, "$defs": {**steps, f"d{levels}": {"type": "integer"}}, "$ref": "#/$defs/d0"}


def nested(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = {"l": value}
    return value


TWICE = {
    "$ref": "#/definitions/t",
    "definitions": {
        "t": {
            "type": ["object", "null"],
            "properties": {"l": {"anyOf": [{"$ref": "#/definitions/t"}, {"$ref": "#/definitions/t"}]}},
        }
    },
}


@pytest.mark.parametrize(
    "schema",
    [
        diamonds(24, unevaluatedProperties=False),
        {"properties": {f"p{n}": {"pattern": rf"^[\p{{L}}]{{50}}x{n}$"} for n in range(1_000)}},
    ],
)
def test_schemas_that_cannot_be_compiled_are_refused(server: Watched, schema: Any) -> None:
    status, answer = server.register("hostile", schema)
    assert (status, answer["error_code"]) == (422, _GIVEN_UP)
    assert "given up" in answer["message"]
    assert server.register("honest", {"type": "object"})[0] == 200


def test_references_that_multiply_are_refused(server: Watched) -> None:
    for number in range(28):
        below = [f"j{lower}" for lower in (number - 1, number - 2) if lower >= 0]
        schema = {"$schema": NEWEST, "allOf": [{"$ref": name} for name in below], "unevaluatedProperties": False}
        references = [{"name": name, "subject": name, "version": 1} for name in below]
        status, answer = server.register(f"j{number}", schema if below else {}, references=references)
        if status != 200:
            assert answer["error_code"] == _GIVEN_UP
            return
    pytest.fail("all of them were registered")


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (TWICE, nested(5, 40)),
        (diamonds(40), 1),
        ({"items": {"enum": [{"a": n} for n in range(60_000)]}}, [{"a": 59_999}] * 2_000),
        ({"required": [f"r{n}" for n in range(1_000)]}, {f"k{n}": "x" * 100 for n in range(10_000)}),
    ],
)
def test_payloads_that_cannot_be_checked_are_given_up(server: Watched, schema: Any, payload: Any) -> None:
    assert server.register("hostile", schema)[0] == 200
    status, answer = server.validate("hostile", payload)
    assert (status, answer["error_code"]) == (422, _GIVEN_UP)
    assert get(server.port, "/subjects/hostile/versions/1")[0] == 200


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        ({"items": {"anyOf": [{"const": n} for n in range(300)]}}, [-1] * 100),
        (
            {"properties": {f"name_{n}": {} for n in range(300)}, "additionalProperties": False},
            {f"nme{n}": 1 for n in range(5_000)},
        ),
        ({"patternProperties": {f"^a{n}$": {} for n in range(1_000)}}, {f"b{n}": 1 for n in range(5_000)}),
    ],
)
def test_expensive_payloads_get_their_findings(server: Watched, schema: Any, payload: Any) -> None:
    assert server.register("expensive", schema)[0] == 200
    status, answer = server.validate("expensive", payload)
    assert status == 200
    assert len(answer["errors"]) <= 100


def test_in_a_batch_each_payload_has_its_own_outcome(server: Watched) -> None:
    assert server.register("hostile", TWICE)[0] == 200
    payloads = [{"l": None}, nested(5, 40), nested(None, 14), 5]
    status, answer = post(server.port, "/api/v1/validate/batch?subject=hostile", payloads)
    assert status == 200
    assert [item["valid"] for item in answer["results"]] == [True, False, True, False]
    assert str(_GIVEN_UP) in answer["results"][1]["errors"][0]["message"]


def test_a_stored_schema_that_cannot_be_compiled_harms_its_subject_alone(server: Watched) -> None:
    assert post(server.port, "/mode/stored", {"mode": "IMPORT"}, method="PUT")[0] == 200
    schema = diamonds(24, unevaluatedProperties=False)
    assert server.register("stored", schema, id=900, version=1)[0] == 200
    status, answer = server.validate("stored", 1)
    assert (status, answer["error_code"]) == (422, _GIVEN_UP)
    assert get(server.port, "/subjects/stored/versions/1")[0] == 200
    assert get(server.port, "/schemas/ids/900")[0] == 200
    assert server.register("honest", {"type": "object"})[0] == 200
    assert server.validate("honest", {})[0] == 200
