"""Regular expressions of schemas: read as ECMA-262 has them, run by the validator library with its step limit."""

import functools
from typing import Any

import jsonschema_rs

from llm_schema_registry.formats.jsonschema.ecma import Grammar, PatternError, translate


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


@functools.lru_cache(maxsize=1024)
def _matcher(pattern: str) -> Any:
    try:
        engine = translated(pattern, plain=True)
    except PatternError:
        engine = pattern
    try:
        return jsonschema_rs.Draft202012Validator({"type": "string", "pattern": engine}, offline=True)
    except jsonschema_rs.ValidationError:
        return None


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the text; an invalid one (in unchecked schemas) matches nothing."""
    matcher = _matcher(pattern)
    return matcher is not None and bool(matcher.is_valid(text))
