"""The GUID over text, references, metadata and rules."""

import pytest

from llm_schema_registry.contracts import EnableAt, Metadata, Reference, Rule, RuleMode, RuleSet, guid_of

TEXT = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'


@pytest.mark.parametrize(
    ("metadata", "guid"),
    [
        (None, "acb9a771-413f-2f1c-6a25-9db09a05dd82"),
        (Metadata(properties={"k": "v"}), "369219bf-856c-b365-753f-0305ef2069ce"),
        (Metadata(), "105a1869-3460-4ac4-0cfe-e92626828891"),
        (Metadata(properties={"confluent:version": "2"}), "d5098fce-a8d8-457a-a304-21de965bee57"),
    ],
)
def test_known_guids(metadata: Metadata | None, guid: str) -> None:
    assert guid_of(TEXT, (), metadata) == guid


def test_order_of_maps_and_sets_does_not_count() -> None:
    one = Metadata(tags={"a": ["x", "y"], "b": ["z"]}, properties={"p": "1", "q": "2"}, sensitive=["p", "q"])
    other = Metadata(tags={"b": ["z"], "a": ["y", "x", "y"]}, properties={"q": "2", "p": "1"}, sensitive=["q", "p"])
    assert guid_of(TEXT, (), one) == guid_of(TEXT, (), other)


def test_defaults_of_rules_are_materialised() -> None:
    bare = RuleSet(domain_rules=[Rule(name="r", type="CEL")])
    assert guid_of(TEXT, (), None, bare) == guid_of(TEXT, (), None, bare.materialised())


@pytest.mark.parametrize(
    "rule_set",
    [
        RuleSet(),
        RuleSet(enable_at=EnableAt.CLIENT),
        RuleSet(domain_rules=[Rule(name="r", type="CEL")]),
        RuleSet(domain_rules=[Rule(name="r", type="CEL", disabled=True)]),
        RuleSet(domain_rules=[Rule(name="r", type="CEL", mode=RuleMode.READ)]),
        RuleSet(domain_rules=[Rule(name="r", type="CEL", params={"a": "b"})]),
    ],
)
def test_every_part_of_a_rule_set_counts(rule_set: RuleSet) -> None:
    seen = {
        guid_of(TEXT),
        guid_of(TEXT, (Reference("n", "s", 1),)),
        guid_of(TEXT, (Reference("n", "s", 2),)),
        guid_of(TEXT, (), Metadata()),
    }
    assert guid_of(TEXT, (), Metadata(), rule_set) not in seen
    assert guid_of(TEXT, (), None, rule_set) != guid_of(TEXT, (), Metadata(), rule_set)
