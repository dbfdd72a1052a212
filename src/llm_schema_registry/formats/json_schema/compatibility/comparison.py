"""The comparison of two parsed JSON Schemas: the rules of all kinds, put together."""

from types import MappingProxyType
from typing import Any

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.core.findings import shortened
from llm_schema_registry.formats.format import Difference, Impact
from llm_schema_registry.formats.json_schema.canonical import canonical_text
from llm_schema_registry.formats.json_schema.compatibility.combined import compare_combined, compare_not
from llm_schema_registry.formats.json_schema.compatibility.containers import compare_arrays, compare_objects
from llm_schema_registry.formats.json_schema.compatibility.report import report
from llm_schema_registry.formats.json_schema.compatibility.scalars import (
    compare_constants,
    compare_enums,
    compare_numbers,
    compare_strings,
)
from llm_schema_registry.formats.json_schema.compatibility.walk import Rule, Walk
from llm_schema_registry.formats.json_schema.differences import ROWS
from llm_schema_registry.formats.json_schema.model import Kind, Node

_RULES: MappingProxyType[Kind, Rule] = MappingProxyType(
    {
        Kind.STRING: compare_strings,
        Kind.NUMBER: compare_numbers,
        Kind.OBJECT: compare_objects,
        Kind.ARRAY: compare_arrays,
        Kind.ENUM: compare_enums,
        Kind.CONST: compare_constants,
        Kind.COMBINED: compare_combined,
        Kind.NOT: compare_not,
    }
)
_STRICT = frozenset(name for name, row in ROWS.items() if row.impact in (Impact.COMPATIBLE, Impact.WARNING))
_LENIENT = _STRICT | {name for name, row in ROWS.items() if row.impact is Impact.LENIENT}
_WORK = "The compatibility check"


def compare(writer: Node, reader: Node, *, lenient: bool, budget: Budget | None) -> list[Difference]:
    """All differences between two models that matter for reading with `reader` what `writer` wrote.

    Args:
        writer: the model of the schema the data was written with.
        reader: the model of the schema it is read with.
        lenient: which branches of combined schemas count as compatible partners: those under STRICT, or under LENIENT.
        budget: bounds the work; a default one if it is `None`.

    Raises:
        BudgetExceededError: too much work, or references nested too deeply.
    """
    accepted = _LENIENT if lenient else _STRICT
    budget = budget or Budget(what=_WORK)
    try:
        found = Walk(_RULES, accepted, budget).run(writer, reader)
        lines = report(found, accepted, budget)
    except RecursionError:
        raise BudgetExceededError(_WORK) from None
    return [
        Difference(
            ROWS[line.found.name],
            "#/" if line.path == "#" else line.path,
            line.found.explained() if line.places else "",
            reader=_text(line.found.reader),
            writer=_text(line.found.writer),
            places=line.places,
        )
        for line in lines
    ]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return shortened(value if isinstance(value, str) else canonical_text(value))
