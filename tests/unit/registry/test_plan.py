"""Plans leave nothing behind, and decide as registration does."""

from pathlib import Path
from typing import Any

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.core.budget import DEFAULT_STEPS
from llm_schema_registry.registry import ErrorCode, Registry, RegistryOptions
from llm_schema_registry.registry.deletion import delete_subject
from llm_schema_registry.registry.identifiers import LATEST
from llm_schema_registry.registry.offload import ProcessOffload
from llm_schema_registry.registry.plan import Action, Planned, plan
from llm_schema_registry.store.factory import open_store
from unit.registry.building import S1, S2, S4, S, put, record, reference, refused, request

PART, WHOLE = Subject(".", "part"), Subject(".", "whole")
WHOLE_TEXT = record("p:Part", name="Whole")


def planned(subject: Subject, schema: str, **values: object) -> Planned:
    return Planned(subject, request(schema, **values))


async def test_new_subjects_and_references_inside_the_set(registry: Registry) -> None:
    schemas = [
        planned(WHOLE, WHOLE_TEXT, references=[reference("Part", "part", LATEST)]),
        planned(PART, record("x:int", name="Part")),
        planned(PART, record("x:int", "y:int=0", name="Part")),
    ]
    outcomes = (await plan(registry, schemas)).outcomes
    assert [outcome.action for outcome in outcomes] == [Action.REGISTER] * 3
    whole = outcomes[0].registered
    assert whole is not None
    assert whole.content.references == (reference("Part", "part", 2),)
    assert await registry.store.revision() == 0
    assert await registry.store.subjects() == []

    applied = await plan(registry, schemas, apply=True)
    assert applied.applied
    assert [outcome.action for outcome in applied.outcomes] == [Action.REGISTER] * 3
    assert await registry.store.subjects() == [PART, WHOLE]
    again = await plan(registry, schemas[1:], apply=True)
    assert [outcome.action for outcome in again.outcomes] == [Action.UNCHANGED] * 2


async def test_one_refusal_keeps_all_from_being_applied(registry: Registry) -> None:
    await put(registry)
    before = await registry.store.revision()
    refused = await plan(registry, [planned(PART, S2), planned(S, S4), planned(S, "no avro")], apply=True)
    assert (refused.refused, refused.applied) == (True, False)
    outcomes = refused.outcomes
    assert [outcome.action for outcome in outcomes] == [Action.REGISTER, Action.REFUSE, Action.REFUSE]
    errors = [outcome.error.code for outcome in outcomes if outcome.error]
    assert errors == [ErrorCode.INCOMPATIBLE_SCHEMA, ErrorCode.INVALID_SCHEMA]
    assert await registry.store.revision() == before


async def test_what_a_plan_saw_is_forgotten(registry: Registry) -> None:
    """A rolled-back id is given again to other content: no cache may remember the plan's."""
    (outcome,) = (await plan(registry, [planned(S, S1)])).outcomes
    assert outcome.registered is not None
    registered = await put(registry, S4)
    assert registered.content.schema_id == outcome.registered.content.schema_id == 1
    assert await registry.schemas.content(registry.store, ".", 1) == registered.content


async def test_cycles_of_references_are_refused(registry: Registry) -> None:
    circle = await plan(
        registry,
        [
            planned(WHOLE, WHOLE_TEXT, references=[reference("Part", "part")]),
            planned(PART, record("w:Whole", name="Part"), references=[reference("Whole", "whole")]),
        ],
    )
    assert [outcome.action for outcome in circle.outcomes] == [Action.REFUSE] * 2


async def test_the_ids_of_a_plan_are_those_that_it_gets(registry: Registry) -> None:
    await put(registry)
    schemas = [planned(PART, S2), planned(WHOLE, S2), planned(S, S2), planned(PART, record("f1:string"))]
    tried = await plan(registry, schemas)
    done = await plan(registry, schemas, apply=True)
    ids = [[o.registered and o.registered.content.schema_id for o in each.outcomes] for each in (tried, done)]
    assert ids == [[2, 2, 2, 1], [2, 2, 2, 1]]
    assert tried.digest == done.digest


async def test_only_the_expected_outcome_is_applied(registry: Registry) -> None:
    await put(registry)
    schemas = [planned(S, S2), planned(PART, S1)]
    expected = (await plan(registry, schemas)).digest
    await put(registry, record("f1:string", "other:int=0"))
    late = await plan(registry, schemas, apply=True, expect=expected)
    assert (late.refused, late.applied) == (False, False)
    assert late.digest != expected
    assert await registry.store.versions(PART) == []
    assert (await plan(registry, schemas, apply=True, expect=late.digest)).applied


async def test_what_changes_meanwhile_is_decided_again(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else registers between the decision and the write."""
    bounded = registry.run_within_budget
    rivals = [S2]

    async def interrupted(*arguments: Any, **options: Any) -> Any:
        outcome = await bounded(*arguments, **options)
        if rivals:
            await put(Registry(registry.store), rivals.pop())
        return outcome

    monkeypatch.setattr(registry, "run_within_budget", interrupted)
    (outcome,) = (await plan(registry, [planned(S, S2)], apply=True)).outcomes
    assert outcome.action is Action.UNCHANGED
    # Who loses every race is let in alone, unless it would take long.
    rivals += [record("f1:string", f'g{number}:string="x"') for number in range(3)]
    assert (await plan(registry, [planned(S, record("f1:string", 'h:string="x"'))], apply=True)).applied
    assert not rivals
    rivals += [record("f1:string", f'i{number}:string="x"') for number in range(3)]
    monkeypatch.setattr(registry.schemas, "steps", 100)
    monkeypatch.setattr(registry, "run_within_budget", _unhurried(registry, rivals))
    wide = record("f1:string", *(f'w{number}:string="x"' for number in range(200)))
    await refused(ErrorCode.CONCURRENT_CHANGE, plan(registry, [planned(S, wide)], apply=True))


def _unhurried(registry: Registry, rivals: list[str]) -> Any:
    """The work is done elsewhere, and rivals are faster."""

    async def bounded(use_case: Any, *arguments: Any) -> Any:
        outcome = await use_case(Registry(registry.store, steps=DEFAULT_STEPS), *arguments)
        await put(Registry(registry.store), rivals.pop())
        return outcome

    return bounded


async def test_soft_deleted_versions_and_their_numbers(registry: Registry) -> None:
    """A plan over a subject that was deleted counts on as registration does, and drops what lives again."""
    await put(registry)
    await put(registry, S2)
    await delete_subject(registry, S)
    schemas = [planned(S, S2), planned(S, S1)]
    tried = await plan(registry, schemas)
    assert [o.registered and o.registered.version.version for o in tried.outcomes] == [3, 4]
    assert (await plan(registry, schemas, apply=True)).digest == tried.digest
    assert [version.version for version in await registry.store.versions(S)] == [3, 4]


async def test_a_refusal_can_show_a_payload(registry: Registry) -> None:
    """Also of schemas that refer to what only the plan has."""
    part = planned(PART, record("x:int", name="Part"))
    await put(registry, record("p:int", name="Whole"), WHOLE)
    refers = planned(WHOLE, WHOLE_TEXT, references=[reference("Part", "part", LATEST)])
    outcomes = (await plan(registry, [refers, part], witness=True)).outcomes
    assert outcomes[0].witness is not None
    assert isinstance(outcomes[0].witness.payload["p"], int)
    assert (await plan(registry, [refers, part])).outcomes[0].witness is None


async def test_heavy_plans_are_made_elsewhere(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/registry.db")
    heavy = ProcessOffload(f"sqlite:///{tmp_path}/registry.db", RegistryOptions())
    wide = record(*(f"f{number}:string" for number in range(3_000)))
    here = Registry(store, steps=1_000)
    await refused(ErrorCode.BUDGET_EXCEEDED, plan(here, [planned(S, wide)]))
    both = Registry(store, steps=1_000, elsewhere=heavy)
    applied = await plan(both, [planned(S, wide), planned(PART, S1), planned(WHOLE, "no avro")], apply=True)
    assert [outcome.action for outcome in applied.outcomes] == [Action.REGISTER, Action.REGISTER, Action.REFUSE]
    assert (await plan(both, [planned(S, wide), planned(PART, S1)], apply=True)).applied
    assert await store.revision() == 1
    heavy.close()
    await store.close()
