"""Regular expressions of schemas, run by the validator library: in its dialect, and with its limit on backtracking."""

import functools
from typing import Any

import jsonschema_rs


@functools.lru_cache(maxsize=1024)
def _matcher(pattern: str) -> Any:
    try:
        return jsonschema_rs.Draft7Validator({"type": "string", "pattern": pattern}, offline=True)
    except jsonschema_rs.ValidationError:
        return None


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the text; an invalid one (in unchecked schemas) matches nothing."""
    matcher = _matcher(pattern)
    return matcher is not None and bool(matcher.is_valid(text))
