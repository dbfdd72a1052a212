"""The field tree of a JSON Schema, for lists, trees and search."""

from collections import Counter
from collections.abc import Iterator

from llm_schema_registry.formats.format import OutlineField
from llm_schema_registry.formats.json_schema.canonical import canonical_text
from llm_schema_registry.formats.json_schema.model import (
    MISSING,
    ArrayNode,
    CombinedNode,
    Criterion,
    Kind,
    Node,
    NumberNode,
    ObjectNode,
    resolved,
)
from llm_schema_registry.formats.json_schema.schema import JsonSchema

# An object that is shared by many places is listed at so many of them; a few references could multiply without end.
_MAX_EXPANSIONS = 64

_NAMES = {Kind.EMPTY: "any", Kind.CONDITIONAL: "any", Kind.FALSE: "never"}


def outline(schema: JsonSchema) -> list[OutlineField]:
    """The fields, depth first in declaration order.

    References are followed; a recursive type is cut at its second occurrence. The fields of all branches of `allOf`,
    `anyOf` and `oneOf` are listed once each.
    """
    walker = _Outline()
    walker.visit(schema.root, "")
    return walker.fields


class _Outline:
    def __init__(self) -> None:
        self.fields: list[OutlineField] = []
        self._listed: set[str] = set()
        self._active: set[int] = set()
        self._expansions: Counter[int] = Counter()

    def visit(self, node: Node, path: str) -> None:
        """Lists the fields below a node at a path."""
        node = resolved(node)
        if id(node) in self._active or self._expansions[id(node)] >= _MAX_EXPANSIONS:
            return
        self._active.add(id(node))
        self._expansions[id(node)] += 1
        if isinstance(node, ObjectNode):
            for name, child in node.properties.items():
                self._field(name, child, name in node.required_properties, path)
            if isinstance(node.additional, Node):
                self.visit(node.additional, path + "{}")
        elif isinstance(node, ArrayNode):
            for child in [*(node.prefix or ()), *([node.items] if node.items else ())]:
                self.visit(child, path + "[]")
        elif isinstance(node, CombinedNode):
            for branch in node.branches:
                self.visit(branch, path)
        self._active.discard(id(node))

    def _field(self, name: str, node: Node, required: bool, parent: str) -> None:
        path = f"{parent}.{name}" if parent else name
        if path not in self._listed:
            self._listed.add(path)
            target = resolved(node)
            default = node.default if node.default is not MISSING else target.default
            self.fields.append(
                OutlineField(
                    path=path,
                    type=_type_name(node, frozenset()),
                    required=required,
                    default=None if default is MISSING else canonical_text(default),
                    doc=_text(node.description) or _text(target.description) or _text(target.title),
                    tags=tuple(dict.fromkeys([*_tags(node), *_tags(target)])),
                )
            )
        self.visit(node, path)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _tags(node: Node) -> Iterator[str]:
    tags = node.raw.get("confluent:tags") if isinstance(node.raw, dict) else None
    return (tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else iter(())


def _type_name(node: Node, seen: frozenset[int]) -> str:
    node = resolved(node)
    if id(node) in seen:
        return "any"
    seen |= {id(node)}
    if isinstance(node, NumberNode):
        return "integer" if node.integer else "number"
    if isinstance(node, ObjectNode):
        return _text(node.title) or "object"
    if isinstance(node, ArrayNode):
        return _array_name(node, seen)
    if isinstance(node, CombinedNode):
        return _combined_name(node, seen)
    return _NAMES.get(node.kind, node.kind.value)


def _array_name(node: ArrayNode, seen: frozenset[int]) -> str:
    if node.prefix:
        return f"array<{', '.join(_type_name(child, seen) for child in node.prefix)}>"
    return f"array<{_type_name(node.items, seen)}>" if node.items else "array<any>"


def _combined_name(node: CombinedNode, seen: frozenset[int]) -> str:
    branches = node.branches
    if node.criterion is not Criterion.ALL:
        names = dict.fromkeys(_type_name(branch, seen) for branch in branches)
        return next(iter(names)) if len(names) == 1 else f"union<{', '.join(names)}>"
    if _text(node.title):
        return str(node.title)
    # Beside a type, an enumeration or a condition says nothing about the type.
    silent = (Kind.ENUM, Kind.CONST, Kind.CONDITIONAL, Kind.NOT, Kind.EMPTY)
    telling = [branch for branch in branches if resolved(branch).kind not in silent] or branches
    return " & ".join(dict.fromkeys(_type_name(branch, seen) for branch in telling))
