"""What an import has to do, and what stands in its way, decided from two snapshots."""

from typing import Any

import msgspec
import pytest

from llm_schema_registry.client import ScopeSettings
from llm_schema_registry.client.migration import Snapshot, VersionRecord, compare
from llm_schema_registry.contracts import Metadata, Reference

INT = '"int"'
SPACED = ' {"type" : "int"} '
PART = '{"type":"record","name":"Part","fields":[]}'
WHOLE = '{"type":"record","name":"Whole","fields":[{"name":"p","type":"Part"}]}'


def version(subject: str = "s", number: int = 1, schema_id: int = 1, schema: str = INT, **rest: Any) -> VersionRecord:
    return VersionRecord(subject=subject, version=number, id=schema_id, schema=schema, **rest)


def snapshot(*versions: VersionRecord, scopes: list[ScopeSettings] | None = None, contexts: str = ".") -> Snapshot:
    return Snapshot(contexts.split(), scopes or [], list(versions))


def places(versions: list[VersionRecord]) -> list[tuple[str, int]]:
    return [(each.subject, each.version) for each in versions]


def test_what_is_missing_is_registered_references_first_and_deleted_referrers_first() -> None:
    refers = version("a", schema_id=3, schema=WHOLE, references=[Reference("Part", "z", 2)], deleted=True)
    work = compare(snapshot(refers, version("z", 1), version("z", 2, 2, PART, deleted=True)), snapshot())
    assert places(work.register) == [("z", 2), ("a", 1), ("z", 1)]
    assert places(work.delete) == [("a", 1), ("z", 2)]
    assert (work.present, work.collisions) == (0, [])


def test_references_stay_in_their_context_unless_qualified() -> None:
    inside = version(":.c:a", schema=WHOLE, references=[Reference("Part", "z", 1)])
    across = version("b", schema=WHOLE, references=[Reference("Part", ":.c:z", 1)])
    work = compare(snapshot(inside, across, version(":.c:z", schema_id=2, schema=PART)), snapshot())
    assert places(work.register) == [(":.c:z", 1), (":.c:a", 1), ("b", 1)]


@pytest.mark.parametrize(
    ("source_deleted", "target_deleted", "register", "delete", "present"),
    [(False, False, 0, 0, 1), (True, True, 0, 0, 1), (False, True, 1, 0, 0), (True, False, 0, 1, 0)],
)
def test_the_delete_matrix(
    source_deleted: bool, target_deleted: bool, register: int, delete: int, present: int
) -> None:
    other = version("alive", schema_id=9, schema='"long"')
    work = compare(snapshot(version(deleted=source_deleted)), snapshot(version(deleted=target_deleted), other))
    assert (len(work.register), len(work.delete), work.present) == (register, delete, present)
    assert not work.collisions


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (version(schema='"long"'), "the version is taken by other content: s version 1, id 1"),
        (version(schema_id=2), "the version is there with id 2; to be imported: id 1"),
        (version("other", 7, schema='"long"'), "the id is taken by other content: other version 7, id 1"),
        (version("other", 7, metadata=Metadata(properties={"a": "b"})), "the id is taken by other content"),
        (version(schema='"long"', deleted=True), "the version is taken by other content"),
    ],
)
def test_collisions(there: VersionRecord, why: str) -> None:
    more = version("more", schema_id=5, schema='"string"')
    work = compare(snapshot(version()), snapshot(there, more))
    assert [collision.name for collision in work.collisions] == ["s version 1"]
    assert work.collisions[0].why.startswith(why)
    assert work.register == []


def test_ids_of_other_contexts_do_not_collide() -> None:
    work = compare(snapshot(version()), snapshot(version(":.c:other", schema='"long"')))
    assert (len(work.register), work.collisions) == (1, [])


def test_what_another_registry_writes_differently_is_the_same() -> None:
    work = compare(snapshot(version(schema=SPACED)), snapshot(version(schema=INT)))
    assert (work.present, work.collisions) == (1, [])
    part = version("part", schema_id=2, schema=PART)
    spaced = version(schema=WHOLE.replace(":", " : "), references=[Reference("Part", "part", 1)])
    plain = msgspec.structs.replace(spaced, schema=WHOLE)
    assert compare(snapshot(part, spaced), snapshot(part, plain)).present == 2


def test_an_alias_or_only_deleted_versions_are_in_the_way() -> None:
    alias = snapshot(scopes=[ScopeSettings("s", {"alias": "t"})])
    assert "alias of t" in compare(snapshot(version()), alias).collisions[0].why
    dead = snapshot(version("dead", schema_id=2, schema='"long"', deleted=True))
    assert "soft-deleted" in compare(snapshot(version()), dead).collisions[0].why
    assert compare(snapshot(version(deleted=True)), snapshot(version(deleted=True))).collisions == []


@pytest.mark.parametrize("scope", ["s", ":.c:s", ":.c:", ""])
def test_no_scope_with_deleted_versions_alone_is_put_in_import_mode(scope: str) -> None:
    """IMPORT mode removes them for good, also where the mode of the source is to stay."""
    context = scope.rpartition(":")[0]
    prefix = f"{context}:" if context else ""
    dead = version(f"{prefix}s", 1, deleted=True)
    target = snapshot(dead, version("elsewhere" if prefix else ":.e:s", 1))
    wanted = snapshot(scopes=[ScopeSettings(scope, None, "IMPORT")])
    assert "soft-deleted" in compare(wanted, target).collisions[0].why
    assert compare(wanted, target, settings=False).collisions == []
    alive = snapshot(*target.versions, version(f"{prefix}s", 2))
    assert compare(wanted, alive).collisions == []


def test_a_subject_with_its_own_mode_and_deleted_versions_alone_is_in_the_way() -> None:
    target = snapshot(version(deleted=True), version("other"), scopes=[ScopeSettings("s", None, "READONLY")])
    [collision] = compare(snapshot(version(number=2)), target).collisions
    assert (collision.name, "soft-deleted" in collision.why) == ("subject s", True)
    for scopes in ([], [ScopeSettings("s", None, "IMPORT")]):
        assert compare(snapshot(version(number=2)), msgspec.structs.replace(target, scopes=scopes)).collisions == []


def test_settings_of_the_source_win_and_can_be_left_out() -> None:
    source = snapshot(
        scopes=[
            ScopeSettings("", {"compatibilityLevel": "FULL", "normalize": True}, "READONLY"),
            ScopeSettings("same", {"alias": "x"}, "IMPORT"),
        ]
    )
    target = snapshot(
        scopes=[
            ScopeSettings("", {"compatibilityGroup": "g"}),
            ScopeSettings("same", {"alias": "x"}, "IMPORT"),
            ScopeSettings("only there", {"alias": "y"}),
        ]
    )
    work = compare(source, target)
    assert [(change.scope, change.changes) for change in work.configs] == [
        ("", {"compatibilityGroup": None, "compatibility": "FULL", "normalize": True})
    ]
    assert work.modes == {"": "READONLY"}
    assert compare(source, target, settings=False).is_done


def test_import_mode_that_is_there_is_told_or_ended_unless_the_source_says_what_to_do() -> None:
    source = snapshot(scopes=[ScopeSettings("same", None, "IMPORT"), ScopeSettings("wanted", None, "READONLY")])
    target = snapshot(
        scopes=[
            ScopeSettings("", None, "IMPORT"),
            ScopeSettings("same", None, "IMPORT"),
            ScopeSettings("wanted", None, "IMPORT"),
            ScopeSettings("other", None, "READONLY"),
        ]
    )
    told = compare(source, target)
    assert told.modes == {"wanted": "READONLY"}
    assert [note.partition(" is in IMPORT mode already")[0] for note in told.notes] == ["the default context"]
    ended = compare(source, target, end_import_mode=True)
    assert ended.modes == {"wanted": "READONLY", "": None}
    assert ended.notes == []


def test_notes() -> None:
    wrong = version(guid="00000000-0000-0000-0000-000000000000")
    notes = compare(snapshot(wrong, contexts=". .gone"), snapshot()).notes
    assert "1 versions have a guid that their content does not give, the first s version 1" in notes[0]
    assert ".gone" in notes[1]
