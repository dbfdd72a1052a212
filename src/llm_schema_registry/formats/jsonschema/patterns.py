"""Regular expressions of schemas, run by the validator library: in its dialect, and with its limit on backtracking."""

import functools
import re
from typing import Any

import jsonschema_rs

from llm_schema_registry.formats.jsonschema.references import DATA_KEYWORDS

_FLAGS = re.compile(r"\(\?([ims]+)\)")


@functools.lru_cache(maxsize=1024)
def _matcher(pattern: str) -> Any:
    try:
        return jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern}, offline=True)
    except jsonschema_rs.ValidationError:
        return None


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the text; an invalid one (in unchecked schemas) matches nothing."""
    matcher = _matcher(pattern)
    return matcher is not None and bool(matcher.is_valid(text))


def with_scoped_flags(schema: Any) -> Any:
    """The schema with `(?i:abc)` for each pattern `(?i)abc`.

    Up to draft-07 the validator library takes the first for a regular expression and the second for none, though it
    runs both.
    """
    if isinstance(schema, list):
        return [with_scoped_flags(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    scoped = {key: value if key in DATA_KEYWORDS else with_scoped_flags(value) for key, value in schema.items()}
    if isinstance(scoped.get("pattern"), str):
        scoped["pattern"] = _scoped(scoped["pattern"])
    if isinstance(scoped.get("patternProperties"), dict):
        scoped["patternProperties"] = {_scoped(key): value for key, value in scoped["patternProperties"].items()}
    return scoped


def _scoped(pattern: str) -> str:
    flags = _FLAGS.match(pattern)
    return f"(?{flags[1]}:{pattern[flags.end() :]})" if flags else pattern
