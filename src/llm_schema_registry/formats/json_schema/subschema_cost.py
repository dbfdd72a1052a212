"""The cost of one subschema: an upper bound for what each of its keywords adds to compiling and checking."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from llm_schema_registry.formats.json_schema.pattern_cost import MICROSECOND, MILLISECOND, pattern_cost
from llm_schema_registry.formats.json_schema.references import Resource

INLINE_COMPILING = 12 * MILLISECOND
"""The longest compilation that is done on the spot."""

NODE = 3 * MICROSECOND
NODE_BYTES = 3_000
_APPLIED = 300.0
_OPTION = 2_500.0
_PATTERN_BYTE = 2 * MILLISECOND

Subschema = tuple[Any, Resource]
"""A subschema and the resource that it belongs to."""


class TooMuchError(Exception):
    """The bound is out of reach."""


@dataclass(slots=True)
class SubschemaCost:
    """What one subschema costs by itself, and what it leads to.

    `once` counts where it applies to one place alone, `applied` where it may apply to any place, and `child` for each
    place below one it applies to.
    """

    compiling: float = NODE
    size: int = NODE_BYTES
    once: float = _APPLIED
    applied: float = _APPLIED
    child: float = 0.0
    byte: float = 0.0
    errors: int = 1
    tracks: bool = False
    in_place: list[Subschema] = field(default_factory=list)
    named: dict[str | int, Subschema] = field(default_factory=dict)
    additional: list[Subschema] = field(default_factory=list)
    others: list[Subschema] = field(default_factory=list)
    items: list[Subschema] = field(default_factory=list)
    keys: list[Subschema] = field(default_factory=list)

    def targets(self) -> Iterator[Subschema]:
        """The subschemas that apply to places below."""
        yield from self.named.values()
        for more in (self.additional, self.others, self.items, self.keys):
            yield from more


def _size(value: Any) -> int:
    """How many values a JSON value consists of."""
    count = 0
    pending = [value]
    while pending:
        each = pending.pop()
        count += 1
        if isinstance(each, dict):
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
    return count


def _add(node: SubschemaCost, nanoseconds: float) -> None:
    node.once += nanoseconds
    node.applied += nanoseconds


def add_pattern(node: SubschemaCost, pattern: str) -> float:
    """Adds a pattern, and returns what one match of it costs, apart from the bytes."""
    cost = pattern_cost(pattern)
    node.compiling += cost.compiling
    if node.compiling > INLINE_COMPILING:
        raise TooMuchError
    node.size += cost.size
    node.byte += cost.byte
    return cost.match


def _read_enum(node: SubschemaCost, options: Any) -> None:
    if isinstance(options, list) and not all(isinstance(option, str) for option in options):
        _add(node, sum(_OPTION * _size(option) for option in options))
    node.size += 100 * _size(options)


def _read_pattern(node: SubschemaCost, pattern: Any) -> None:
    if isinstance(pattern, str):
        _add(node, add_pattern(node, pattern))


def _read_required(node: SubschemaCost, names: Any) -> None:
    if isinstance(names, list):
        # The first one that is missing ends the check: all of them only where that many keys are.
        node.once += 150 * len(names)
        node.child += 150
        node.errors += len(names)


def _read_dependent(node: SubschemaCost, names: Any) -> None:
    count = _size(names)
    _add(node, 200.0 * count)
    node.errors += count


def _read_format(node: SubschemaCost, name: Any) -> None:
    # A payload can hold patterns like any schema.
    node.byte += _PATTERN_BYTE if name == "regex" else 10


def _read_multiple(node: SubschemaCost, divisor: Any) -> None:
    _add(node, 60 * MICROSECOND)
    node.byte += 1_500


def _read_unique(node: SubschemaCost, flag: Any) -> None:
    node.child += 1_000
    node.byte += 50


def _read_content(node: SubschemaCost, name: Any) -> None:
    node.byte += 30


READERS: dict[str, Callable[[SubschemaCost, Any], None]] = {
    "enum": _read_enum,
    "const": lambda node, value: _add(node, _OPTION * _size(value)),
    "pattern": _read_pattern,
    "required": _read_required,
    "dependentRequired": _read_dependent,
    "format": _read_format,
    "multipleOf": _read_multiple,
    "divisibleBy": _read_multiple,
    "uniqueItems": _read_unique,
    "contentEncoding": _read_content,
    "contentMediaType": _read_content,
}
