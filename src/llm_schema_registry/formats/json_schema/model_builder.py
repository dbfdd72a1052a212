"""Building the model of a schema from its JSON value."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from llm_schema_registry.core.budget import MAX_DEPTH, Budget
from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.format import InvalidSchemaError
from llm_schema_registry.formats.json_schema.dialects import NUMBER_KEYWORDS, STRING_KEYWORDS
from llm_schema_registry.formats.json_schema.model import (
    MISSING,
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
    ReferenceNode,
    StringNode,
    comparable,
)
from llm_schema_registry.formats.json_schema.references import References, Resource, Target

_COMBINATIONS = (Criterion.ALL, Criterion.ANY, Criterion.ONE)
_CONDITIONAL = ("if", "then", "else")
_DEFINITIONS = ("definitions", "$defs")
_LEAVES = {"boolean": Kind.BOOLEAN, "null": Kind.NULL}
_GROUP_OF_TYPE = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "array": "array",
    "object": "object",
}


def _number(value: Any) -> Number | None:
    return value if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(value: Any) -> frozenset[str]:
    return frozenset(name for name in _list(value) if isinstance(name, str))


class ModelBuilder:
    """Builds the model of one schema and of what it refers to. Used once.

    Keywords of the wrong shape count as absent: schemas that must be valid are checked against their metaschema first.
    """

    def __init__(self, references: References, budget: Budget) -> None:
        self._references = references
        self._budget = budget
        self._nodes: dict[int, Node] = {}
        self._dynamic: list[tuple[ReferenceNode, Resource]] = []
        self._pending: list[tuple[ReferenceNode, dict[str, Any], Resource]] = []

    def load(self) -> Node:
        """The model of the schema.

        Raises:
            InvalidSchemaError: a `$ref` is unknown or circular, or the schema is nested too deeply.
            BudgetExceededError: too much work.
        """
        root = self._references.root
        node = self._load(root.raw, root, 0)
        followed: list[ReferenceNode] = []
        # References are followed from a list, not by recursion: chains of definitions may be long.
        while self._pending:
            reference, at, inside = self._pending.pop()
            found = self._find(reference, inside)
            if isinstance(found, Finding):
                raise self._unresolved(at, found)
            if not isinstance(found.raw, (dict, bool)):
                message = f"The $ref '{shortened(reference.uri)}' points to something that is not a schema"
                raise self._unresolved(at, Finding(code="json.UNRESOLVED_REF", message=message))
            reference.target = self._load(found.raw, found.resource, 0)
            followed.append(reference)
        _refuse_circles(followed)
        for reference in followed:
            while isinstance(reference.target, ReferenceNode):
                reference.target = reference.target.target
            reference.possible = reference.target
        self._join_possible_targets(followed)
        return node

    def _join_possible_targets(self, references: Iterable[ReferenceNode]) -> None:
        """A change of any schema that a reference may mean counts."""
        joined: dict[int, Node] = {}
        for reference, inside in self._dynamic:
            found = self._references.find_dynamic(reference.keyword, reference.uri, inside)
            if isinstance(found, Finding):
                continue
            others = [self._nodes[id(raw)] for raw in found.others if id(raw) in self._nodes]
            if others:
                joined[id(reference)] = CombinedNode(Criterion.ALL, [reference.target, *others], synthetic=True)
        for reference in references if joined else ():
            reference.possible = joined.get(id(reference), reference.possible)

    def _find(self, reference: ReferenceNode, inside: Resource) -> Target | Finding:
        if reference.keyword == "$ref":
            return self._references.find(reference.uri, inside)
        found = self._references.find_dynamic(reference.keyword, reference.uri, inside)
        if isinstance(found, Finding):
            return found
        self._dynamic.append((reference, inside))
        return found.target

    def _load(self, raw: Any, resource: Resource, depth: int) -> Node:
        if isinstance(raw, bool):
            return Node(Kind.EMPTY if raw else Kind.FALSE, raw)
        if not isinstance(raw, dict):
            return Node(Kind.EMPTY, True)
        known = self._nodes.get(id(raw))
        if known is not None:
            return known
        if depth > MAX_DEPTH:
            raise InvalidSchemaError(f"The schema is nested too deeply: at most {MAX_DEPTH} levels are read")
        self._budget.spend()
        resource = self._references.embedded(raw, resource)
        node = self._combined_parts(raw, resource, depth + 1)
        node.raw = raw
        node.id = raw.get(resource.dialect.id_keyword)
        node.title = raw.get("title")
        node.description = raw.get("description")
        if "$ref" not in raw or not resource.dialect.ref_hides_siblings:
            node.default = raw.get("default", MISSING)
        node.is_connect_bytes = raw.get("connect.type") == "bytes"
        self._nodes[id(raw)] = node
        return node

    def _combined_parts(self, raw: dict[str, Any], resource: Resource, depth: int) -> Node:
        dialect = resource.dialect
        if "$ref" in raw and dialect.ref_hides_siblings:
            self._visit_definitions(raw, resource, depth)
            return self._reference(raw, "$ref", resource)
        parts: list[Node] = []
        if not dialect.ref_hides_siblings:
            parts.extend(
                self._reference(raw, keyword, resource)
                for keyword in ("$ref", "$dynamicRef", "$recursiveRef")
                if isinstance(raw.get(keyword), str)
            )
        if "enum" in raw:
            parts.append(EnumNode(Kind.ENUM, {comparable(value): value for value in _list(raw["enum"])}))
        if "const" in raw and dialect.has_const:
            parts.append(EnumNode(Kind.CONST, {comparable(raw["const"]): raw["const"]}))
        for criterion in _COMBINATIONS:
            if criterion in raw:
                branches = [self._load(child, resource, depth) for child in _list(raw[criterion])]
                parts.append(CombinedNode(criterion, branches, synthetic=False))
        if "not" in raw:
            parts.append(NotNode(self._load(raw["not"], resource, depth)))
        if dialect.has_conditional and any(keyword in raw for keyword in _CONDITIONAL):
            for keyword in _CONDITIONAL:
                if keyword in raw:
                    self._load(raw[keyword], resource, depth)
            parts.append(Node(Kind.CONDITIONAL))
        parts.extend(self._typed_parts(raw, resource, depth))
        self._visit_definitions(raw, resource, depth)
        if len(parts) == 1:
            return parts[0]
        return CombinedNode(Criterion.ALL, parts, synthetic=True) if parts else Node(Kind.EMPTY)

    def _visit_definitions(self, raw: dict[str, Any], resource: Resource, depth: int) -> None:
        """Definitions are no part of the model, but their `$ref`s must be known too."""
        for keyword in _DEFINITIONS:
            for child in _dict(raw.get(keyword)).values():
                if isinstance(child, (dict, bool)):
                    self._load(child, resource, depth)

    def _reference(self, raw: dict[str, Any], keyword: str, resource: Resource) -> ReferenceNode:
        uri = raw[keyword]
        if not isinstance(uri, str):
            message = f"A $ref must be a string, not {shortened(repr(uri), 40)}"
            raise self._unresolved(raw, Finding(code="json.UNRESOLVED_REF", message=message))
        node = ReferenceNode(uri, keyword)
        self._pending.append((node, raw, resource))
        return node

    def _unresolved(self, raw: dict[str, Any], finding: Finding) -> InvalidSchemaError:
        """The refusal of a `$ref` in the schema `raw`, with its place."""
        place, name = self._references.place(raw)
        where = f"at '{place}'" + (f" of the referenced '{shortened(name)}'" if name is not None else "")
        message = f"{finding.message} ({where})"
        return InvalidSchemaError(message, [msgspec.structs.replace(finding, message=message, path=place)])

    def _typed_parts(self, raw: dict[str, Any], resource: Resource, depth: int) -> list[Node]:
        """One node for `type`, and one for each group of keywords that belongs to another type than the given one."""
        builders: dict[str, Callable[..., Node]] = {
            "array": self._array,
            "object": self._object,
            "number": self._number,
            "string": self._string,
        }
        declared = raw.get("type")
        parts: list[Node] = []
        if isinstance(declared, list):
            branches = [self._of_type(name, raw, resource, depth) for name in declared]
            parts.append(CombinedNode(Criterion.ANY, branches, synthetic=True))
        elif declared is not None:
            parts.append(self._of_type(declared, raw, resource, depth))
        names = declared if isinstance(declared, list) else [declared]
        covered = {_GROUP_OF_TYPE.get(name) for name in names if isinstance(name, str)}
        groups = {
            "array": resource.dialect.array_keywords,
            "object": resource.dialect.object_keywords,
            "number": NUMBER_KEYWORDS,
            # `format` beside a type that is no string (`integer` with `int64`) constrains nothing.
            "string": STRING_KEYWORDS if declared is None else STRING_KEYWORDS - {"format"},
        }
        parts.extend(
            builders[group](raw, resource, depth, required=False)
            for group, keywords in groups.items()
            if group not in covered and not keywords.isdisjoint(raw)
        )
        return parts

    def _of_type(self, name: Any, raw: dict[str, Any], resource: Resource, depth: int) -> Node:
        match name:
            case "string":
                return self._string(raw, resource, depth, required=True)
            case "number" | "integer":
                return self._number(raw, resource, depth, required=True)
            case "array":
                return self._array(raw, resource, depth, required=True)
            case "object":
                return self._object(raw, resource, depth, required=True)
            case "boolean" | "null":
                return Node(_LEAVES[name])
        return Node(Kind.EMPTY)

    def _string(self, raw: dict[str, Any], resource: Resource, depth: int, *, required: bool) -> Node:
        node = StringNode(required=required)
        node.min_length = _number(raw.get("minLength"))
        node.max_length = _number(raw.get("maxLength"))
        pattern = raw.get("pattern")
        node.pattern = pattern if isinstance(pattern, str) else None
        node.format = raw["format"] if isinstance(raw.get("format"), str) else None
        return node

    def _number(self, raw: dict[str, Any], resource: Resource, depth: int, *, required: bool) -> Node:
        declared = raw.get("type")
        # In a list of types, "integer" beside "number" adds nothing, so each stands for itself.
        integer = declared == "integer" or (
            isinstance(declared, list) and "integer" in declared and "number" not in declared
        )
        node = NumberNode(required=required, integer=integer and required)
        node.minimum = _number(raw.get("minimum"))
        node.maximum = _number(raw.get("maximum"))
        if resource.dialect.exclusive_flags:
            node.exclusive_minimum = node.minimum if raw.get("exclusiveMinimum") is True else None
            node.exclusive_maximum = node.maximum if raw.get("exclusiveMaximum") is True else None
        else:
            node.exclusive_minimum = _number(raw.get("exclusiveMinimum"))
            node.exclusive_maximum = _number(raw.get("exclusiveMaximum"))
        node.multiple_of = _number(raw.get("multipleOf"))
        return node

    def _rest(self, value: Any, resource: Resource, depth: int) -> Node | bool | None:
        """What an `additional…` or `unevaluated…` keyword says."""
        return self._load(value, resource, depth) if isinstance(value, dict) else value

    def _object(self, raw: dict[str, Any], resource: Resource, depth: int, *, required: bool) -> Node:
        node = ObjectNode(required=required)
        load = self._load
        node.properties = {key: load(child, resource, depth) for key, child in _dict(raw.get("properties")).items()}
        node.required_properties = _names(raw.get("required"))
        node.patterns = [
            (pattern, load(child, resource, depth)) for pattern, child in _dict(raw.get("patternProperties")).items()
        ]
        node.additional = self._rest(raw.get("additionalProperties"), resource, depth)
        node.min_properties = _number(raw.get("minProperties"))
        node.max_properties = _number(raw.get("maxProperties"))
        if isinstance(raw.get("propertyNames"), dict):
            load(raw["propertyNames"], resource, depth)
        dependencies: list[tuple[str, Any]] = []
        if resource.dialect.is_2019:
            unevaluated = self._rest(raw.get("unevaluatedProperties"), resource, depth)
            # additionalProperties, whatever it says, leaves nothing unevaluated.
            node.unevaluated = unevaluated if node.additional is None else None
            dependencies = [*_dict(raw.get("dependentRequired")).items(), *_dict(raw.get("dependentSchemas")).items()]
        # Since 2019-09 no longer in the vocabulary, but in the metaschema, and validators still honour it.
        dependencies += _dict(raw.get("dependencies")).items()
        for key, value in dependencies:
            if isinstance(value, list):
                node.dependent_required[key] = node.dependent_required.get(key, frozenset()) | _names(value)
            else:
                node.dependent_schemas[key] = load(value, resource, depth)
        return node

    def _array(self, raw: dict[str, Any], resource: Resource, depth: int, *, required: bool) -> Node:
        node = ArrayNode(required=required)
        dialect = resource.dialect
        items = raw.get("items")
        prefix = raw.get("prefixItems") if dialect.prefix_items else items
        rest = items if dialect.prefix_items else raw.get("additionalItems")
        if isinstance(prefix, list):
            node.prefix = [self._load(child, resource, depth) for child in prefix]
        elif items is False and dialect.is_2019:
            # Since 2019-09 the reference reads this as a closed tuple of no items.
            node.prefix, rest = [], False
        elif items is not None:
            node.items = self._load(items, resource, depth)
            rest = None if dialect.prefix_items else rest
        node.additional = self._rest(rest, resource, depth)
        node.min_items = _number(raw.get("minItems"))
        node.max_items = _number(raw.get("maxItems"))
        node.unique = raw.get("uniqueItems") is True
        if dialect.has_const and "contains" in raw:
            self._load(raw["contains"], resource, depth)
            node.contains = True
        if dialect.is_2019:
            if node.contains:
                node.min_contains = _number(raw.get("minContains"))
                node.max_contains = _number(raw.get("maxContains"))
            unevaluated = self._rest(raw.get("unevaluatedItems"), resource, depth)
            all_evaluated = node.items is not None or (node.prefix is not None and node.additional is not None)
            node.unevaluated = None if all_evaluated else unevaluated
        return node


def _in_place(node: Node) -> Iterable[Node]:
    """The schemas that are applied to the very value that the node is applied to."""
    if isinstance(node, ReferenceNode):
        return (node.target,)
    if isinstance(node, CombinedNode):
        return node.branches
    if isinstance(node, NotNode):
        return (node.negated,)
    return node.dependent_schemas.values() if isinstance(node, ObjectNode) else ()


def _refuse_circles(references: list[ReferenceNode]) -> None:
    """Refuses references that lead back to themselves without a step into the value: such a schema says nothing.

    Raises:
        InvalidSchemaError: there is such a circle (JSON Schema core: infinite recursive nesting is undefined).
    """
    done: set[int] = set()
    for reference in references:
        # The nodes on the way, each with those that are still to be visited from it.
        way: list[tuple[Node, Iterator[Node]]] = (
            [(reference, iter(_in_place(reference)))] if id(reference) not in done else []
        )
        on_way: dict[int, Node] = {id(reference): reference}
        while way:
            node, following = way[-1]
            step = next(following, None)
            if step is None:
                way.pop()
                on_way.pop(id(node))
                done.add(id(node))
            elif id(step) in on_way:
                message = f"The $ref '{shortened(reference.uri)}' leads in a circle and so to nothing"
                raise InvalidSchemaError(message, [Finding(code="json.CIRCULAR_REF", message=message)])
            elif id(step) not in done:
                way.append((step, iter(_in_place(step))))
                on_way[id(step)] = step
