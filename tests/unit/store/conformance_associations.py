"""What every store must do with associations."""

import msgspec

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import Association, AssociationStrength, ChangeKind, Store, Transaction
from unit.store.building import rolled_back, subject


def association(resource: str = "id1", kind: str = "value", **values: object) -> Association:
    given = {
        "resource_type": "topic",
        "resource_name": "topic1",
        "resource_namespace": "cluster1",
        "subject": subject("s"),
        "guid": f"{resource}-{kind}",
        "lifecycle": AssociationStrength.WEAK,
        "frozen": False,
        "created_at": 1,
        "updated_at": 2,
        **values,
    }
    return Association(resource_id=resource, association_type=kind, **given)  # type: ignore[arg-type]


async def put(store: Store, *associations: Association) -> None:
    async with store.transaction() as transaction:
        for each in associations:
            await transaction.put_association(each)


class Associations:
    """Associations: one fact per resource and type, found by subject, id and name."""

    async def test_there_are_none_at_first(self, store: Store) -> None:
        assert await store.associations() == []
        assert await store.associations_of_subject(subject("s")) == []
        assert await store.associations_of_resource("id1") == []
        assert await store.associations_of_name("topic1") == []

    async def test_one_comes_back_as_it_was_stored(self, store: Store) -> None:
        given = association(
            resource_name="é😀",
            resource_namespace="'",
            subject=Subject(".c", "a/b"),
            lifecycle=AssociationStrength.STRONG,
            frozen=True,
        )
        async with store.transaction() as transaction:
            await transaction.put_association(given)
            assert await transaction.associations_of_resource("id1") == [given]
        assert await store.associations() == [given]
        assert await store.associations_of_subject(Subject(".c", "a/b")) == [given]
        assert await store.associations_of_name("é😀") == [given]
        assert await store.associations_of_subject(subject("a/b")) == []
        assert await store.associations_of_name("É😀") == []
        assert await store.associations_of_name("\x00") == []

    async def test_the_time_of_the_write_stands_in_for_none(self, store: Store) -> None:
        await put(store, association(created_at=0, updated_at=0))
        (found,) = await store.associations()
        (change,) = await store.changes(0)
        assert (found.created_at, found.updated_at) == (change.at, change.at)

    async def test_a_resource_has_one_of_each_type(self, store: Store) -> None:
        await put(store, association(), association(kind="key"))
        await put(store, association(subject=subject("t"), updated_at=5))
        assert [(str(each.subject), each.association_type) for each in await store.associations_of_resource("id1")] == [
            ("s", "key"),
            ("t", "value"),
        ]
        assert await store.associations_of_subject(subject("s")) == [association(kind="key")]

    async def test_order(self, store: Store) -> None:
        await put(
            store,
            association("3", resource_name="b"),
            association("2", "value", resource_name="a"),
            association("2", "key", resource_name="a"),
            association("1", resource_name="b", resource_namespace="a"),
        )
        ids = [(each.resource_id, each.association_type) for each in await store.associations()]
        assert ids == [("1", "value"), ("2", "key"), ("2", "value"), ("3", "value")]
        assert [each.resource_id for each in await store.associations_of_name("b")] == ["1", "3"]
        assert [each.resource_id for each in await store.associations_of_subject(subject("s"))] == ["1", "2", "2", "3"]

    async def test_removing(self, store: Store) -> None:
        await put(store, association(), association(kind="key"))
        async with store.transaction() as transaction:
            await transaction.remove_association(association(kind="key"))
            await transaction.remove_association(association(kind="key"))
            await transaction.remove_association(association("other"))
            assert await transaction.associations() == [association()]
        assert await store.associations() == [association()]
        await put(store, association(kind="key", updated_at=9))
        assert [each.updated_at for each in await store.associations()] == [9, 2]

    async def test_the_log_says_what_became_of_which_subject(self, store: Store) -> None:
        await put(store, association())
        async with store.transaction() as transaction:
            await transaction.remove_association(association())
        changes = await store.changes(0)
        assert [(each.revision, each.kind, each.subject) for each in changes] == [
            (1, ChangeKind.ASSOCIATION_SET, subject("s")),
            (2, ChangeKind.ASSOCIATION_REMOVED, subject("s")),
        ]
        assert msgspec.json.decode(changes[0].detail or "", type=Association) == association()
        assert await store.last_changed([subject("s")]) == 2

    async def test_nothing_stays_of_a_transaction_that_fails(self, store: Store) -> None:
        await put(store, association())

        async def write(transaction: Transaction) -> None:
            await transaction.remove_association(association())
            await transaction.put_association(association("other"))

        await rolled_back(store, write)
        assert await store.associations() == [association()]
