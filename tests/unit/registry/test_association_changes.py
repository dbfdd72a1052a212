"""What the HTTP cases of associations do not show: races, and registries that delete nothing for good."""

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry import ErrorCode, Registry, RegistryOptions, association_changes
from llm_schema_registry.registry.association_changes import associate, dissociate
from llm_schema_registry.registry.associations import AssociationEntry, AssociationFilter, Operation, Resource, of_name
from llm_schema_registry.registry.deletion import delete_subject
from llm_schema_registry.store import AssociationStrength, ChangeKind
from unit.registry.building import S1, S2, S, put, record, reference, refused, request

TOPIC = Resource("id1", "topic", "t", "c")
OWN = Subject(".c", "t-value")


async def strong(registry: Registry, schema: str = S1) -> None:
    entry = AssociationEntry(schema=request(schema))
    await associate(registry, TOPIC, [entry], Operation.CREATE, context=".")


async def weak(registry: Registry, subject: str = "s") -> None:
    await associate(registry, TOPIC, [AssociationEntry(subject=subject)], Operation.CREATE, context=".")


async def test_a_schema_and_its_association_are_one_write(registry: Registry) -> None:
    await strong(registry)
    assert {change.revision for change in await registry.store.changes(0)} == {1}
    assert [change.kind for change in await registry.store.changes(0)][-1] is ChangeKind.ASSOCIATION_SET


@pytest.mark.parametrize(("schema", "refusal"), [(S1, None), (S2, ErrorCode.INVALID_ASSOCIATION)])
async def test_what_was_decided_ahead_is_decided_again_if_the_subject_moved(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, schema: str, refusal: ErrorCode | None
) -> None:
    decided_ahead = association_changes._decided_ahead

    async def then_somebody_registers(*arguments: object) -> object:
        ahead = await decided_ahead(*arguments)  # type: ignore[arg-type]
        await put(registry, schema, OWN)
        return ahead

    monkeypatch.setattr(association_changes, "_decided_ahead", then_somebody_registers)
    if refusal is None:
        await strong(registry)
    else:
        await refused(refusal, strong(registry))
    assert [version.version for version in await registry.store.versions(OWN)] == [1]
    assert len(await registry.store.associations()) == (1 if refusal is None else 0)


async def test_a_reference_made_meanwhile_is_seen(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(registry, S1, OWN)
    parent = record(name="P", fields=[{"name": "r", "type": "R"}])
    await put(registry, parent, references=[reference("R", str(OWN))])
    await refused(ErrorCode.SUBJECT_REFERENCED, strong(registry))


async def test_soft_deleted_versions_are_versions_of_a_subject(registry: Registry) -> None:
    await put(registry, S2, OWN)
    await delete_subject(registry, OWN)
    await refused(ErrorCode.INVALID_ASSOCIATION, strong(registry))
    assert await registry.store.latest(OWN) is None


async def test_an_association_gone_takes_its_subject_softly_where_nothing_is_deleted_for_good() -> None:
    from llm_schema_registry.store.factory import open_store

    store = await open_store("sqlite:///:memory:")
    registry = Registry(store, RegistryOptions(permanent_delete=False))
    await strong(registry)
    await dissociate(registry, "id1", AssociationFilter(), cascade=True)
    assert [version.deleted for version in await store.versions(OWN)] == [True]
    assert await store.associations() == []
    await store.close()


async def test_weak_associations_leave_their_subject(registry: Registry) -> None:
    await put(registry)
    await weak(registry)
    await dissociate(registry, "id1", AssociationFilter(), cascade=True)
    assert await registry.store.latest(S) is not None


async def test_one_bad_entry_spoils_the_request(registry: Registry) -> None:
    await put(registry)
    entries = [AssociationEntry(subject="s"), AssociationEntry(subject="nosuch", association_type="key")]
    await refused(ErrorCode.SUBJECT_WITHOUT_VERSION, associate(registry, TOPIC, entries, Operation.CREATE, context="."))
    assert await registry.store.associations() == []


async def test_dry_runs_write_nothing(registry: Registry) -> None:
    entry = AssociationEntry(schema=request(S1))
    assert await associate(registry, TOPIC, [entry], Operation.CREATE, context=".", dry_run=True) == []
    await refused(
        ErrorCode.INVALID_SCHEMA,
        associate(
            registry, TOPIC, [AssociationEntry(schema=request("x"))], Operation.CREATE, context=".", dry_run=True
        ),
    )
    assert await registry.store.revision() == 0


async def test_filters(registry: Registry) -> None:
    await put(registry)
    await weak(registry)
    found = await of_name(registry.store, "-", "t")
    assert [str(each.subject) for each in found] == ["s"]
    assert await of_name(registry.store, "d", "t") == []
    assert AssociationFilter(lifecycle=AssociationStrength.WEAK).among(found) == found
    assert AssociationFilter(lifecycle=AssociationStrength.STRONG).among(found) == []
    assert AssociationFilter("queue").among(found) == []
    assert AssociationFilter(types=["key"]).among(found) == []
