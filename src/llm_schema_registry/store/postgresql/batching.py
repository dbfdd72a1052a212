"""Batches inserts into one round trip."""

import functools
import re
from collections.abc import Sequence

from llm_schema_registry.store.sql.rows import Value
from llm_schema_registry.store.sql.statements import load_statements

_PARAMETER = re.compile(r"\$(\d+)")
_SHAPES = 256

Write = tuple[str, tuple[Value, ...]]
"""A statement and the values of its parameters."""


def _adding() -> frozenset[str]:
    statements = load_statements("writes")
    return frozenset(each for each in statements.values() if each.startswith("INSERT ")) | {statements["move_head"]}


ADDING = _adding()
"""The statements of `sql/writes.sql` whose order does not matter: parts of one statement have none, and do not see
each other's rows. The head row is moved once in a transaction, and so is each counter.
"""


def together(writes: Sequence[Write]) -> Write:
    """Statements of `ADDING` as one that does the same; parameters are numbered through."""
    statement = _combined(tuple((text, len(values)) for text, values in writes))
    return statement, tuple(value for _, values in writes for value in values)


# The same statement is the same object each time, and the session knows it at once.
@functools.lru_cache(_SHAPES)
def _combined(parts: tuple[tuple[str, int], ...]) -> str:
    texts = []
    before = 0
    for text, count in parts:
        texts.append(_PARAMETER.sub(functools.partial(_moved, before), text))
        before += count
    if len(texts) == 1:
        return texts[0]
    named = ", ".join(f"part_{number} AS ({text})" for number, text in enumerate(texts[:-1]))
    return f"WITH {named} {texts[-1]}"


def _moved(by: int, parameter: re.Match[str]) -> str:
    return f"${int(parameter[1]) + by}"
