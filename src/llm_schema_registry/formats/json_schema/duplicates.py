"""Duplicate keys: members of one JSON object that have the same name, of which only the last one counts.

RFC 8259 leaves their meaning open, so readers disagree. The decoders of `canonical` drop all but the last one.
"""

import json
from typing import Any, NamedTuple

from llm_schema_registry.core.findings import Finding, Severity, shortened
from llm_schema_registry.formats.json_schema.pointers import pointer

MAX_DUPLICATES = 20
"""Findings about one schema."""

_MAX_PATH = 1_000
# How the escape of a colon begins: \\u003a.
_ESCAPED = "\\u003"
_FIX = "Keep one of the members; with two, readers disagree about which one counts."
_DOCS = "reference/findings/json.md#duplicate_key"


class _Members(list[tuple[str, Any]]):
    """All members of an object that has duplicate keys."""


class _Place(NamedTuple):
    """A place in the text: the step from the place around it."""

    around: "_Place | None"
    step: str | int


def duplicate_keys(text: str, canonical: str) -> tuple[Finding, ...]:
    """A warning for each duplicate key of `text`, in the order of the text; at most `MAX_DUPLICATES`, and a count.

    Keys in values that do not count, because their own key is a duplicate, are included.

    Args:
        text: a JSON document that `canonical.read_json` accepts.
        canonical: its canonical text, without the members that do not count.
    """
    # Each member has a colon, and each colon of a string is the same in both texts unless an escape writes it. So
    # equal numbers prove that no member is missing. Unequal ones prove nothing.
    if text.count(":") == canonical.count(":") and _ESCAPED not in text:
        return ()
    found: list[tuple[_Place | None, str, int]] = []
    pending: list[tuple[Any, _Place | None]] = [(_read(text), None)]
    while pending:
        part, place = pending.pop()
        if isinstance(part, _Members):
            times: dict[str, int] = {}
            for key, _ in part:
                times[key] = times.get(key, 0) + 1
            found += ((place, key, count) for key, count in times.items() if count > 1)
            pending += ((child, _Place(place, key)) for key, child in reversed(part))
        elif isinstance(part, dict):
            pending += ((child, _Place(place, key)) for key, child in reversed(part.items()))
        elif isinstance(part, list):
            pending += ((child, _Place(place, index)) for index, child in reversed(list(enumerate(part))))
    findings = [_finding(*each) for each in found[:MAX_DUPLICATES]]
    if len(found) > MAX_DUPLICATES:
        findings.append(_warning("#", f"{len(found) - MAX_DUPLICATES} more duplicate keys in other JSON objects"))
    return tuple(findings)


def _object(pairs: list[tuple[str, Any]]) -> Any:
    value = dict(pairs)
    return value if len(value) == len(pairs) else _Members(pairs)


def _read(text: str) -> Any:
    return _DECODER.raw_decode(text, len(text) - len(text.lstrip(" \t\r\n")))[0]


# Numbers stay text, since only keys matter.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str)


def _finding(place: _Place | None, key: str, times: int) -> Finding:
    steps: list[str | int] = [key]
    while place is not None:
        steps.append(place.step)
        place = place.around
    message = f"Duplicate key {json.dumps(key, ensure_ascii=False)} in one JSON object, {times} times"
    return _warning("#" + pointer(reversed(steps)), message)


def _warning(path: str, message: str) -> Finding:
    # A key may have half of a surrogate pair where its value does not count.
    path, message = (each.encode(errors="backslashreplace").decode() for each in (path, message))
    return Finding(
        code="json.DUPLICATE_KEY",
        severity=Severity.WARNING,
        path=shortened(path, _MAX_PATH),
        message=f"{shortened(message, _MAX_PATH)}: only the last value counts.",
        fix=_FIX,
        docs=_DOCS,
    )
