"""What every store must promise of writes: whole or not at all, one after the other, and every change in the log."""

import asyncio
import json

import msgspec
import pytest

from llm_schema_registry.contracts import DEFAULT_SCOPE, GLOBAL_SCOPE, Reference, Subject
from llm_schema_registry.store import Change, ChangeKind, Setting, State, Store, StoredSchema, Transaction, Version
from unit.store.building import content, register, registered, rolled_back, subject

NOW = 1_700_000_000_000


def with_id(schema: StoredSchema, schema_id: int) -> StoredSchema:
    return msgspec.structs.replace(schema, schema_id=schema_id)


class Transactions:
    """Transactions, revisions and the change log."""

    async def test_revisions_have_no_gaps(self, store: Store) -> None:
        for expected in range(1, 6):
            async with store.transaction() as transaction:
                assert transaction.next_revision == expected
                await register(transaction, "s", version=expected)
                assert await transaction.revision() == expected - 1
                assert await store.revision() == expected - 1
            assert await store.revision() == expected
            await rolled_back(store, lambda transaction: register(transaction, "t"))
            async with store.transaction():
                pass
        assert sorted({change.revision for change in await store.changes(0)}) == [1, 2, 3, 4, 5]

    async def test_checking_that_it_can_be_written_changes_nothing(self, store: Store) -> None:
        await registered(store, "s")
        await store.check_writable()
        await store.check_writable()
        assert await store.revision() == 1
        assert len(await store.changes(0)) == len(await store.changes(0, 1000))
        await registered(store, "t")
        assert await store.revision() == 2

    async def test_a_failed_block_leaves_nothing(self, store: Store) -> None:
        await registered(store, "kept")
        before = await store.changes(0)

        async def write(transaction: Transaction) -> None:
            await register(transaction, "s", context=".new")
            await transaction.remove_version(subject("kept"), 1)
            await transaction.remove_schema(".", 1)
            await transaction.put_setting(subject("kept"), Setting.MODE, "{}")

        await rolled_back(store, write)
        assert await store.subjects() == [subject("kept")]
        assert await store.contexts() == ["."]
        assert await store.schema(".", 1) is not None
        assert await store.max_schema_id(".new") == 0
        assert await store.setting(subject("kept"), Setting.MODE) is None
        assert await store.changes(0) == before
        assert await store.last_changed([subject("s", ".new"), subject("kept")]) == 1

    async def test_a_transaction_sees_its_own_writes_and_nobody_else_does(self, store: Store) -> None:
        async with store.transaction() as transaction:
            put = await register(transaction, "s", context=".x")
            await transaction.put_setting(put.subject, Setting.CONFIG, "{}")
            for reads, visible in ((transaction, True), (store, False)):
                assert (await reads.schema(".x", 1) is not None) is visible
                assert (await reads.version(put.subject, 1) == put) is visible
                assert (await reads.latest(put.subject) == put) is visible
                assert bool(await reads.versions_of_schema(".x", 1)) is visible
                assert bool(await reads.subjects()) is visible
                assert bool(await reads.list_versions()) is visible
                assert (await reads.contexts() == [".", ".x"]) is visible
                assert (await reads.setting(put.subject, Setting.CONFIG) == "{}") is visible
                assert await reads.max_schema_id(".x") == int(visible)
                assert await reads.last_changed([put.subject]) == int(visible)
                assert bool(await reads.changes(0)) is visible

    async def test_writes_and_reads_may_alternate(self, store: Store) -> None:
        of_s = subject("s", ".x")
        async with store.transaction() as transaction:
            for number in range(1, 4):
                put = await register(transaction, "s", context=".x", version=number)
                assert await transaction.latest(of_s) == put
                assert await transaction.max_schema_id(".x") == number
                await transaction.put_setting(of_s, Setting.MODE, str(number))
                assert await transaction.setting(of_s, Setting.MODE) == str(number)
            await transaction.remove_version(of_s, 3)
            assert [version.version for version in await transaction.versions(of_s)] == [1, 2]
            await transaction.put_version(put, ChangeKind.VERSION_REGISTERED, new=True)
            await transaction.put_version(put, ChangeKind.VERSION_UNDELETED)
            await transaction.put_version(put, ChangeKind.VERSION_UNDELETED)
        assert [version.version for version in await store.versions(of_s)] == [1, 2, 3]
        assert await store.setting(of_s, Setting.MODE) == "3"
        assert await store.contexts() == [".", ".x"]
        assert await store.max_schema_id(".x") == 3
        changes = await store.changes(0)
        assert {change.revision for change in changes} == {1}
        assert [change.ordinal for change in changes] == list(range(14))

    async def test_one_transaction_gives_ids_in_several_contexts(self, store: Store) -> None:
        async with store.transaction() as transaction:
            given = [
                (await transaction.add_schema(content(f'"{number}"', context, number))).schema_id
                for number, context in ((0, ".a"), (7, ".b"), (3, ".b"), (0, ".a"), (0, ".b"))
            ]
        assert given == [1, 7, 3, 2, 8]
        assert [await store.max_schema_id(context) for context in (".", ".a", ".b")] == [0, 2, 8]
        async with store.transaction() as transaction:
            assert (await transaction.add_schema(content('"next"', ".b"))).schema_id == 9

    async def test_a_context_may_leave_the_list_and_come_back(self, store: Store) -> None:
        async with store.transaction() as transaction:
            await transaction.add_schema(content('"1"', ".x"))
            await transaction.remove_context(".x")
            assert await transaction.contexts() == ["."]
            await transaction.add_schema(content('"2"', ".x"))
        assert await store.contexts() == [".", ".x"]
        kinds = [change.kind for change in await store.changes(0)]
        assert kinds.count(ChangeKind.CONTEXT_ADDED) == 2

    async def test_content_may_refer_to_much_and_twice_to_the_same(self, store: Store) -> None:
        references = tuple(Reference(f"n{number}", f"t{number % 30}", 1) for number in range(40))
        put = await registered(store, "s", references=references)
        stored = await store.schema(".", 1)
        assert stored is not None
        assert stored.references == references
        for number in range(30):
            assert await store.referrers(subject(f"t{number}")) == [put]

    async def test_how_things_stand_for_a_decision(self, store: Store) -> None:
        here, there = content('"c"'), content('"c"', ".x")
        await registered(store, "s", context=".x")
        async with store.transaction() as transaction:
            await transaction.add_schema(there)
        async with store.transaction() as transaction:
            assert await transaction.check_preconditions([], here) == (0, None)
            assert await transaction.check_preconditions([subject("s", ".x"), subject("t")], there) == (1, 2)
            assert await transaction.check_preconditions([subject("t")], with_id(there, 2)) == (0, 2)
            assert await transaction.check_preconditions([], with_id(there, 1)) == (0, None)
            assert await transaction.check_preconditions([], msgspec.structs.replace(there, schema_type="JSON")) == (
                0,
                None,
            )
            assert (await transaction.add_schema(here)).schema_id == 1
            assert await transaction.check_preconditions([], here) == (0, 1)
            put = await register(transaction, "t", context=".x")
            assert put.schema_id == 3
            assert await transaction.check_preconditions([subject("t", ".x")], here) == (4 - 1, 1)
            assert await transaction.max_schema_id(".x") == 3
        assert await store.contexts() == [".", ".x"]

    async def test_a_transaction_is_of_no_use_after_its_end(self, store: Store) -> None:
        async with store.transaction() as transaction:
            pass
        with pytest.raises(Exception, match="ended"):
            await transaction.add_schema(content())
        assert await store.revision() == 0

    async def test_the_log_says_what_happened(self, store: Store) -> None:
        of_s, context = subject("s", ".x"), Subject(".x", "")
        async with store.transaction("ann") as transaction:
            put = await register(transaction, "s", context=".x")
            await transaction.put_setting(of_s, Setting.CONFIG, '{"a":1}')
        async with store.transaction() as transaction:
            deprecated = Version(subject=of_s, version=1, schema_id=1, state=State.DEPRECATED)
            await transaction.put_version(deprecated, ChangeKind.VERSION_STATE_CHANGED)
            deleted = Version(subject=of_s, version=1, schema_id=1, deleted=True)
            await transaction.put_version(deleted, ChangeKind.VERSION_SOFT_DELETED)
            await transaction.put_version(put, ChangeKind.VERSION_UNDELETED)
            await transaction.remove_version(of_s, 1)
            await transaction.remove_schema(".x", 1)
            await transaction.put_setting(of_s, Setting.CONFIG, None)
            await transaction.remove_context(".x")

        def change(revision: int, ordinal: int, kind: ChangeKind, concerning: Subject, **more: object) -> Change:
            actor = "ann" if revision == 1 else ""
            return Change(
                revision=revision,
                ordinal=ordinal,
                at=NOW,
                kind=kind,
                subject=concerning,
                actor=actor,
                **more,
            )

        guid = json.dumps(content('".x:s:1"').guid)
        assert await store.changes(0) == [
            change(1, 0, ChangeKind.CONTEXT_ADDED, context),
            change(1, 1, ChangeKind.SCHEMA_ADDED, context, schema_id=1, detail=guid),
            change(1, 2, ChangeKind.VERSION_REGISTERED, of_s, version=1, schema_id=1),
            change(1, 3, ChangeKind.CONFIG_SET, of_s, detail='{"a":1}'),
            change(2, 0, ChangeKind.VERSION_STATE_CHANGED, of_s, version=1, schema_id=1, detail='"DEPRECATED"'),
            change(2, 1, ChangeKind.VERSION_SOFT_DELETED, of_s, version=1, schema_id=1),
            change(2, 2, ChangeKind.VERSION_UNDELETED, of_s, version=1, schema_id=1),
            change(2, 3, ChangeKind.VERSION_REMOVED, of_s, version=1, schema_id=1),
            change(2, 4, ChangeKind.SCHEMA_REMOVED, context, schema_id=1, detail=guid),
            change(2, 5, ChangeKind.CONFIG_REMOVED, of_s),
            change(2, 6, ChangeKind.CONTEXT_REMOVED, context),
        ]

    async def test_pages_of_the_log_never_part_a_revision(self, store: Store) -> None:
        for size in (1, 3, 2, 5, 1):
            async with store.transaction() as transaction:
                for number in range(size):
                    await transaction.put_setting(subject(str(number)), Setting.MODE, f"{size}{number}")
                    await transaction.put_setting(subject(str(number)), Setting.MODE, None)
        whole = await store.changes(0)
        assert [(change.revision, change.ordinal) for change in whole] == [
            (revision, ordinal) for revision, size in enumerate((1, 3, 2, 5, 1), 1) for ordinal in range(2 * size)
        ]
        for limit in range(1, 30):
            after, read = 0, []
            while page := await store.changes(after, limit):
                without_last = [change for change in page if change.revision != page[-1].revision]
                assert len(without_last) < limit
                assert len(page) >= limit or page[-1] == whole[-1]
                read += page
                after = page[-1].revision
            assert read == whole
        assert [change.revision for change in await store.changes(0, 9)] == [1] * 2 + [2] * 6 + [3] * 4
        assert await store.changes(0, 0) == []
        assert await store.changes(5) == []

    async def test_touched_counts_exactly_the_scopes_asked_for(self, store: Store) -> None:
        await registered(store, "s")
        await registered(store, "t")
        async with store.transaction() as transaction:
            await transaction.put_setting(DEFAULT_SCOPE, Setting.CONFIG, "{}")
        async with store.transaction() as transaction:
            await transaction.put_setting(GLOBAL_SCOPE, Setting.MODE, "{}")
        await registered(store, "s", context=".x")
        assert await store.last_changed([subject("s")]) == 1
        assert await store.last_changed([subject("t"), subject("s")]) == 2
        assert await store.last_changed([DEFAULT_SCOPE]) == 3
        assert await store.last_changed([subject("s"), DEFAULT_SCOPE, GLOBAL_SCOPE]) == 4
        assert await store.last_changed([subject("s", ".x")]) == 5
        assert await store.last_changed([subject("S"), subject("u")]) == 0
        assert await store.last_changed([]) == 0
        async with store.transaction() as transaction:
            await transaction.remove_version(subject("s"), 1)
        assert await store.last_changed([subject("s")]) == 6

    async def test_registrations_do_not_touch_the_scope_of_their_context(self, store: Store) -> None:
        await registered(store, "s", context=".x")
        await registered(store, "t", context=".x")
        async with store.transaction() as transaction:
            await transaction.remove_schema(".x", 1)
        assert await store.last_changed([Subject(".x", "")]) == 1

    async def test_concurrent_writers_lose_no_update(self, store: Store) -> None:
        async def write() -> int:
            async with store.transaction() as transaction:
                before = await transaction.versions(subject("s"))
                await asyncio.sleep(0)
                await register(transaction, "s", version=len(before) + 1)
                await asyncio.sleep(0)
                return transaction.next_revision

        revisions = await asyncio.gather(*(write() for _ in range(50)))
        assert sorted(revisions) == list(range(1, 51))
        assert [version.version for version in await store.versions(subject("s"))] == list(range(1, 51))
        assert [version.schema_id for version in await store.versions(subject("s"))] == list(range(1, 51))
        assert await store.revision() == 50

    async def test_readers_during_writes_see_whole_transactions(self, store: Store) -> None:
        done = False

        async def write() -> None:
            nonlocal done
            for number in range(1, 30):
                async with store.transaction() as transaction:
                    await register(transaction, "s", version=number)
                    await asyncio.sleep(0)
                    await register(transaction, "t", version=number)
                assert await store.latest(subject("t")) is not None
            done = True

        async def read() -> None:
            while not done:
                assert [len(await store.changes(0)) % 4, len(await store.subjects())] in ([0, 0], [0, 2])
                await asyncio.sleep(0)

        await asyncio.gather(write(), read(), read())

    async def test_a_cancelled_block_leaves_nothing_and_lets_go(self, store: Store) -> None:
        inside = asyncio.Event()

        async def write() -> None:
            async with store.transaction() as transaction:
                await register(transaction, "s")
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(write())
        await inside.wait()
        waiting = asyncio.create_task(registered(store, "waiting"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        task.cancel()
        assert [type(r) for r in await asyncio.gather(task, waiting, return_exceptions=True)] == [
            asyncio.CancelledError
        ] * 2
        await registered(store, "t")
        assert await store.subjects() == [subject("t")]
        assert await store.revision() == 1

    @pytest.mark.parametrize("turns", range(12))
    async def test_a_cancelled_commit_is_whole_or_nothing(self, store: Store, turns: int) -> None:
        task = asyncio.create_task(registered(store, "s"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        revision = await store.revision()
        assert len(await store.subjects()) == revision
        assert len(await store.changes(0)) == 2 * revision
        if not task.cancelled():
            assert revision == 1
        await registered(store, "t")
        assert await store.revision() == revision + 1

    async def test_waiting_for_a_change(self, store: Store) -> None:
        assert await store.wait_for_change(0, 0.01) == 0
        waiting = [asyncio.create_task(store.wait_for_change(after, 10)) for after in (0, 0, 1)]
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in waiting)
        await rolled_back(store, lambda transaction: register(transaction, "t"))
        await registered(store, "s")
        assert [await task for task in waiting[:2]] == [1, 1]
        assert await store.wait_for_change(0, 0) == 1
        assert not waiting[2].done()
        await registered(store, "t")
        assert await waiting[2] == 2
        assert await store.wait_for_change(2, 0.01) == 2

    async def test_a_cancelled_wait_ends(self, store: Store) -> None:
        waiting = asyncio.create_task(store.wait_for_change(0, 60))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
