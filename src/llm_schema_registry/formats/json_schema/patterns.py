"""Regular expressions of schemas: read as ECMA-262 has them, run by the validator library with its step limit."""

import functools
from typing import Any

import jsonschema_rs

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.formats.json_schema.compiled import CompiledSchemas
from llm_schema_registry.formats.json_schema.ecma import Grammar, PatternError, translate
from llm_schema_registry.formats.json_schema.pattern_cost import MILLISECOND, pattern_cost

_COMPILED_BYTES = 16 * 1024 * 1024
_INLINE = 2 * MILLISECOND


@functools.lru_cache(maxsize=4096)
def translated(pattern: str, *, plain: bool) -> str:
    """The pattern in the engine's syntax.

    What is valid under the flag `u` of ECMA-262 means what it means there. The rest is read without the flag if
    `plain`, as the drafts up to draft-07 allow; later ones take only escaped punctuation beyond it.

    Raises:
        PatternError: it is neither.
    """
    try:
        return translate(pattern, Grammar.UNICODE)
    except PatternError:
        return translate(pattern, Grammar.PLAIN if plain else Grammar.TOLERANT)


class Matcher:
    """Matches texts, with the compiled patterns kept within a bound of bytes.

    Attributes:
        is_inline: whether a pattern that may take long is refused: in a process that has others to do such work.
    """

    def __init__(self) -> None:
        self.is_inline = False
        self._compiled = CompiledSchemas(_COMPILED_BYTES)

    def matches(self, pattern: str, text: str) -> bool:
        """Whether the pattern matches somewhere in the text; an invalid one (in unchecked schemas) matches nothing.

        Raises:
            BudgetExceededError: it may take long, and `is_inline` is set.
        """
        cost = pattern_cost(pattern)
        if self.is_inline and cost.compiling + cost.match + cost.byte * len(text) > _INLINE:
            raise BudgetExceededError("Matching a pattern")
        entry = self._compiled.get(pattern)
        if entry is None:
            entry = (_compiled(pattern),)
            self._compiled.put(pattern, entry, cost.size)
        return entry[0] is not None and bool(entry[0].is_valid(text))


def _compiled(pattern: str) -> Any:
    try:
        engine = translated(pattern, plain=True)
    except PatternError:
        engine = pattern
    try:
        return jsonschema_rs.Draft202012Validator({"type": "string", "pattern": engine}, offline=True)
    except jsonschema_rs.ValidationError:
        return None


MATCHER = Matcher()
"""That of this process."""

matches = MATCHER.matches
