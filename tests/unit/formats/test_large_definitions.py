"""The default work budget carries definitions of the largest size: steps grow in proportion to the text."""

from collections.abc import Callable

import pytest

from large_definitions import WRITTEN
from llm_schema_registry.compatibility import CompatibilityLevel, check
from llm_schema_registry.core.budget import DEFAULT_STEPS, MAX_SCHEMA_BYTES, Budget, default_steps, share_of_default
from llm_schema_registry.formats import SchemaType, format_of

_PARTS = 16
SIZE = MAX_SCHEMA_BYTES // _PARTS


@pytest.mark.parametrize(("schema_type", "written"), WRITTEN.items())
def test_an_honest_definition_is_within_the_budget(schema_type: SchemaType, written: Callable[..., str]) -> None:
    format_ = format_of(schema_type)
    old, new = (
        format_.parse(written(SIZE, added=added), budget=Budget(DEFAULT_STEPS // _PARTS)) for added in (False, True)
    )
    for level in (CompatibilityLevel.BACKWARD, CompatibilityLevel.FORWARD):
        verdict = check(new, [(1, old)], level, budget=Budget(DEFAULT_STEPS // _PARTS))
        assert verdict.compatible or level is CompatibilityLevel.FORWARD


def test_larger_definitions_have_more_steps() -> None:
    assert default_steps(1_000) == default_steps(MAX_SCHEMA_BYTES) == DEFAULT_STEPS
    assert default_steps(MAX_SCHEMA_BYTES + 1) == default_steps(2 * MAX_SCHEMA_BYTES) == 2 * DEFAULT_STEPS
    assert [share_of_default(size) for size in (1, MAX_SCHEMA_BYTES, MAX_SCHEMA_BYTES + 1)] == [1, 1, 2]
