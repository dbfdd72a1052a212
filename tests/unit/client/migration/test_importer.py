"""Modes are put back whatever happens, and the steps come in an order in which they can be taken."""

import asyncio
from typing import Any

import pytest

from llm_schema_registry.client import (
    ImportMismatchError,
    ModeNotRestoredError,
    RegisteredSchema,
    RegistryClient,
    RegistryError,
    RegistryUnreachableError,
    SchemaRequest,
    ScopeSettings,
)
from llm_schema_registry.client.migration import Action, Failure, Snapshot, Step, VersionRecord, apply_import, compare
from llm_schema_registry.contracts import Reference

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
    """Writes down what it is asked to do, and fails at some steps."""

    def __init__(self, failing: str | tuple[str, ...] = "", error: Exception | None = None) -> None:
        super().__init__("http://nowhere")
        self.steps: list[str] = []
        self.failing = (failing,) if isinstance(failing, str) else failing
        self.error = error
        self.became: dict[str, int] = {}

    async def _step(self, step: str) -> None:
        self.steps.append(step)
        await asyncio.sleep(0)
        if self.error is not None and step in self.failing:
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
    await apply_import(client, TARGET, WORK, announced.append)
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
        await apply_import(client, TARGET, WORK)
    assert client.steps[-3:] == ["mode s READONLY", "no mode :.c:", "mode  READWRITE"]


async def test_a_mode_that_cannot_be_put_back_is_told_and_the_others_are() -> None:
    client = Scripted("no mode :.c:", RegistryUnreachableError("http://x", "gone"))
    with pytest.raises(ModeNotRestoredError, match=r":\.c: is still in IMPORT mode .* DELETE /mode/:\.c:"):
        await apply_import(client, TARGET, WORK)
    assert client.steps[-1] == "mode  READWRITE"


async def test_another_id_or_version_is_an_error() -> None:
    client = Scripted()
    client.became = {"id": 77}
    with pytest.raises(ImportMismatchError, match="s version 1, id 1, became version 1, id 77"):
        await apply_import(client, TARGET, WORK)
    client.became = {"version": 0}
    await apply_import(client, TARGET, WORK)


async def test_nothing_to_register_needs_no_mode() -> None:
    target = Snapshot(
        ["."], SOURCE.scopes, [SOURCE.versions[1], VersionRecord(subject="s", version=1, id=1, schema='"int"')]
    )
    client = Scripted()
    await apply_import(client, target, compare(SOURCE, target))
    assert client.steps == ["delete s 1"]


def _version(subject: str, number: int, *references: tuple[str, int], deleted: bool = False) -> VersionRecord:
    refer = [Reference("x", name, version) for name, version in references]
    schema = f'{{"type": "fixed", "name": "x", "size": {number}}}'
    return VersionRecord(subject=subject, version=number, id=number, schema=schema, references=refer, deleted=deleted)


def _all(*versions: VersionRecord, scopes: list[ScopeSettings] | None = None) -> Snapshot:
    return Snapshot(["."], scopes or [], list(versions))


EMPTY = _all()


async def _failures(client: Scripted, source: Snapshot, target: Snapshot = EMPTY) -> list[Failure]:
    failures: list[Failure] = []
    announced: list[str] = []
    work = compare(source, target)
    await apply_import(client, target, work, announced.append, failures.append)
    assert len(announced) == len(work.register) + len(work.delete) + len(work.configs) + len(work.modes)
    return failures


async def test_an_import_names_a_refused_version_and_continues() -> None:
    source = _all(
        _version("a", 1),
        _version("b", 2),
        _version("c", 3, ("a", 1)),
        _version("d", 4, ("c", 3), ("b", 2)),
        _version("e", 5, ("b", 2)),
        _version("a", 6),
        scopes=[ScopeSettings("a", {"compatibilityLevel": "FULL"}, "READONLY")],
    )
    client = Scripted("register a 1 1", REFUSED)
    assert await _failures(client, source) == [
        Failure(Step(Action.REGISTER, "a", 1), "no schema (error 42201)", 42201),
        Failure(Step(Action.REGISTER, "c", 3), "references a version 1, which failed", skipped=True),
        Failure(Step(Action.REGISTER, "d", 4), "references c version 3, which failed", skipped=True),
    ]
    assert client.steps == [
        "mode  IMPORT",
        "register a 1 1",
        "register b 2 2",
        "register e 5 5",
        "register a 6 6",
        "config a {'compatibility': 'FULL'}",
        "no mode ",
        "mode a READONLY",
    ]


async def test_references_are_resolved_in_the_context_of_the_version() -> None:
    source = _all(_version(":.c:a", 1), _version(":.c:b", 2, ("a", 1)), _version("a", 3), _version("b", 4, ("a", 3)))
    failures = await _failures(Scripted("register :.c:a 1 1", REFUSED), source)
    assert [failure.step.name for failure in failures] == [":.c:a version 1", ":.c:b version 2"]


async def test_a_version_that_became_another_one_fails() -> None:
    client = Scripted()
    client.became = {"id": 77}
    failures = await _failures(client, _all(_version("a", 1), _version("b", 2, ("a", 1))))
    assert [(each.step.scope, each.skipped) for each in failures] == [("a", False), ("b", True)]
    assert failures[0].why == "a version 1, id 1, became version 1, id 77"


@pytest.mark.parametrize(
    "error",
    [RegistryUnreachableError("http://x", "gone"), asyncio.CancelledError(), RegistryError(401, 401, "Unauthorized")],
)
@pytest.mark.parametrize("failing", ["mode s IMPORT", "register :.c:s 4 9", "delete s 1", "config s {'alias': 't'}"])
async def test_errors_that_concern_every_step_end_the_import(failing: str, error: Any) -> None:
    client, failures = Scripted(failing, error), list[Failure]()
    with pytest.raises(type(error)):
        await apply_import(client, TARGET, WORK, report=failures.append)
    assert client.steps[-3:] == ["mode s READONLY", "no mode :.c:", "mode  READWRITE"]
    assert failures == []


async def test_a_scope_without_import_mode_gets_no_schemas() -> None:
    source = _all(_version("a", 1), _version(":.c:a", 2), _version("b", 3, (":.c:a", 2)))
    client = Scripted("mode :.c: IMPORT", REFUSED)
    assert [(each.step.name, each.why) for each in await _failures(client, source)] == [
        ("mode of :.c:", "no schema (error 42201)"),
        (":.c:a version 2", "the mode of :.c: could not be set to IMPORT"),
        ("b version 3", "references :.c:a version 2, which failed"),
    ]
    # The refused mode is not put back: it was never set.
    assert client.steps == ["mode  IMPORT", "mode :.c: IMPORT", "register a 1 1", "no mode "]


async def test_a_mode_that_may_have_been_set_is_put_back() -> None:
    client = Scripted("mode  IMPORT", RegistryError(500, 50001, "Error in the store"))
    await _failures(client, _all(_version("a", 1)))
    assert client.steps == ["mode  IMPORT", "no mode "]


@pytest.mark.parametrize("failing", ["delete a 1", "config a {'compatibility': 'FULL'}", "mode a READONLY"])
async def test_refused_deletes_and_settings_are_named_and_the_others_done(failing: str) -> None:
    source = _all(
        _version("a", 1, deleted=True),
        _version("a", 2),
        _version("b", 3, deleted=True),
        scopes=[ScopeSettings(name, {"compatibilityLevel": "FULL"}, "READONLY") for name in "ab"],
    )
    untroubled, client = Scripted(), Scripted(failing, REFUSED)
    assert await _failures(untroubled, source) == []
    [failure] = await _failures(client, source)
    assert failure.step.scope == "a"
    assert failing.startswith(failure.step.action)
    assert client.steps == untroubled.steps


async def test_a_failed_version_is_not_deleted() -> None:
    source = _all(_version("a", 1, deleted=True), _version("a", 2))
    client = Scripted("register a 1 1", REFUSED)
    assert [each.step for each in await _failures(client, source)] == [Step(Action.REGISTER, "a", 1)]
    assert not any(step.startswith("delete") for step in client.steps)


async def test_a_mode_that_takes_ids_and_is_refused_is_put_back() -> None:
    source = _all(_version("a", 1), scopes=[ScopeSettings("", None, "FORWARD")])
    client = Scripted("mode  FORWARD", REFUSED)
    assert [each.step for each in await _failures(client, source)] == [Step(Action.MODE, "")]
    assert client.steps == ["mode  IMPORT", "register a 1 1", "mode  FORWARD", "no mode "]


async def test_no_context_is_left_with_soft_deleted_versions_alone_while_versions_are_missing() -> None:
    """The next import would find that IMPORT mode removes them, and refuse."""
    source = _all(_version(":.c:a", 1, deleted=True), _version(":.c:b", 2), _version("a", 3, deleted=True))
    client = Scripted("register :.c:b 2 2", REFUSED)
    assert [(each.step.name, each.why, each.skipped) for each in await _failures(client, source)] == [
        (":.c:b version 2", "no schema (error 42201)", False),
        (":.c:a version 1", "soft-deleted only when the failed steps of :.c: are done", True),
    ]
    assert [step for step in client.steps if step.startswith("delete")] == ["delete a 3"]


@pytest.mark.parametrize("mode", ["READONLY", None])
async def test_nor_is_a_subject_that_will_have_a_mode_of_its_own(mode: str | None) -> None:
    scopes = [ScopeSettings("a", None, mode)] if mode else []
    source = _all(_version("a", 1, deleted=True), _version("a", 2), _version("b", 3), scopes=scopes)
    client = Scripted("register a 2 2", REFUSED)
    await _failures(client, source)
    assert ("delete a 1" in client.steps) == (mode is None)


async def test_a_subject_with_failed_versions_becomes_no_alias_yet() -> None:
    source = _all(
        _version("a", 1),
        _version("b", 2),
        scopes=[ScopeSettings("a", {"alias": "x"}), ScopeSettings("b", {"alias": "x"})],
    )
    client = Scripted("register a 1 1", REFUSED)
    assert [each.step for each in await _failures(client, source)] == [
        Step(Action.REGISTER, "a", 1),
        Step(Action.CONFIG, "a"),
    ]
    assert "config b {'alias': 'x'}" in client.steps


async def test_failures_are_taken_out_of_what_is_left() -> None:
    source = _all(_version("a", 1, deleted=True), _version("b", 2), _version("c", 3), scopes=TARGET.scopes)
    failures = await _failures(Scripted(("register a 1 1", "mode s READONLY"), REFUSED), source)
    left = compare(source, _all(_version("b", 2))).without(failures)
    assert [each.subject for each in left.register] == ["c"]
    assert (left.delete, left.modes) == ([], {"": "READWRITE"})
    assert left.without([Failure(Step(Action.REGISTER, "c", 3), ""), Failure(Step(Action.MODE, ""), "")]).is_done
