"""Payloads made from a JSON Schema alone, to try out what readers do with them."""

import itertools
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.json_schema.model import (
    ArrayNode,
    CombinedNode,
    Criterion,
    EnumNode,
    Kind,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    comparable,
    resolved,
)
from llm_schema_registry.formats.json_schema.patterns import matches
from llm_schema_registry.formats.json_schema.payload import JsonValidator
from llm_schema_registry.formats.json_schema.schema import JsonSchema

# Values of one place inside a payload, and characters or items of one value.
_MAX_VARIANTS = 32
_MAX_SIZE = 256
# Levels of nested values, in one round after the other; more are made only where there are more.
_DEPTHS = (2, 4, 8, 16)

_ANY: tuple[Any, ...] = ("text", 1, None, True, 0.5, [], {})
_LEAVES: dict[Kind, tuple[Any, ...]] = {
    Kind.EMPTY: _ANY,
    Kind.CONDITIONAL: _ANY,
    Kind.NOT: _ANY,
    Kind.BOOLEAN: (True, False),
    Kind.NULL: (None,),
}
_FORMATS = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "idn-email": "someone@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/a",
    "uri-reference": "/a",
    "iri": "https://example.com/a",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "json-pointer": "/a",
    "regex": "a",
}
# Tried where a pattern must match; what matches is decided by the validator.
_TEXTS = (
    *("text", "a", "A", "0", "abc", "ABC", "Abc", "a1", "A1", "12", "123", "1234", "1.0", "1.0.0", "v1", "v1.0.0"),
    *("a-b", "a_b", "a.b", "a/b", "a:b", "a b", "/a", "x-a", "x_a", "S_a", "id-1", "en", "en-US", "USD", "text/plain"),
    *("0" * 8, "0" * 16, "a" * 24, "0" * 32, "a" * 40, "0" * 64, "sha256:" + "0" * 64),
    *_FORMATS.values(),
)
_TYPES: dict[Kind, type | tuple[type, ...]] = {
    Kind.STRING: str,
    Kind.NUMBER: (int, float),
    Kind.BOOLEAN: bool,
    Kind.NULL: type(None),
    Kind.OBJECT: dict,
    Kind.ARRAY: list,
}


def samples(schema: JsonSchema, budget: Budget, *, inline: bool) -> Iterator[Any]:
    """Valid payloads of a schema, the simple ones first; the contract is `Format.samples`.

    Strings for patterns come from a list of common shapes: what none of them matches is left out.
    """
    validator = JsonValidator(schema, inline=inline)
    seen = set()
    source = _Samples(budget)
    for depth in _DEPTHS:
        source.is_cut = False
        for value in source.of(schema.root, depth):
            budget.spend()
            key = comparable(value)
            if key not in seen and validator.accepts(value):
                seen.add(key)
                yield value
        if not source.is_cut:
            return


class _Samples:
    """Makes values of nodes; those of a node at one depth are made once.

    Attributes:
        is_cut: whether deeper values were left out.
    """

    __slots__ = ("_budget", "_known", "is_cut")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._known: dict[tuple[int, int], tuple[list[Any], bool]] = {}
        self.is_cut = False

    def of(self, node: Node, depth: int) -> Iterable[Any]:
        """Values that a node probably accepts, the simplest first, with at most `depth` levels that are not minimal."""
        node = resolved(node)
        self._budget.spend()
        if isinstance(node, EnumNode):
            return [_plain(value) for value in node.values.values()]
        if isinstance(node, CombinedNode):
            return self._combined(node, depth)
        found: Iterable[Any]
        if isinstance(node, StringNode):
            found = _strings(node)
        elif isinstance(node, NumberNode):
            found = _numbers(node)
        elif isinstance(node, (ObjectNode, ArrayNode)):
            found = self._containers(node, depth)
        else:
            return _LEAVES.get(node.kind, ())
        # Where no type is demanded, values of every other type are accepted.
        return found if node.required else itertools.chain(found, _ANY)

    def _variants(self, node: Node, depth: int) -> list[Any]:
        key = (id(resolved(node)), depth)
        if key not in self._known:
            outer, self.is_cut = self.is_cut, False
            different = {
                comparable(value): value for value in itertools.islice(self.of(node, depth), 2 * _MAX_VARIANTS)
            }
            values = list(itertools.islice(different.values(), _MAX_VARIANTS))
            self._known[key] = values, self.is_cut
            self.is_cut = outer
        values, is_cut = self._known[key]
        self.is_cut |= is_cut
        return values

    def _containers(self, node: ObjectNode | ArrayNode, depth: int) -> Iterable[Any]:
        if depth > 0:
            return self._objects(node, depth - 1) if isinstance(node, ObjectNode) else self._arrays(node, depth - 1)
        self.is_cut = True
        if isinstance(node, ObjectNode):
            return () if node.required_properties else ({},)
        return () if node.min_items else ([],)

    def _objects(self, node: ObjectNode, depth: int) -> Iterator[dict[str, Any]]:
        places = {name: self._variants(child, depth) for name, child in node.properties.items()}
        full = {name: values[0] for name, values in places.items() if values}
        others = self._undeclared(node, depth)
        for name in sorted(node.required_properties - node.properties.keys()):
            full[name] = next(iter(others), None)
        if others:
            full |= dict.fromkeys(sorted(_dependent_names(node) - full.keys() - node.properties.keys()), others[0])
        least = {name: value for name, value in full.items() if name in node.required_properties}
        yield least
        yield full
        places["undeclared"] = [*places.get("undeclared", ()), *others]
        for pattern, child in node.patterns:
            matching = _name_for(pattern)
            if matching is not None:
                places[matching] = [*places.get(matching, ()), *self._variants(child, depth)]
        # The other properties of a payload may be what makes it invalid, or what makes it valid.
        for name, value in _in_turn(places):
            self._budget.spend(len(full) // 8)
            yield {**least, name: value}
            if not full.keys() <= {*least, name}:
                yield {**full, name: value}
        for name in [name for name in full if name not in least]:
            self._budget.spend(len(full) // 8)
            yield {key: value for key, value in full.items() if key != name}
        for size in (2, 4, 8) if others else ():
            yield {**full, **{f"undeclared{number}": others[0] for number in range(size)}}

    def _undeclared(self, node: ObjectNode, depth: int) -> list[Any]:
        rest = node.unevaluated if node.additional is None else node.additional
        if isinstance(rest, Node):
            return self._variants(rest, depth)
        return [] if rest is False else list(_ANY)

    def _arrays(self, node: ArrayNode, depth: int) -> Iterator[list[Any]]:
        tuples = [self._variants(child, depth) for child in node.prefix or ()]
        first = [values[0] for values in itertools.takewhile(bool, tuples)]
        items = self._following(node, depth)
        least = max(int(node.min_items or 0), 0)
        if least == 0:
            yield []
        yield first
        for place, values in enumerate(tuples[: len(first)]):
            for value in values[1:]:
                yield [*first[:place], value, *first[place + 1 :]]
        sizes = {min(max(least, 1), _MAX_SIZE), min(max(least, 2), _MAX_SIZE), min(int(node.max_items or 8), _MAX_SIZE)}
        for size in sorted(sizes) if items else ():
            for start in range(len(items)):
                self._budget.spend(1 + size // 8)
                rest = max(size - len(first), 1)
                yield [*first, *itertools.repeat(items[start], rest)]
                if rest > 1 and len(items) > 1:
                    yield [*first, *itertools.islice(itertools.cycle(items[start:] + items[:start]), rest)]

    def _following(self, node: ArrayNode, depth: int) -> list[Any]:
        """Values of the items after the tuple, or of all items."""
        rest = node.unevaluated if node.additional is None else node.additional
        rest = node.items if node.items is not None else rest
        if isinstance(rest, Node):
            return self._variants(rest, depth)
        return [] if rest is False else list(_ANY)

    def _combined(self, node: CombinedNode, depth: int) -> Iterator[Any]:
        branches = [self._variants(branch, depth) for branch in node.branches]
        if node.criterion is not Criterion.ALL:
            yield from itertools.chain.from_iterable(branches)
            return
        objects = [[value for value in values if isinstance(value, dict)] for values in branches]
        smallest = _merged(values[0] for values in objects if values)
        largest = _merged(max(values, key=len) for values in objects if values)
        for value in itertools.chain.from_iterable(branches):
            candidates = ({**smallest, **value}, {**largest, **value}) if isinstance(value, dict) else (value,)
            yield from (each for each in candidates if all(_plausible(branch, each) for branch in node.branches))


def _in_turn(places: dict[str, list[Any]]) -> Iterator[tuple[str, Any]]:
    """The first value of every place, then the second of each, and so on."""
    for index in range(max(map(len, places.values()), default=0)):
        yield from ((name, values[index]) for name, values in places.items() if index < len(values))


def _dependent_names(node: ObjectNode) -> set[str]:
    """The names that only `dependencies` and `dependentRequired` mention: all of them together satisfy those."""
    return set(node.dependent_required).union(*node.dependent_required.values())


def _name_for(pattern: str) -> str | None:
    """The name of a property that a pattern of `patternProperties` matches, if one of the common shapes does."""
    literal = pattern.removeprefix("^").removesuffix("$")
    return next((text for text in (literal, *_TEXTS) if matches(pattern, text)), None)


def _merged(values: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {key: child for value in values for key, child in value.items()}


def _plausible(node: Node, value: Any) -> bool:
    """Whether a value is not plainly refused by a node; the validator of the whole schema decides in the end."""
    node = resolved(node)
    if isinstance(node, EnumNode):
        return comparable(value) in {comparable(_plain(each)) for each in node.values.values()}
    if isinstance(node, CombinedNode):
        some = any if node.criterion is not Criterion.ALL else all
        return some(_plausible(branch, value) for branch in node.branches)
    kind = _TYPES.get(node.kind)
    if kind is None:
        return node.kind is not Kind.FALSE
    if not isinstance(value, kind) or (isinstance(value, bool) and node.kind is not Kind.BOOLEAN):
        return not getattr(node, "required", True)
    if isinstance(node, StringNode) and isinstance(value, str):
        return _fits(node, value)
    return not isinstance(node, NumberNode) or not isinstance(value, (int, float)) or _is_within(node, value)


def _plain(value: Any) -> Any:
    """A value of a schema as a payload has it: with floats for decimals."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_plain(child) for child in value]
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    return value


def _fits(node: StringNode, text: str) -> bool:
    return (
        (node.min_length or 0) <= len(text)
        and (node.max_length is None or len(text) <= node.max_length)
        and (node.pattern is None or matches(node.pattern, text))
    )


def _strings(node: StringNode) -> list[str]:
    if node.pattern is not None:
        return [text for text in _TEXTS if _fits(node, text)]
    if node.format in _FORMATS:
        return [_FORMATS[node.format]]
    least = min(int(node.min_length or 0), _MAX_SIZE)
    most = min(int(node.max_length if node.max_length is not None else least + 8), _MAX_SIZE)
    texts = ("text", "x" * least, "x" * most, "é" * most)
    return list(dict.fromkeys(text for text in texts if _fits(node, text)))


def _is_within(node: NumberNode, number: float) -> bool:
    return (
        (not node.integer or float(number).is_integer())
        and (node.minimum is None or number >= node.minimum)
        and (node.maximum is None or number <= node.maximum)
        and (node.exclusive_minimum is None or number > node.exclusive_minimum)
        and (node.exclusive_maximum is None or number < node.exclusive_maximum)
    )


def _numbers(node: NumberNode) -> list[int | float]:
    limits = [node.minimum, node.maximum, node.exclusive_minimum, node.exclusive_maximum]
    edges = [edge for edge in (_plain(limit) for limit in limits if limit is not None) if math.isfinite(edge)]
    step = _plain(node.multiple_of) if node.multiple_of else 1
    found: list[int | float] = [1, 0, -1, 2, step, -step]
    for edge in edges:
        found += [edge, edge + step, edge - step, edge + 0.5, edge - 0.5]
        if math.isfinite(edge / step):
            nearest = math.floor(edge / step) * step
            found += [nearest, nearest + step]
    found += [1.5, -0.25, 10**6, 2**31, 2**53]
    unique = {comparable(number): number for number in found if math.isfinite(number)}
    return [int(n) if float(n).is_integer() else n for n in unique.values() if _is_within(node, n)]
