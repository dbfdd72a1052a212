"""Proofs that a change keeps all data valid although the rules count it as incompatible.

The verdict is the rules'; a proof only decides what a finding may claim. Every predicate is conservative: `True` is
proven from the two schemas at this place, `False` means unknown.
"""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from llm_schema_registry.formats.json_schema.compatibility.numbers import divides
from llm_schema_registry.formats.json_schema.differences import harmless, is_harmless
from llm_schema_registry.formats.json_schema.model import (
    ArrayNode,
    CombinedNode,
    Criterion,
    EnumNode,
    Kind,
    Node,
    NotNode,
    Number,
    NumberNode,
    ObjectNode,
    StringNode,
    comparable,
    possible,
)
from llm_schema_registry.formats.json_schema.patterns import matches

if TYPE_CHECKING:
    from llm_schema_registry.formats.json_schema.compatibility.walk import Walk

_MAX_DEPTH = 8
_MAX_BRANCH_PAIRS = 64
_MAX_DIGITS = 400
_INFINITY = Decimal("Infinity")
# Searched for, not anchored: each is found in every text.
_VOID_PATTERNS = frozenset({"", "^", "$", ".*", "^.*", ".*$"})
_NUMBER_KEYWORDS = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "multiple_of")
_TYPED = (StringNode, NumberNode, ObjectNode, ArrayNode)


def judged(name: str, keeps: bool) -> str:
    """The key of an incompatible difference: in its harmless form if all data stays valid."""
    return harmless(name) if keeps else name


def keeps_all(walk: "Walk", writer: Node, reader: Node, path: str) -> bool:
    """Whether the reader accepts whatever the writer allows, of two schemas that the rules call different.

    Combinations are taken apart once, and their branches are compared by the rules.
    """
    writer, reader = possible(writer), possible(reader)
    if _accepts(writer, reader):
        return True
    before, after = _branches(writer), _branches(reader)
    if len(before) * len(after) == 1 or len(before) * len(after) > _MAX_BRANCH_PAIRS or _is_choice_of_one(reader):
        return False

    def implies(one: Node, other: Node) -> bool:
        old, new = possible(one), possible(other)
        if _accepts(old, new):
            return True
        # Of two kinds, the rules find that the type has changed, which nothing else can prove to be harmless.
        if old.kind is not new.kind and old.kind is not Kind.FALSE and Kind.COMBINED not in (old.kind, new.kind):
            return False
        return refines(walk, one, other, path)

    of_writer = all if isinstance(writer, CombinedNode) and writer.criterion is not Criterion.ALL else any
    if isinstance(reader, CombinedNode) and reader.criterion is Criterion.ALL:
        return all(of_writer(implies(old, new) for old in before) for new in after)
    return of_writer(any(implies(old, new) for new in after) for old in before)


def refines(walk: "Walk", writer: Node, reader: Node, path: str) -> bool:
    """Whether a comparison by the rules proves that the reader accepts whatever the writer allows.

    It does where the rules look at every keyword, or where nothing has changed.
    """
    same_text = isinstance(writer.raw, dict) and writer.raw == reader.raw
    if not same_text and not (_is_compared_exactly(writer, 0) and _is_compared_exactly(reader, 0)):
        return False
    found, broken = walk.trial(writer, reader, path)
    if same_text:
        return not broken and (not found or walk.same(writer, reader))
    breaking = [each.name for each in walk.differences(found) if walk.breaks(each.name)]
    return not broken or (bool(breaking) and all(map(is_harmless, breaking)))


def _is_compared_exactly(node: Node, depth: int) -> bool:
    """Whether the rules compare everything that a schema demands."""
    node = possible(node)
    if depth > _MAX_DEPTH or node.is_connect_bytes:
        return False
    match node:
        case StringNode():
            return node.format is None
        case CombinedNode():
            return not _is_choice_of_one(node) and all(_is_compared_exactly(each, depth + 1) for each in node.branches)
        case NotNode():
            return _is_compared_exactly(node.negated, depth + 1)
    return node.kind not in (Kind.OBJECT, Kind.ARRAY, Kind.CONDITIONAL)


def _is_choice_of_one(node: Node) -> bool:
    """Whether a second branch that fits makes a value invalid, which the rules do not see."""
    return isinstance(node, CombinedNode) and node.criterion is Criterion.ONE and len(node.branches) > 1


def _branches(node: Node) -> list[Node]:
    return node.branches if isinstance(node, CombinedNode) else [node]


def _accepts(writer: Node, reader: Node) -> bool:
    """Whether the reader accepts the writer's values for a reason that needs no comparison."""
    values = _finite(writer, 0)
    return (
        (values is not None and all(_admits(reader, value, 0) for value in values))
        or accepts_anything(reader)
        or _concerns_another_type(writer, reader)
    )


def accepts_anything(node: Node, depth: int = 0) -> bool:
    """Whether a schema accepts every value, as keywords without effect do (`minLength: 0`)."""
    node = possible(node)
    if node.kind is Kind.EMPTY:
        return True
    if depth > _MAX_DEPTH:
        return False
    inner = depth + 1
    match node:
        case StringNode():
            return not node.required and _is_void_text(node)
        case NumberNode():
            return not node.required and all(getattr(node, name) is None for name in _NUMBER_KEYWORDS)
        case ObjectNode():
            return not node.required and _is_void_object(node, inner)
        case ArrayNode():
            return not node.required and _is_void_array(node, inner)
        case NotNode():
            return possible(node.negated).kind is Kind.FALSE
        case CombinedNode(criterion=Criterion.ALL):
            return all(accepts_anything(branch, inner) for branch in node.branches)
        case CombinedNode(criterion=Criterion.ANY):
            return any(accepts_anything(branch, inner) for branch in node.branches)
    return False


def _is_void_text(node: StringNode) -> bool:
    void_pattern = node.pattern is None or node.pattern in _VOID_PATTERNS
    return (node.min_length or 0) <= 0 and node.max_length is None and node.format is None and void_pattern


def _is_void_object(node: ObjectNode, depth: int) -> bool:
    # `propertyNames` is not part of the model, and a part of a combination does not know its text.
    if not isinstance(node.raw, dict) or "propertyNames" in node.raw:
        return False
    schemas = [*node.properties.values(), *(child for _, child in node.patterns), *node.dependent_schemas.values()]
    return (
        not node.required_properties
        and (node.min_properties or 0) <= 0
        and node.max_properties is None
        and not any(node.dependent_required.values())
        and all(_is_void_rest(rest, depth) for rest in (node.additional, node.unevaluated))
        and all(accepts_anything(schema, depth) for schema in schemas)
    )


def _is_void_array(node: ArrayNode, depth: int) -> bool:
    rests = (node.additional if node.prefix is not None else None, node.unevaluated)
    return (
        (node.min_items or 0) <= 0
        and node.max_items is None
        and not node.unique
        and not node.contains
        and all(_is_void_rest(rest, depth) for rest in rests)
        and all(accepts_anything(item, depth) for item in [*(node.prefix or ()), *([node.items] if node.items else ())])
    )


def _is_void_rest(rest: Node | bool | None, depth: int) -> bool:
    return accepts_anything(rest, depth) if isinstance(rest, Node) else rest is not False


def _concerns_another_type(writer: Node, reader: Node) -> bool:
    """Whether the reader's keywords are about another type than the one that the writer demands by name."""
    if not isinstance(reader, _TYPED) or reader.required or reader.kind is writer.kind:
        return False
    return writer.kind in (Kind.BOOLEAN, Kind.NULL) or (isinstance(writer, _TYPED) and writer.required)


def _finite(node: Node, depth: int) -> list[Any] | None:
    """The values of a schema that allows only these, or fewer; `None` if that is unknown."""
    node = possible(node)
    match node:
        case EnumNode():
            return list(node.values.values())
        case Node(kind=Kind.BOOLEAN):
            return [True, False]
        case Node(kind=Kind.NULL):
            return [None]
        case CombinedNode() if depth <= _MAX_DEPTH:
            parts = (_finite(branch, depth + 1) for branch in node.branches)
            if node.criterion is Criterion.ALL:
                return next((part for part in parts if part is not None), None)
            values: list[Any] = []
            for part in parts:
                if part is None:
                    return None
                values += part
            return values
    return None


def _admits(node: Node, value: Any, depth: int) -> bool:
    """Whether a schema accepts a value."""
    node = possible(node)
    if depth > _MAX_DEPTH or node.kind is Kind.FALSE:
        return False
    match node:
        case EnumNode():
            return comparable(value) in node.values
        case Node(kind=Kind.BOOLEAN):
            return isinstance(value, bool)
        case Node(kind=Kind.NULL):
            return value is None
        case StringNode():
            return _admits_text(node, value) if isinstance(value, str) else not node.required
        case NumberNode():
            is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
            return _admits_number(node, value) if is_number else not node.required
        case ObjectNode():
            return not node.required and not isinstance(value, dict)
        case ArrayNode():
            return not node.required and not isinstance(value, list)
        case CombinedNode(criterion=Criterion.ALL):
            return all(_admits(branch, value, depth + 1) for branch in node.branches)
        case CombinedNode(criterion=Criterion.ANY):
            return any(_admits(branch, value, depth + 1) for branch in node.branches)
    return node.kind is Kind.EMPTY


def _admits_text(node: StringNode, value: str) -> bool:
    fits = (node.min_length or 0) <= len(value) <= (math.inf if node.max_length is None else node.max_length)
    return fits and node.format is None and (node.pattern is None or matches(node.pattern, value))


def _admits_number(node: NumberNode, value: Number) -> bool:
    return (
        (node.minimum is None or value >= node.minimum)
        and (node.maximum is None or value <= node.maximum)
        and (node.exclusive_minimum is None or value > node.exclusive_minimum)
        and (node.exclusive_maximum is None or value < node.exclusive_maximum)
        and (node.multiple_of is None or value == 0 or divides(node.multiple_of, value))
        # In draft-04 a number with a decimal point is not an integer.
        and (not node.integer or isinstance(value, int))
    )


def keeps_minimum(writer: NumberNode, limit: Number) -> bool:
    """Whether all numbers of the writer's schema keep to an `minimum`."""
    return _keeps_bound(-limit, False, writer.integer, _negated(writer.minimum), _negated(writer.exclusive_minimum))


def keeps_exclusive_minimum(writer: NumberNode, limit: Number) -> bool:
    """Whether all numbers of the writer's schema keep to an `exclusiveMinimum`."""
    return _keeps_bound(-limit, True, writer.integer, _negated(writer.minimum), _negated(writer.exclusive_minimum))


def keeps_maximum(writer: NumberNode, limit: Number) -> bool:
    """Whether all numbers of the writer's schema keep to an `maximum`."""
    return _keeps_bound(limit, False, writer.integer, writer.maximum, writer.exclusive_maximum)


def keeps_exclusive_maximum(writer: NumberNode, limit: Number) -> bool:
    """Whether all numbers of the writer's schema keep to an `exclusiveMaximum`."""
    return _keeps_bound(limit, True, writer.integer, writer.maximum, writer.exclusive_maximum)


def _negated(bound: Number | None) -> Number | None:
    """The bound on the mirrored number line, where lower limits are upper ones."""
    return None if bound is None else -bound


def _keeps_bound(
    limit: Number, strict: bool, integer: bool, inclusive: Number | None, exclusive: Number | None
) -> bool:
    """Whether numbers up to (or below) bounds stay up to a limit, or below it if it is strict."""
    for bound, is_exclusive in ((inclusive, False), (exclusive, True)):
        if bound is None:
            continue
        if integer and abs(Decimal(bound).adjusted()) < _MAX_DIGITS:
            bound, is_exclusive = (math.ceil(bound) - 1 if is_exclusive else math.floor(bound)), False
        if bound < limit or (bound == limit and (is_exclusive or not strict)):
            return True
    return False


def least_items(node: ArrayNode) -> Number:
    """How many items an array has at least."""
    matching = (1 if node.min_contains is None else node.min_contains) if node.contains else 0
    return max(0, node.min_items or 0, matching)


def most_items(node: ArrayNode) -> Number:
    """How many items an array has at most; infinity if there is no limit."""
    closed = node.prefix is not None and node.additional is False
    return min(_or_infinity(node.max_items), len(node.prefix or ()) if closed else _INFINITY)


def least_properties(node: ObjectNode) -> Number:
    """How many properties an object has at least."""
    return max(0, node.min_properties or 0, len(node.required_properties))


def most_properties(node: ObjectNode) -> Number:
    """How many properties an object has at most; infinity if there is no limit."""
    closed = node.additional is False and not node.patterns
    return min(_or_infinity(node.max_properties), len(node.properties) if closed else _INFINITY)


def _or_infinity(limit: Number | None) -> Number:
    return _INFINITY if limit is None else limit


def keeps_multiple(writer: NumberNode, step: Number) -> bool:
    """Whether all numbers that the writer's schema allows are multiples of a step."""
    return writer.integer and divides(step, 1)


def keeps_pattern(pattern: str | None) -> bool:
    """Whether a pattern is found in every text."""
    return pattern in _VOID_PATTERNS


def keeps_names(writer: ObjectNode, names: Iterable[str], trigger: str) -> bool:
    """Whether all objects that have one property, the trigger, have all of these too."""
    return set(names) <= writer.required_properties | writer.dependent_required.get(trigger, frozenset()) | {trigger}
