"""Likeness: a key that is equal for branches which read the same, whatever the order of their parts."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from llm_schema_registry.formats.json_schema.dialects import DATA_KEYWORDS, SCHEMA_MAPS
from llm_schema_registry.formats.json_schema.model import Node

_UNORDERED = frozenset({"type", "enum", "required", "allOf", "anyOf", "oneOf"})
_MAPS = SCHEMA_MAPS | {"dependentRequired"}
# Texts that sorting may change contain one of these. The lists of dependencies are the values of arbitrary names.
_MARKS = (
    *(f'"{keyword}":['.encode() for keyword in sorted(_UNORDERED)),
    b'"dependencies":{',
    b'"dependentRequired":{',
)
_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


def likenesses(*sides: Sequence[Node]) -> list[list[Any]]:
    """The keys of branches, for each side of a comparison.

    Branches of a synthetic combination have no text of their own; their key is the kind.

    The text of a branch, with sorted members, is the key. Only if texts of equal length differ, their lists may be the
    same in another order, and are sorted too. Most branches are spared that.
    """
    texts: list[list[Any]] = [
        [branch.kind if branch.raw is None else _encode(branch.raw) for branch in side] for side in sides
    ]
    distinct = {text for side in texts for text in side if isinstance(text, bytes)}
    if len(distinct) == len(set(map(len, distinct))):
        return texts
    # Texts that are the same in another order have the same bytes, and so the same sum of them.
    sums = {text: sum(text) for text in distinct if any(mark in text for mark in _MARKS)}
    if len(sums) == len(set(sums.values())):
        return texts
    shared = {value for value, count in Counter(sums.values()).items() if count > 1}
    return [
        [
            _encode(_with_sorted_lists(branch.raw)) if sums.get(text) in shared else text
            for text, branch in zip(keys, side, strict=True)
        ]
        for keys, side in zip(texts, sides, strict=True)
    ]


def _with_sorted_lists(schema: Any) -> Any:
    """A schema with those lists sorted whose order means nothing."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for keyword, value in schema.items():
        if isinstance(value, list) and keyword in _UNORDERED:
            parts = value if keyword in DATA_KEYWORDS else map(_with_sorted_lists, value)
            # Encoded once: an outer list copies the bytes.
            result[keyword] = [msgspec.Raw(text) for text in sorted(map(_encode, parts))]
        elif keyword in DATA_KEYWORDS:
            result[keyword] = value
        elif isinstance(value, list):
            result[keyword] = [_with_sorted_lists(each) for each in value]
        elif keyword in _MAPS and isinstance(value, dict):
            result[keyword] = {name: _of_map(each) for name, each in value.items()}
        else:
            result[keyword] = _with_sorted_lists(value)
    return result


def _of_map(value: Any) -> Any:
    """A member of a map of schemas; `dependencies` and `dependentRequired` list names."""
    return sorted(value, key=_encode) if isinstance(value, list) else _with_sorted_lists(value)
