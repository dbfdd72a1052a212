"""What every store must do: a test class with these bases and a `store` fixture holds an implementation to it.

The `store` fixture is an empty store whose clock stands at `NOW`.
"""

import pytest

from llm_schema_registry.contracts import (
    DEFAULT_SCOPE,
    GLOBAL_SCOPE,
    Metadata,
    Reference,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    Subject,
)
from llm_schema_registry.store import ChangeKind, Setting, State, Store, StoredSchema, Version
from unit.store.building import REGISTERED, content, register, registered, rolled_back, subject
from unit.store.conformance_associations import Associations
from unit.store.conformance_lists import Lists
from unit.store.conformance_transactions import Transactions

NOW = 1_700_000_000_000
# No name of a subject, but a part of what JSON can bring.
UNNAMEABLE_TEXTS = ("\x00", "a\x00b", "\ud800", "x\udfffy\x00", "\x01", "\x010000", "\x01d800", "\ud83d\ude00")
ODD_TEXTS = ("", "a", "%", "_", "\\", "'", '"', "é", "😀", "\n", "a\x01b", "$1", "?", ":x", "null")


class Contents:
    """Schemas: content under an id, identity across contexts."""

    async def test_an_empty_store_knows_nothing(self, store: Store) -> None:
        assert await store.revision() == 0
        assert await store.schema(".", 1) is None
        assert await store.schemas_by_guid("none") == []
        assert await store.max_schema_id(".") == 0
        assert await store.version(subject("s"), 1) is None
        assert await store.versions(subject("s")) == []
        assert await store.latest(subject("s")) is None
        assert await store.contexts() == ["."]
        assert await store.last_changed([DEFAULT_SCOPE, GLOBAL_SCOPE, subject("s")]) == 0
        assert await store.changes(0) == []

    async def test_content_comes_back_as_it_was_stored(self, store: Store) -> None:
        given = StoredSchema(
            context=".team",
            schema_id=41,
            guid="0b8e5a0c",
            schema_type="PROTOBUF",
            text='syntax = "proto3"; // é😀\n',
            references=(Reference("a.proto", "a", 1), Reference("b.proto", ":.other:b", 2)),
            metadata=Metadata(tags={"**.ssn": ["PII"]}, properties={"owner": "é"}, sensitive=["owner"]),
            rule_set=RuleSet(
                domain_rules=[Rule(name="r", type="CEL", kind=RuleKind.CONDITION, mode=RuleMode.WRITE, expr="true")]
            ),
            created_at=12,
        )
        async with store.transaction() as transaction:
            assert await transaction.add_schema(given) == given
            assert await transaction.schema(".team", 41) == given
        assert await store.schema(".team", 41) == given

    @pytest.mark.parametrize("text", ODD_TEXTS)
    async def test_any_text_comes_back_as_it_was_stored(self, store: Store, text: str) -> None:
        async with store.transaction() as transaction:
            stored = await transaction.add_schema(content(text))
            await transaction.put_version(Version(subject=subject(text + "x"), version=1, schema_id=1), REGISTERED)
        assert await store.schema(".", 1) == stored
        assert await store.subjects(prefix=text) == [subject(text + "x")]
        assert await store.subjects(prefix=text + "y") == []

    @pytest.mark.parametrize("text", [*ODD_TEXTS, *UNNAMEABLE_TEXTS])
    async def test_no_text_is_too_odd_for_what_names_nothing(self, store: Store, text: str) -> None:
        async with store.transaction(text) as transaction:
            stored = await transaction.add_schema(content(text))
            assert await transaction.schema(".", 1) == stored
            await transaction.put_setting(subject("s"), Setting.CONFIG, text)
            await transaction.put_setting(subject("s"), Setting.CONFIG, text)
            assert await transaction.setting(subject("s"), Setting.CONFIG) == text
        assert await store.schema(".", 1) == stored
        assert await store.setting(subject("s"), Setting.CONFIG) == text
        changes = await store.changes(0)
        assert [(change.actor, change.kind) for change in changes] == [
            (text, ChangeKind.SCHEMA_ADDED),
            (text, ChangeKind.CONFIG_SET),
        ]
        assert changes[1].detail == text

    async def test_texts_within_metadata_and_rules_may_have_any_character(self, store: Store) -> None:
        odd = "a\x00\x01\u2028\uffff😀"
        given = StoredSchema(
            context=".",
            schema_id=1,
            guid="0b8e5a0c",
            schema_type="AVRO",
            text="",
            references=(Reference(odd, odd, 1), Reference("n", "base", 1)),
            metadata=Metadata(tags={odd: [odd]}, properties={odd: odd}, sensitive=[odd]),
            rule_set=RuleSet(
                domain_rules=[Rule(name=odd, type="CEL", kind=RuleKind.CONDITION, mode=RuleMode.WRITE, expr=odd)]
            ),
            created_at=12,
        )
        async with store.transaction() as transaction:
            await transaction.add_schema(given)
            await transaction.put_version(Version(subject=subject("s"), version=1, schema_id=1), REGISTERED)
        assert await store.schema(".", 1) == given
        assert await store.schemas_by_guid("0b8e5a0c") == [given]
        assert await store.referrers(subject(odd)) == []
        assert [str(version.subject) for version in await store.referrers(subject("base"))] == ["s"]

    async def test_time_is_the_clocks_where_none_is_given(self, store: Store) -> None:
        async with store.transaction() as transaction:
            assert (await transaction.add_schema(content())).created_at == NOW
            await transaction.put_version(Version(subject=subject("s"), version=1, schema_id=1), REGISTERED)
            await transaction.put_version(
                Version(subject=subject("s"), version=2, schema_id=1, registered_at=5), REGISTERED
            )
        assert [version.registered_at for version in await store.versions(subject("s"))] == [NOW, 5]
        assert {change.at for change in await store.changes(0)} == {NOW}

    async def test_ids_are_contiguous_in_each_context(self, store: Store) -> None:
        for round_number in range(1, 4):
            for context in (".", ".a"):
                async with store.transaction() as transaction:
                    stored = await transaction.add_schema(content(str(round_number), context))
                assert stored.schema_id == round_number
                assert await store.max_schema_id(context) == round_number

    async def test_a_rolled_back_id_is_given_to_the_next(self, store: Store) -> None:
        await rolled_back(store, lambda transaction: transaction.add_schema(content("1")))
        async with store.transaction() as transaction:
            assert (await transaction.add_schema(content("2"))).schema_id == 1

    async def test_a_removed_id_is_never_given_again(self, store: Store) -> None:
        async with store.transaction() as transaction:
            await transaction.add_schema(content("1"))
            await transaction.add_schema(content("2"))
        async with store.transaction() as transaction:
            await transaction.remove_schema(".", 2)
        assert await store.schema(".", 2) is None
        assert await store.max_schema_id(".") == 2
        async with store.transaction() as transaction:
            assert (await transaction.add_schema(content("3"))).schema_id == 3

    async def test_a_given_id_moves_the_counter_forward_only(self, store: Store) -> None:
        async with store.transaction() as transaction:
            assert (await transaction.add_schema(content("1", schema_id=100))).schema_id == 100
            assert (await transaction.add_schema(content("2"))).schema_id == 101
            assert (await transaction.add_schema(content("3", schema_id=50))).schema_id == 50
            assert (await transaction.add_schema(content("4"))).schema_id == 102
        assert await store.max_schema_id(".") == 102

    async def test_a_taken_id_is_refused_and_nothing_breaks(self, store: Store) -> None:
        async with store.transaction() as transaction:
            await transaction.add_schema(content("1"))
        async with store.transaction() as transaction:
            with pytest.raises(ValueError, match="1 is taken in context"):
                await transaction.add_schema(content("2", schema_id=1))
            await transaction.add_schema(content("2", ".other", schema_id=1))
        found = await store.schema(".", 1)
        assert found is not None
        assert found.text == "1"
        assert [change.kind for change in await store.changes(1)] == [
            ChangeKind.CONTEXT_ADDED,
            ChangeKind.SCHEMA_ADDED,
        ]

    async def test_ids_end_at_the_largest_32_bit_integer(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for wrong in (-1, 2**31, 2**70):
                with pytest.raises(ValueError, match="is not within"):
                    await transaction.add_schema(content("1", schema_id=wrong))
            await transaction.add_schema(content("1", schema_id=2**31 - 1))
            with pytest.raises(ValueError, match="is not within"):
                await transaction.add_schema(content("2"))
            assert (await transaction.add_schema(content("3", schema_id=7))).schema_id == 7

    async def test_a_guid_is_found_in_every_context_default_first(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for context, schema_id in ((".b", 1), (".a", 2), (".a", 1), (".", 9)):
                await transaction.add_schema(content("same", context, schema_id))
            await transaction.add_schema(content("other"))
        found = await store.schemas_by_guid(content("same").guid)
        assert [(schema.context, schema.schema_id) for schema in found] == [
            (".", 9),
            (".a", 1),
            (".a", 2),
            (".b", 1),
        ]

    async def test_removing_what_is_not_there_changes_nothing(self, store: Store) -> None:
        async with store.transaction() as transaction:
            await transaction.remove_schema(".", 1)
            await transaction.remove_version(subject("s"), 1)
            await transaction.remove_context(".gone")
            await transaction.remove_context(".")
            await transaction.put_setting(subject("s"), Setting.MODE, None)
        assert await store.revision() == 0
        assert await store.contexts() == ["."]

    async def test_questions_no_store_can_hold_an_answer_to(self, store: Store) -> None:
        await registered(store, "s")
        assert await store.schema(".", 2**80) is None
        assert await store.schema(".", -1) is None
        assert await store.version(subject("s"), -(2**80)) is None
        assert await store.versions(subject("\ud800")) == []
        assert await store.latest(Subject("\udfff", "s")) is None
        for odd in ("\x00", "s\x00", "\ud800"):
            assert await store.latest(subject(odd)) is None
            assert await store.subjects(prefix=odd) == []
            assert await store.setting(Subject(odd, odd), Setting.MODE) is None
            assert await store.last_changed([subject(odd), Subject(odd, "s")]) == 0
            assert await store.schemas_by_guid(odd) == []
            async with store.transaction() as transaction:
                assert await transaction.versions(subject(odd)) == []
                assert await transaction.version(subject("s"), 2**80) is None
                assert await transaction.last_changed([subject(odd), subject("s")]) == 1
        assert await store.subjects(offset=2**80) == []
        assert await store.subjects(limit=2**80) == [subject("s")]
        assert await store.changes(2**80) == []


class Versions:
    """Versions: current facts, the latest, the ways back from content and from references."""

    async def test_a_later_fact_supersedes(self, store: Store) -> None:
        first = await registered(store, "s")
        deprecated = Version(subject=first.subject, version=1, schema_id=1, state=State.DEPRECATED, registered_at=7)
        async with store.transaction() as transaction:
            await transaction.put_version(deprecated, ChangeKind.VERSION_STATE_CHANGED)
            assert await transaction.version(first.subject, 1) == deprecated
            assert await store.version(first.subject, 1) == first
        assert await store.versions(first.subject) == [deprecated]

    async def test_facts_of_one_transaction_supersede_each_other(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for state in (State.DRAFT, State.ACTIVE, State.ARCHIVED):
                await transaction.put_version(
                    Version(subject=subject("s"), version=1, schema_id=1, state=state), REGISTERED
                )
            await transaction.remove_version(subject("s"), 1)
            await transaction.put_version(Version(subject=subject("s"), version=1, schema_id=2), REGISTERED)
        assert [version.schema_id for version in await store.versions(subject("s"))] == [2]

    async def test_versions_come_in_order_with_every_state(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for number, state in ((10, State.DRAFT), (9, State.ARCHIVED), (2, State.ACTIVE), (1, State.DEPRECATED)):
                await register(transaction, "s", version=number, state=state, deleted=number == 9)
            await register(transaction, "S", version=3)
        found = await store.versions(subject("s"))
        assert [(version.version, version.state, version.deleted) for version in found] == [
            (1, State.DEPRECATED, False),
            (2, State.ACTIVE, False),
            (9, State.ARCHIVED, True),
            (10, State.DRAFT, False),
        ]
        assert [await store.version(subject("s"), version.version) for version in found] == found

    @pytest.mark.parametrize(
        ("facts", "latest"),
        [
            ("", None),
            ("A", 1),
            ("AA", 2),
            ("AD", 1),
            ("DA", 2),
            ("DD", 2),
            ("DaR", 1),
            ("WRad", None),
            ("AWR", 1),
            ("ADaD", 1),
            ("dDRW", 2),
            ("A" * 12, 12),
        ],
    )
    async def test_latest(self, store: Store, facts: str, latest: int | None) -> None:
        """One letter a version: ACTIVE, DEPRECATED, aRchived, draft (W); lower case is soft-deleted."""
        states = {"A": State.ACTIVE, "D": State.DEPRECATED, "R": State.ARCHIVED, "W": State.DRAFT}
        async with store.transaction() as transaction:
            for number, letter in enumerate(facts, 1):
                await register(transaction, "s", version=number, state=states[letter.upper()], deleted=letter.islower())
            found = await transaction.latest(subject("s"))
        assert (None if found is None else found.version) == latest
        assert await store.latest(subject("s")) == found

    async def test_a_removed_version_is_gone_and_its_number_free(self, store: Store) -> None:
        await registered(store, "s")
        await registered(store, "s", version=2)
        async with store.transaction() as transaction:
            await transaction.remove_version(subject("s"), 2)
        assert [version.version for version in await store.versions(subject("s"))] == [1]
        assert await store.version(subject("s"), 2) is None
        assert await store.versions_of_schema(".", 2) == []
        again = await registered(store, "s", version=2)
        assert await store.latest(subject("s")) == again

    async def test_versions_are_counted_unless_deleted(self, store: Store) -> None:
        assert await store.count_versions() == (0, 0)
        async with store.transaction() as transaction:
            for number, context in ((1, "."), (2, "."), (1, ".x")):
                await register(transaction, "s", version=number, context=context)
            await register(transaction, "gone", deleted=True)
        assert await store.count_versions() == (1, 3)
        async with store.transaction() as transaction:
            await transaction.remove_version(subject("s"), 2)
        assert await store.count_versions() == (2, 2)

    async def test_versions_of_a_schema(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for name, number, schema_id in (("b", 1, 1), ("a", 10, 1), ("a", 2, 1), ("a", 1, 2)):
                put = Version(
                    subject=subject(name), version=number, schema_id=schema_id, deleted=name == "b", state=State.DRAFT
                )
                await transaction.put_version(put, REGISTERED)
            await transaction.put_version(Version(subject=subject("a", ".x"), version=1, schema_id=1), REGISTERED)
        found = await store.versions_of_schema(".", 1)
        assert [(str(version.subject), version.version) for version in found] == [("a", 2), ("a", 10), ("b", 1)]
        assert await store.versions_of_schema(".", 3) == []

    async def test_referrers_across_contexts(self, store: Store) -> None:
        async with store.transaction() as transaction:
            await register(transaction, "z", references=(Reference("n", "base", 1),))
            await register(transaction, "a", version=2, references=(Reference("n", "base", 2),), deleted=True)
            await register(transaction, "c", context=".x", references=(Reference("n", "base", 1),))
            await register(transaction, "d", context=".x", references=(Reference("n", ":.:base", 1),))
            twice = (Reference("n", "base", 1), Reference("m", ":.:base", 1), Reference("o", "base", 2))
            await register(transaction, "e", references=twice)

        async def names(of: Subject, version: int | None = None) -> list[str]:
            return [str(referrer.subject) for referrer in await store.referrers(of, version)]

        assert await names(subject("base")) == ["a", "e", "z", ":.x:d"]
        assert await names(subject("base"), 1) == ["e", "z", ":.x:d"]
        assert await names(subject("base"), 2) == ["a", "e"]
        assert await names(subject("base"), 3) == []
        assert await names(subject("base", ".x")) == [":.x:c"]

    async def test_referrers_end_with_their_version_and_with_their_content(self, store: Store) -> None:
        for name in ("one", "two"):
            await registered(store, name, references=(Reference("n", "base", 1),))
        async with store.transaction() as transaction:
            await transaction.remove_version(subject("one"), 1)
            await transaction.remove_schema(".", 1)
        assert [str(referrer.subject) for referrer in await store.referrers(subject("base"), 1)] == ["two"]

    async def test_references_go_with_their_content(self, store: Store) -> None:
        await registered(store, "one", references=(Reference("n", "base", 1),))
        async with store.transaction() as transaction:
            await transaction.remove_schema(".", 1)
            await transaction.add_schema(content("without references", schema_id=1))
        assert await store.versions_of_schema(".", 1) != []
        assert await store.referrers(subject("base")) == []


class Settings:
    """Settings: one text per scope and kind."""

    async def test_settings_belong_to_exactly_one_scope_and_kind(self, store: Store) -> None:
        scopes = [GLOBAL_SCOPE, DEFAULT_SCOPE, subject("s"), Subject(".x", ""), subject("s", ".x")]
        async with store.transaction() as transaction:
            for number, scope in enumerate(scopes):
                await transaction.put_setting(scope, Setting.CONFIG, str(number))
        assert [await store.setting(scope, Setting.CONFIG) for scope in scopes] == ["0", "1", "2", "3", "4"]
        assert [await store.setting(scope, Setting.MODE) for scope in scopes] == [None] * 5
        assert await store.setting(subject("S"), Setting.CONFIG) is None

    async def test_setting_and_removing(self, store: Store) -> None:
        for value in ("1", "2", None, "2"):
            async with store.transaction() as transaction:
                await transaction.put_setting(subject("s"), Setting.MODE, value)
                assert await transaction.setting(subject("s"), Setting.MODE) == value
            assert await store.setting(subject("s"), Setting.MODE) == value
        assert [(change.kind, change.detail) for change in await store.changes(0)] == [
            (ChangeKind.MODE_SET, "1"),
            (ChangeKind.MODE_SET, "2"),
            (ChangeKind.MODE_REMOVED, None),
            (ChangeKind.MODE_SET, "2"),
        ]

    async def test_an_unchanged_value_records_nothing(self, store: Store) -> None:
        for _ in range(2):
            async with store.transaction() as transaction:
                await transaction.put_setting(DEFAULT_SCOPE, Setting.CONFIG, "{}")
        assert await store.revision() == 1

    async def test_scopes_with_a_setting(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for name in ("b", "", "a", "Z"):
                await transaction.put_setting(subject(name), Setting.CONFIG, "{}")
            await transaction.put_setting(subject("m"), Setting.MODE, "{}")
            await transaction.put_setting(subject("x", ".x"), Setting.CONFIG, "{}")
            await transaction.put_setting(subject("b"), Setting.CONFIG, None)
        assert await store.scopes_with_setting(".", Setting.CONFIG) == [subject(""), subject("Z"), subject("a")]
        assert await store.scopes_with_setting(".", Setting.MODE) == [subject("m")]
        assert await store.scopes_with_setting(".none", Setting.MODE) == []


class StoreConformance(Contents, Versions, Settings, Associations, Lists, Transactions):
    """Everything a store must do."""
