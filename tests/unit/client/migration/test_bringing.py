"""Modes are put back whatever happens, and the steps come in an order in which they can be taken."""

import asyncio
from typing import Any

import pytest

from llm_schema_registry.client import (
    ModeNotRestoredError,
    NotAsSentError,
    RegisteredSchema,
    RegistryClient,
    RegistryError,
    RegistryUnreachableError,
    SchemaRequest,
    ScopeSettings,
)
from llm_schema_registry.client.migration import Snapshot, VersionRecord, bring, compare

SOURCE = Snapshot(
    ["."],
    [ScopeSettings("", None, "READONLY"), ScopeSettings("s", {"alias": "t"}, "IMPORT")],
    [
        VersionRecord(subject="s", version=1, id=1, schema='"int"', deleted=True),
        VersionRecord(subject=":.c:s", version=4, id=9, schema='"long"'),
    ],
)
TARGET = Snapshot(["."], [ScopeSettings("", None, "READWRITE"), ScopeSettings("s", None, "READONLY")], [])


class Scripted(RegistryClient):
    """Writes down what it is asked to do, and fails at one step."""

    def __init__(self, failing: str = "", error: Exception | None = None) -> None:
        super().__init__("http://nowhere")
        self.steps: list[str] = []
        self.failing = failing
        self.error = error
        self.became: dict[str, int] = {}

    async def _step(self, step: str) -> None:
        self.steps.append(step)
        await asyncio.sleep(0)
        if self.error is not None and step == self.failing:
            raise self.error

    async def register(self, subject: str, schema: SchemaRequest, *, normalize: bool = False) -> RegisteredSchema:
        await self._step(f"register {subject} {schema.version} {schema.id}")
        return RegisteredSchema(**{"id": schema.id, "version": schema.version, **self.became})  # type: ignore[arg-type]

    async def delete_version(self, subject: str, version: int) -> int:
        await self._step(f"delete {subject} {version}")
        return version

    async def put_config(self, scope: str, config: dict[str, Any]) -> None:
        await self._step(f"config {scope} {config}")

    async def put_mode(self, scope: str, mode: str) -> None:
        await self._step(f"mode {scope} {mode}")

    async def delete_mode(self, scope: str) -> None:
        await self._step(f"no mode {scope}")


WORK = compare(SOURCE, TARGET)


async def test_the_order_of_steps() -> None:
    client, announced = Scripted(), list[str]()
    await bring(client, TARGET, WORK, announced.append)
    assert client.steps == [
        "mode  IMPORT",
        "mode :.c: IMPORT",
        "mode s IMPORT",
        "register s 1 1",
        "register :.c:s 4 9",
        "mode s IMPORT",
        "delete s 1",
        "config s {'alias': 't'}",
        "no mode :.c:",
        "mode  READWRITE",
        "mode  READONLY",
    ]
    assert announced[:2] == ["s version 1", ":.c:s version 4"]


REFUSED = RegistryError(422, 42201, "no schema")


@pytest.mark.parametrize("failing", ["mode s IMPORT", "register :.c:s 4 9", "delete s 1", "config s {'alias': 't'}"])
@pytest.mark.parametrize("error", [REFUSED, RegistryUnreachableError("http://x", "gone"), asyncio.CancelledError()])
async def test_modes_are_put_back_after_any_failure(failing: str, error: Any) -> None:
    client = Scripted(failing, error)
    with pytest.raises(type(error)):
        await bring(client, TARGET, WORK)
    assert client.steps[-3:] == ["mode s READONLY", "no mode :.c:", "mode  READWRITE"]


async def test_a_mode_that_cannot_be_put_back_is_told_and_the_others_are() -> None:
    client = Scripted("no mode :.c:", RegistryUnreachableError("http://x", "gone"))
    with pytest.raises(ModeNotRestoredError, match=r":\.c: is still in IMPORT mode .* DELETE /mode/:\.c:"):
        await bring(client, TARGET, WORK)
    assert client.steps[-1] == "mode  READWRITE"


async def test_another_id_or_version_is_an_error() -> None:
    client = Scripted()
    client.became = {"id": 77}
    with pytest.raises(NotAsSentError, match="s version 1, id 1, became version 1, id 77"):
        await bring(client, TARGET, WORK)
    client.became = {"version": 0}
    await bring(client, TARGET, WORK)


async def test_nothing_to_register_needs_no_mode() -> None:
    target = Snapshot(
        ["."], SOURCE.scopes, [SOURCE.versions[1], VersionRecord(subject="s", version=1, id=1, schema='"int"')]
    )
    client = Scripted()
    await bring(client, target, compare(SOURCE, target))
    assert client.steps == ["delete s 1"]
