"""Plans leave nothing behind, and decide as registration does."""

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry import ErrorCode, Registry
from llm_schema_registry.registry.naming import LATEST
from llm_schema_registry.registry.planning import Action, Planned, plan
from unit.registry.building import S1, S2, S4, S, put, record, reference, request

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
    outcomes = await plan(registry, schemas)
    assert [outcome.action for outcome in outcomes] == [Action.REGISTER] * 3
    whole = outcomes[0].registered
    assert whole is not None
    assert whole.content.references == (reference("Part", "part", 2),)
    assert await registry.store.revision() == 0
    assert await registry.store.subjects() == []

    applied = await plan(registry, schemas, apply=True)
    assert [outcome.action for outcome in applied] == [Action.REGISTER] * 3
    assert await registry.store.subjects() == [PART, WHOLE]
    again = await plan(registry, schemas[1:], apply=True)
    assert [outcome.action for outcome in again] == [Action.UNCHANGED] * 2


async def test_one_refusal_keeps_all_from_being_applied(registry: Registry) -> None:
    await put(registry)
    before = await registry.store.revision()
    outcomes = await plan(registry, [planned(PART, S2), planned(S, S4), planned(S, "no avro")], apply=True)
    assert [outcome.action for outcome in outcomes] == [Action.REGISTER, Action.REFUSE, Action.REFUSE]
    errors = [outcome.error.code for outcome in outcomes if outcome.error]
    assert errors == [ErrorCode.INCOMPATIBLE_SCHEMA, ErrorCode.INVALID_SCHEMA]
    assert await registry.store.revision() == before


async def test_what_a_plan_saw_is_forgotten(registry: Registry) -> None:
    """A rolled-back id is given again to other content: no cache may remember the plan's."""
    (outcome,) = await plan(registry, [planned(S, S1)])
    assert outcome.registered is not None
    registered = await put(registry, S4)
    assert registered.content.schema_id == outcome.registered.content.schema_id == 1
    assert await registry.schemas.content(registry.store, ".", 1) == registered.content


async def test_cycles_of_references_are_refused(registry: Registry) -> None:
    outcomes = await plan(
        registry,
        [
            planned(WHOLE, WHOLE_TEXT, references=[reference("Part", "part")]),
            planned(PART, record("w:Whole", name="Part"), references=[reference("Whole", "whole")]),
        ],
    )
    assert [outcome.action for outcome in outcomes] == [Action.REFUSE] * 2
