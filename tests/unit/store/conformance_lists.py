"""What every store must list: subjects, versions and contexts, in order, filtered and in pages."""

from typing import ClassVar

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import ChangeKind, Deleted, Setting, State, Store, Version
from unit.store.building import REGISTERED, content, register, registered, subject

_NAMES = ("", "%", "%%", "A", "_", "_x", "a", "a-b", "ab", "a😀", "b", "ﬀ", "😀")


class Lists:
    """Lists of subjects, versions and contexts."""

    # Per subject one letter a version, as for the latest one: lower case is soft-deleted, W is a draft.
    FACTS: ClassVar[dict[str, str]] = {
        "deleted": "aa",
        "draft": "W",
        "draft-deleted": "w",
        "live": "AA",
        "mixed": "aADa",
        "only-draft-lives": "aW",
        "retired": "R",
    }

    async def _fill(self, store: Store) -> None:
        states = {"A": State.ACTIVE, "D": State.DEPRECATED, "R": State.ARCHIVED, "W": State.DRAFT}
        async with store.transaction() as transaction:
            for name, facts in self.FACTS.items():
                for number, letter in enumerate(facts, 1):
                    await register(
                        transaction, name, version=number, state=states[letter.upper()], deleted=letter.islower()
                    )

    @pytest.mark.parametrize(
        ("deleted", "names"),
        [
            (Deleted.EXCLUDED, ["live", "mixed", "retired"]),
            (Deleted.INCLUDED, ["deleted", "live", "mixed", "only-draft-lives", "retired"]),
            (Deleted.ONLY, ["deleted", "only-draft-lives"]),
        ],
    )
    async def test_subjects_by_deletion(self, store: Store, deleted: Deleted, names: list[str]) -> None:
        await self._fill(store)
        assert [found.name for found in await store.subjects(deleted=deleted)] == names

    @pytest.mark.parametrize(
        ("deleted", "latest_only", "expected"),
        [
            (Deleted.EXCLUDED, False, {"live": [1, 2], "mixed": [2, 3], "retired": [1]}),
            (Deleted.EXCLUDED, True, {"live": [2], "mixed": [3], "retired": [1]}),
            (
                Deleted.INCLUDED,
                False,
                {"deleted": [1, 2], "live": [1, 2], "mixed": [1, 2, 3, 4], "only-draft-lives": [1], "retired": [1]},
            ),
            (
                Deleted.INCLUDED,
                True,
                {"deleted": [2], "live": [2], "mixed": [4], "only-draft-lives": [1], "retired": [1]},
            ),
            (Deleted.ONLY, False, {"deleted": [1, 2], "mixed": [1, 4], "only-draft-lives": [1]}),
            (Deleted.ONLY, True, {"deleted": [2], "mixed": [4], "only-draft-lives": [1]}),
        ],
    )
    async def test_versions_by_deletion(
        self, store: Store, deleted: Deleted, latest_only: bool, expected: dict[str, list[int]]
    ) -> None:
        await self._fill(store)
        found = await store.list_versions(deleted=deleted, latest_only=latest_only)
        assert [(version.subject.name, version.version) for version in found] == [
            (name, number) for name, numbers in expected.items() for number in numbers
        ]
        assert [await store.version(version.subject, version.version) for version in found] == found

    async def test_names_are_ordered_by_code_point_within_their_context(self, store: Store) -> None:
        contexts = (".", ".A", ".a", ".a-b", ".é")
        async with store.transaction() as transaction:
            for context in reversed(contexts):
                for name in reversed(_NAMES):
                    await register(transaction, name, context=context)
        everything = [Subject(context, name) for context in contexts for name in sorted(_NAMES)]
        assert await store.subjects() == everything
        assert [version.subject for version in await store.list_versions()] == everything
        assert await store.subjects(context=".a") == [found for found in everything if found.context == ".a"]
        assert await store.subjects(context=".none") == []
        assert await store.contexts() == list(contexts)

    @pytest.mark.parametrize("prefix", [*_NAMES, "%%%", "_%", "\U0010ffff", "\ud7ff", "c", "a-", "aB"])
    @pytest.mark.parametrize("context", [None, ".", ".x"])
    async def test_a_prefix_means_itself(self, store: Store, prefix: str, context: str | None) -> None:
        names = (*_NAMES, "\U0010ffff", "\U0010ffffz", "\ud7ff", "\ue000")
        async with store.transaction() as transaction:
            for where in (".", ".x"):
                for name in names:
                    await register(transaction, name, context=where)
        expected = [
            Subject(where, name)
            for where in (".", ".x")
            if context in (None, where)
            for name in sorted(names)
            if name.startswith(prefix)
        ]
        assert await store.subjects(context=context, prefix=prefix) == expected
        assert [found.subject for found in await store.list_versions(context=context, prefix=prefix)] == expected

    async def test_pages_make_up_the_whole(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for number in range(7):
                await register(transaction, f"s{number % 4}", version=number + 1)
                await register(transaction, "t", context=f".c{number}")
        subjects, versions, contexts = await store.subjects(), await store.list_versions(), await store.contexts()
        for limit in (1, 3, 20):
            pages = range(0, 20, limit)
            assert [x for page in pages for x in await store.subjects(offset=page, limit=limit)] == subjects
            assert [x for page in pages for x in await store.list_versions(offset=page, limit=limit)] == versions
            assert [x for page in pages for x in await store.contexts(offset=page, limit=limit)] == contexts
        assert await store.subjects(limit=0) == []
        assert len(await store.subjects(limit=1000, offset=2)) == len(subjects) - 2
        assert await store.list_versions(context=".", latest_only=True, limit=2, offset=1) == [
            await store.latest(subject("s1")),
            await store.latest(subject("s2")),
        ]

    async def test_a_long_list_is_whole(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for number in range(2500):
                put = Version(subject=subject(f"s{number:05}"), version=1, schema_id=1)
                await transaction.put_version(put, REGISTERED)
            assert len(await transaction.subjects()) == 2500
        for length in (999, 1000, 1001, 2000, 2500):
            found = await store.subjects(limit=length)
            assert [subject.name for subject in found] == [f"s{number:05}" for number in range(length)]
        assert len(await store.list_versions()) == 2500
        assert len(await store.versions_of_schema(".", 1)) == 2500
        assert len(await store.changes(0)) == 2500

    async def test_contexts(self, store: Store) -> None:
        async with store.transaction() as transaction:
            for context in (".b", ".a", ".ab", ".", ".a"):
                await transaction.add_schema(content(context=context))
        assert await store.contexts() == [".", ".a", ".ab", ".b"]
        assert await store.contexts(prefix=".a") == [".a", ".ab"]
        assert await store.contexts(prefix=".a%") == []
        assert await store.contexts(offset=1, limit=2) == [".a", ".ab"]

    async def test_a_removed_context_leaves_the_list_but_keeps_its_counter(self, store: Store) -> None:
        await registered(store, "s", context=".x")
        async with store.transaction() as transaction:
            await transaction.remove_version(subject("s", ".x"), 1)
            await transaction.remove_schema(".x", 1)
            await transaction.remove_context(".x")
        assert await store.contexts() == ["."]
        assert await store.max_schema_id(".x") == 1
        async with store.transaction() as transaction:
            assert (await transaction.add_schema(content(context=".x"))).schema_id == 2
        assert await store.contexts() == [".", ".x"]
        kinds = [change.kind for change in await store.changes(0) if change.subject == Subject(".x", "")]
        assert kinds == [
            ChangeKind.CONTEXT_ADDED,
            ChangeKind.SCHEMA_ADDED,
            ChangeKind.SCHEMA_REMOVED,
            ChangeKind.CONTEXT_REMOVED,
            ChangeKind.CONTEXT_ADDED,
            ChangeKind.SCHEMA_ADDED,
        ]

    async def test_a_setting_brings_no_context_and_no_subject_into_being(self, store: Store) -> None:
        async with store.transaction() as transaction:
            await transaction.put_setting(subject("s", ".x"), Setting.CONFIG, "{}")
        assert await store.contexts() == ["."]
        assert await store.subjects(deleted=Deleted.INCLUDED) == []
