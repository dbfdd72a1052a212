"""What is remembered of the change log, from its end backwards, and what tells one history from another."""

import msgspec
import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import Change, ChangeKind, dependencies
from llm_schema_registry.store.changelog import RecentChanges


def change(revision: int, name: str = "", ordinal: int = 0, at: int = 0) -> Change:
    subject = Subject(".", name or f"s{revision}")
    return Change(
        revision=revision, ordinal=ordinal, at=at, kind=ChangeKind.CONFIG_SET, subject=subject, detail="\ud800"
    )


def log(first: int, last: int, at: int = 0) -> list[Change]:
    return [change(revision, at=at) for revision in range(first, last + 1)]


def fact(name: str) -> tuple[dependencies.Fact]:
    return (dependencies.of_setting(Subject(".", name)),)


@pytest.fixture
def recent() -> RecentChanges:
    made = RecentChanges()
    made.restart(10)
    made.note([*log(11, 14), change(14, "s11", 1), change(15)])
    return made


def test_what_was_touched_is_known_after_the_floor(recent: RecentChanges) -> None:
    assert (recent.floor, recent.cursor) == (10, 15)
    assert recent.touched_since(fact("s11"), 13)
    assert not recent.touched_since(fact("s11"), 14)
    assert recent.touched_since((*fact("none"), *fact("s12")), 11)
    assert not recent.touched_since(fact("none"), 10)
    assert recent.touched_since(fact("none"), 9)


def test_what_is_too_much_is_forgotten_from_the_oldest_on() -> None:
    recent = RecentChanges(capacity=10)
    recent.note(log(1, 9))
    assert recent.floor == 0
    recent.note(log(10, 12))
    assert recent.floor > 0
    assert recent.touched_since(fact("none"), recent.floor - 1)
    assert not recent.touched_since(fact("none"), recent.floor)
    assert recent.touched_since(fact("s12"), 11)
    assert recent.history_fingerprint(recent.floor) is None
    fresh = RecentChanges()
    fresh.note(log(1, 12))
    for revision in range(recent.floor + 1, 13):
        assert recent.history_fingerprint(revision) == fresh.history_fingerprint(revision)


def test_what_came_before_can_be_learnt_later(recent: RecentChanges) -> None:
    recent.precede([change(8), change(8, "s12", 1), change(9), change(10), change(10, "x", 1)])
    assert (recent.floor, recent.cursor) == (7, 15)
    whole = RecentChanges()
    whole.restart(7)
    whole.note([change(8), change(8, "s12", 1), change(9), change(10), change(10, "x", 1)])
    whole.note([*log(11, 14), change(14, "s11", 1), change(15)])
    for revision in range(6, 17):
        assert recent.history_fingerprint(revision) == whole.history_fingerprint(revision), revision
        for name in ("none", "x", *(f"s{number}" for number in range(8, 16))):
            assert recent.touched_since(fact(name), revision) == whole.touched_since(fact(name), revision)
    assert list(recent._touched.items()) == list(whole._touched.items())


@pytest.mark.parametrize("changes", [[], log(5, 9), log(9, 11), log(11, 12)])
def test_what_does_not_end_at_the_floor_is_no_help(recent: RecentChanges, changes: list[Change]) -> None:
    recent.precede(changes)
    assert recent.floor == 10
    assert not recent.touched_since(fact("none"), 10)
    assert recent.history_fingerprint(10) is None


def test_more_than_can_be_remembered_is_not_taken() -> None:
    recent = RecentChanges(capacity=10)
    recent.restart(20)
    recent.note(log(21, 22))
    recent.precede(log(1, 20))
    assert recent.floor == 20
    assert recent.history_fingerprint(21) is not None
    assert recent.history_fingerprint(20) is None


def test_every_known_revision_has_a_mark(recent: RecentChanges) -> None:
    assert [recent.history_fingerprint(revision) is not None for revision in (0, 10, 11, 15, 16)] == [
        False,
        False,
        True,
        True,
        False,
    ]
    recent.restart(15)
    assert recent.history_fingerprint(15) is None
    assert RecentChanges().history_fingerprint(0) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"at": 1},
        {"kind": ChangeKind.CONFIG_REMOVED},
        {"subject": Subject(".c", "s1")},
        {"subject": Subject(".", "s2")},
        {"version": 1},
        {"schema_id": 1},
        {"actor": "ann"},
        {"detail": None},
    ],
)
def test_another_history_has_other_marks(other: dict[str, object]) -> None:
    marks = []
    for differing in ({}, {}, other):
        recent = RecentChanges()
        recent.note([msgspec.structs.replace(change(1), **differing)])
        marks.append(recent.history_fingerprint(1))
    assert marks[0] == marks[1] != marks[2]
