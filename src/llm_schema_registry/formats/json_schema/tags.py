"""Inline tags of objects and properties: the keyword `confluent:tags`, found and edited in the text.

A path walks the kinds of the schemas on the way: `object.p` is a property of the root, `object.p.object.q` one
below it, `array` its items, `allof.0` a branch, `not` and `conditional.if` what they say, `object.definitions.T`
a definition; `definitions.T` where no object is around it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.format import Entity, EntityKind, changed_tags, spend_on, untaggable
from llm_schema_registry.formats.json_schema.canonical import canonical_text, read_json
from llm_schema_registry.formats.json_schema.dialects import dialect_of
from llm_schema_registry.formats.json_schema.schema import JsonSchema

_TAGS = "confluent:tags"


def tags(schema: JsonSchema, budget: Budget) -> dict[Entity, tuple[str, ...]]:
    """The objects and properties of a schema's own text with their tags; an object that is a property once, as such."""
    listed: set[int] = set()
    found: dict[Entity, tuple[str, ...]] = {}
    for entity, node in _Finder(budget).find(schema.raw).items():
        if id(node) not in listed:
            listed.add(id(node))
            found[entity] = _tags(node)
    return found


def with_tags(
    schema: JsonSchema,
    add: Mapping[Entity, Sequence[str]],
    remove: Mapping[Entity, Sequence[str]],
    budget: Budget,
) -> str:
    """The text with other tags; see `Format.with_tags`. A definition is found with or without `object.` before it."""
    document = read_json(schema.canonical)
    found = _Finder(budget).find(document)
    for entity in dict.fromkeys((*add, *remove)):
        node = found.get(entity)
        if node is None and entity.path.startswith("definitions."):
            node = found.get(entity._replace(path=f"object.{entity.path}"))
        if node is None:
            raise untaggable(entity, next((each.path for each in found if each.kind is entity.kind), ""))
        changed = changed_tags(_tags(node), add.get(entity, ()), remove.get(entity, ()))
        if changed:
            node[_TAGS] = changed
        else:
            node.pop(_TAGS, None)
    return canonical_text(document)


class _Finder:
    """Collects the nodes of objects and properties, outer ones first. Of two places with one path, as names with
    dots can give, the first has it.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._found: dict[Entity, dict[str, Any]] = {}

    def find(self, root: Any) -> dict[Entity, dict[str, Any]]:
        """The nodes of a document by their paths."""
        self._visit(root, "")
        return self._found

    def _visit(self, node: Any, path: str) -> None:
        if not isinstance(node, dict):
            return
        self._budget.spend()
        is_object = _is_object(node)
        if is_object:
            self._add(f"{path}object", EntityKind.RECORD, node)
            for name, child in _members(node, "properties"):
                if isinstance(child, dict):
                    self._add(f"{path}object.{name}", EntityKind.FIELD, child)
                self._visit(child, f"{path}object.{name}.")
        for keyword in ("definitions", "$defs"):
            for name, child in _members(node, keyword):
                self._visit(child, f"{path}{'object.' if is_object else ''}definitions.{name}.")
        for keyword in ("prefixItems", "items"):
            self._visit(node.get(keyword), f"{path}array.")
            for index, child in _items(node, keyword):
                self._visit(child, f"{path}array.{index}.")
        for keyword in ("allOf", "anyOf", "oneOf"):
            for index, child in _items(node, keyword):
                self._visit(child, f"{path}{keyword.lower()}.{index}.")
        self._visit(node.get("not"), f"{path}not.")
        for keyword in ("if", "then", "else"):
            self._visit(node.get(keyword), f"{path}conditional.{keyword}.")

    def _add(self, path: str, kind: EntityKind, node: dict[str, Any]) -> None:
        self._found.setdefault(spend_on(Entity(path, kind), self._budget), node)


def _members(node: dict[str, Any], keyword: str) -> Iterator[tuple[str, Any]]:
    value = node.get(keyword)
    return iter(value.items() if isinstance(value, dict) else ())


def _items(node: dict[str, Any], keyword: str) -> Iterator[tuple[int, Any]]:
    value = node.get(keyword)
    return enumerate(value if isinstance(value, list) else ())


def _is_object(node: dict[str, Any]) -> bool:
    kind = node.get("type")
    if isinstance(kind, list):
        return "object" in kind
    return kind == "object" or (kind is None and not node.keys().isdisjoint(dialect_of(node).object_keywords))


def _tags(node: dict[str, Any]) -> tuple[str, ...]:
    value = node.get(_TAGS)
    return tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else ()
