"""Which rule sets are accepted, and how they are merged."""

import pytest

from llm_schema_registry.contracts import (
    EnableAt,
    InvalidRuleSetError,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    check_rule_set,
    merge_rule_sets,
)


def rule(name: str = "r", **values: object) -> Rule:
    return Rule(name=name, **{"type": "CEL", **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rule_set",
    [
        RuleSet(),
        RuleSet(domain_rules=[rule()]),
        RuleSet(domain_rules=[rule(mode=RuleMode.READ)], migration_rules=[rule("m", mode=RuleMode.UPGRADE)]),
        RuleSet(domain_rules=[rule(on_failure="ERROR,NONE")]),
        RuleSet(migration_rules=[rule(mode=RuleMode.UPDOWN, on_success="NONE,ERROR")]),
        RuleSet(encoding_rules=[rule("_x-1", mode=RuleMode.WRITE)]),
        RuleSet(domain_rules=[rule("a" * 256)]),
    ],
)
def test_valid(rule_set: RuleSet) -> None:
    assert check_rule_set(rule_set) is None


@pytest.mark.parametrize(
    ("rule_set", "message"),
    [
        (RuleSet(domain_rules=[rule("")]), "Missing rule name"),
        (RuleSet(domain_rules=[rule("9a")]), "Invalid rule name '9a'"),
        (RuleSet(domain_rules=[rule("a b")]), "Invalid rule name"),
        (RuleSet(domain_rules=[rule("a" * 257)]), "Invalid rule name"),
        (RuleSet(domain_rules=[rule(type=None)]), "Missing rule type"),
        (RuleSet(domain_rules=[rule(mode=RuleMode.UPGRADE)]), "has mode UPGRADE"),
        (RuleSet(migration_rules=[rule(mode=RuleMode.READ)]), "has mode READ"),
        (RuleSet(migration_rules=[rule()]), "has mode WRITEREAD"),
        (RuleSet(encoding_rules=[rule(mode=RuleMode.UPDOWN)]), "has mode UPDOWN"),
        (RuleSet(domain_rules=[rule("x"), rule("x")]), "Found rule with duplicate name 'x'"),
        (
            RuleSet(domain_rules=[rule("x")], migration_rules=[rule("x", mode=RuleMode.UPGRADE)]),
            "Found rule with duplicate name 'x'",
        ),
        (RuleSet(domain_rules=[rule(mode=RuleMode.WRITE, on_failure="A,B")]), "two actions in onFailure"),
        (RuleSet(domain_rules=[rule(mode=RuleMode.READ, on_success="A,B")]), "two actions in onSuccess"),
    ],
)
def test_invalid(rule_set: RuleSet, message: str) -> None:
    with pytest.raises(InvalidRuleSetError, match=message.replace("(", r"\(")):
        check_rule_set(rule_set)


def test_defaults_are_written_out() -> None:
    materialised = RuleSet(domain_rules=[rule()]).materialised()
    assert materialised.domain_rules == [rule(kind=RuleKind.TRANSFORM, mode=RuleMode.WRITEREAD)]
    assert materialised.migration_rules is None


def test_a_later_rule_of_the_same_name_replaces_and_moves_to_the_end() -> None:
    earlier = RuleSet(domain_rules=[rule("a"), rule("b"), rule("c")], enable_at=EnableAt.CLIENT)
    later = RuleSet(domain_rules=[rule("b", expr="1"), rule("d")])
    merged = merge_rule_sets(earlier, later)
    assert merged == RuleSet(
        domain_rules=[rule("a"), rule("c"), rule("b", expr="1"), rule("d")], enable_at=EnableAt.CLIENT
    )


def test_merging_with_nothing_keeps_the_other() -> None:
    some = RuleSet(domain_rules=[rule()])
    assert merge_rule_sets(some, None) is some
    assert merge_rule_sets(None, some) is some
    assert merge_rule_sets(None, None) is None
    assert merge_rule_sets(RuleSet(migration_rules=[rule()]), some) == RuleSet(
        migration_rules=[rule()], domain_rules=[rule()]
    )
