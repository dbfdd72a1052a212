"""The model that schemas are compared in: each schema is a node of exactly one kind.

It follows the model of the everit library, in which the Confluent registry compares: a schema whose keywords belong to
several kinds (`type` with `enum`, `type` with `oneOf`) becomes a synthetic `allOf` of one node for each group.
"""

import enum
from decimal import Decimal
from typing import Any

Number = int | Decimal

MISSING: Any = object()
"""No `default`: distinguishes it from `null`."""


class Kind(enum.Enum):
    """The kinds of nodes. Two nodes of different kinds are different types."""

    EMPTY = "empty"
    FALSE = "false"
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    OBJECT = "object"
    ARRAY = "array"
    ENUM = "enum"
    CONST = "const"
    COMBINED = "combined"
    NOT = "not"
    CONDITIONAL = "conditional"
    REFERENCE = "reference"


class Criterion(enum.StrEnum):
    """How the branches of a combined schema are joined."""

    ALL = "allOf"
    ANY = "anyOf"
    ONE = "oneOf"


class Node:
    """A schema; the kinds without constraints of their own (empty, false, boolean, null, conditional) are just this.

    Attributes:
        kind: see `Kind`.
        raw: the JSON value it was read from; `None` for a part of a synthetic combination.
        id: its `$id`.
        title: its `title`.
        description: its `description`.
        default: its `default`, or `MISSING`.
        is_connect_bytes: whether it is marked as bytes of Kafka Connect (`connect.type`).
    """

    __slots__ = ("default", "description", "id", "is_connect_bytes", "kind", "raw", "title")

    def __init__(self, kind: Kind, raw: Any = None) -> None:
        self.kind = kind
        self.raw = raw
        self.id: Any = None
        self.title: Any = None
        self.description: Any = None
        self.default: Any = MISSING
        self.is_connect_bytes = False


class StringNode(Node):
    """A string; `required` says whether other types are refused (`type` is given)."""

    __slots__ = ("format", "max_length", "min_length", "pattern", "required")

    def __init__(self, *, required: bool) -> None:
        super().__init__(Kind.STRING)
        self.required = required
        self.min_length: Number | None = None
        self.max_length: Number | None = None
        self.pattern: str | None = None
        self.format: str | None = None


class NumberNode(Node):
    """A number; an exclusive limit that is written as a flag (draft-04) is here a limit too."""

    __slots__ = (
        "exclusive_maximum",
        "exclusive_minimum",
        "integer",
        "maximum",
        "minimum",
        "multiple_of",
        "required",
    )

    def __init__(self, *, required: bool, integer: bool) -> None:
        super().__init__(Kind.NUMBER)
        self.required = required
        self.integer = integer
        self.minimum: Number | None = None
        self.maximum: Number | None = None
        self.exclusive_minimum: Number | None = None
        self.exclusive_maximum: Number | None = None
        self.multiple_of: Number | None = None


class ObjectNode(Node):
    """An object.

    Attributes:
        additional: what `additionalProperties` says: a node, `True`, `False`, or `None` if it is absent.
        unevaluated: the same of `unevaluatedProperties`.
        patterns: `patternProperties`.
        dependent_required: the arrays of `dependencies` and `dependentRequired`.
        dependent_schemas: the schemas of `dependencies` and `dependentSchemas`.
    """

    __slots__ = (
        "additional",
        "dependent_required",
        "dependent_schemas",
        "max_properties",
        "min_properties",
        "patterns",
        "properties",
        "required",
        "required_properties",
        "unevaluated",
    )

    def __init__(self, *, required: bool) -> None:
        super().__init__(Kind.OBJECT)
        self.required = required
        self.properties: dict[str, Node] = {}
        self.required_properties: frozenset[str] = frozenset()
        self.patterns: list[tuple[str, Node]] = []
        self.additional: Node | bool | None = None
        self.unevaluated: Node | bool | None = None
        self.min_properties: Number | None = None
        self.max_properties: Number | None = None
        self.dependent_required: dict[str, frozenset[str]] = {}
        self.dependent_schemas: dict[str, Node] = {}


class ArrayNode(Node):
    """An array.

    Attributes:
        items: the schema of all items, unless it is a tuple.
        prefix: the schemas of the first items, if it is a tuple; empty for `items: false` since 2019-09.
        additional: what is said of the items after the tuple: a node, `True`, `False`, or `None` if nothing.
        unevaluated: the same of `unevaluatedItems`.
        contains: whether there is `contains`.
    """

    __slots__ = (
        "additional",
        "contains",
        "items",
        "max_contains",
        "max_items",
        "min_contains",
        "min_items",
        "prefix",
        "required",
        "unevaluated",
        "unique",
    )

    def __init__(self, *, required: bool) -> None:
        super().__init__(Kind.ARRAY)
        self.required = required
        self.items: Node | None = None
        self.prefix: list[Node] | None = None
        self.additional: Node | bool | None = None
        self.unevaluated: Node | bool | None = None
        self.min_items: Number | None = None
        self.max_items: Number | None = None
        self.unique = False
        self.contains = False
        self.min_contains: Number | None = None
        self.max_contains: Number | None = None


class EnumNode(Node):
    """An enumeration (or, with kind `CONST`, a constant): the allowed values by their comparable form."""

    __slots__ = ("values",)

    def __init__(self, kind: Kind, values: dict[Any, Any]) -> None:
        super().__init__(kind)
        self.values = values


class CombinedNode(Node):
    """`allOf`, `anyOf` or `oneOf`; synthetic if the text has no such keyword at this place."""

    __slots__ = ("branches", "criterion", "synthetic")

    def __init__(self, criterion: Criterion, branches: list[Node], *, synthetic: bool) -> None:
        super().__init__(Kind.COMBINED)
        self.criterion = criterion
        self.branches = branches
        self.synthetic = synthetic


class NotNode(Node):
    """`not`."""

    __slots__ = ("negated",)

    def __init__(self, negated: Node) -> None:
        super().__init__(Kind.NOT)
        self.negated = negated


class ReferenceNode(Node):
    """A `$ref`, `$dynamicRef` or `$recursiveRef`.

    Attributes:
        uri: its value.
        keyword: its keyword.
        target: the schema that it means, set when the model is complete; never a reference itself.
        possible: all schemas that it may mean, as one that demands what each of them does; mostly `target`.
    """

    __slots__ = ("keyword", "possible", "target", "uri")

    def __init__(self, uri: str, keyword: str) -> None:
        super().__init__(Kind.REFERENCE)
        self.keyword = keyword
        self.uri = uri
        self.target: Node = self
        self.possible: Node = self


def possible(node: Node) -> Node:
    """The node itself, or all that it may refer to."""
    return node.possible if isinstance(node, ReferenceNode) else node


def resolved(node: Node) -> Node:
    """The node itself, or what it refers to."""
    return node.target if isinstance(node, ReferenceNode) else node


def comparable(value: Any) -> Any:
    """A hashable form in which JSON values are equal as JSON Schema has it: `1` is `1.0`, and neither is `true`."""
    if isinstance(value, bool) or value is None:
        return (value,)
    if isinstance(value, list):
        return ("array", *map(comparable, value))
    if isinstance(value, dict):
        return frozenset((key, comparable(child)) for key, child in value.items())
    return value
