import time

import pytest

from llm_schema_registry.contracts import Metadata, SchemaEntity, SchemaTags, by_entity, listed_tags, tags_in_all
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Entity, EntityKind


def _field(path: str) -> Entity:
    return Entity(path, EntityKind.FIELD)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("ns.R.f", "ns.R.f", True),
        ("ns.R.f", "ns.R.ff", False),
        ("ns.R.f", "ns-R.f", False),
        ("ns.R.*", "ns.R.f", True),
        ("ns.*", "ns.R.f", False),
        ("ns.**", "ns.R.f", True),
        ("**", "", True),
        ("**.f", "ns.R.f", True),
        ("**.f", "f", False),
        ("**f", "f", True),
        ("*.R.*", "ns.R.f", True),
        ("**.*.f", "a.b.c.f", True),
        ("?s.R.f", "ns.R.f", True),
        ("ns?R.f", "ns.R.f", False),
        ("", "", True),
        ("", "f", False),
        ("M.f", ".M.f", True),
        ("[a-z]", "a", False),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    tags = tags_in_all({_field(path): ("IN",)}, Metadata(tags={pattern: ["PII"]}), Budget())
    assert tags == {_field(path): ("IN", "PII") if matches else ("IN",)}


def test_hostile_patterns_end_soon() -> None:
    began = time.perf_counter()
    with pytest.raises(BudgetExceededError):
        tags_in_all({_field("a" * 20_000): ()}, Metadata(tags={"**a" * 20_000: ["PII"]}), Budget())
    tags_in_all({_field("a" * 2_000): ()}, Metadata(tags={"**a" * 30 + "b": ["PII"]}), Budget())
    assert time.perf_counter() - began < 2


def test_lists_and_tables() -> None:
    entity = SchemaEntity("R.f", EntityKind.FIELD)
    table = by_entity([SchemaTags(entity, ["A"]), SchemaTags(entity, ["B"])])
    assert table == {_field("R.f"): ("A", "B")}
    assert by_entity(None) == {}
    table[_field("R.g")] = ()
    assert listed_tags(table, ["B", "C"]) == [SchemaTags(entity, ["A", "B"])]
    assert listed_tags(table, ["*"]) == [SchemaTags(entity, ["A", "B"])]
    assert listed_tags(table, ["C"]) == []
