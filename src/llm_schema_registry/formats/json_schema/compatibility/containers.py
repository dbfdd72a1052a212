"""Comparing objects and arrays."""

from llm_schema_registry.formats.json_schema.compatibility.content_model import (
    COVERED,
    ITEM_ADDED,
    PROPERTY_ADDED,
    REMOVED,
    Added,
    ContentModel,
    of_items,
    of_property,
    openness,
)
from llm_schema_registry.formats.json_schema.compatibility.refinement import (
    accepts_anything,
    judged,
    keeps_names,
    least_items,
    least_properties,
    most_items,
    most_properties,
    refines,
)
from llm_schema_registry.formats.json_schema.compatibility.scalars import Limit, compare_limits, note_narrowed_type
from llm_schema_registry.formats.json_schema.compatibility.walk import Walk
from llm_schema_registry.formats.json_schema.model import MISSING, ArrayNode, Kind, Node, ObjectNode, possible

_OBJECT_LIMITS: tuple[Limit, ...] = (
    ("max_properties", "maxProperties", "MAX_PROPERTIES", lambda writer, limit: limit >= most_properties(writer)),
    ("min_properties", "minProperties", "MIN_PROPERTIES", lambda writer, limit: limit <= least_properties(writer)),
)
_ARRAY_LIMITS: tuple[Limit, ...] = (
    ("max_items", "maxItems", "MAX_ITEMS", lambda writer, limit: limit >= most_items(writer)),
    ("min_items", "minItems", "MIN_ITEMS", lambda writer, limit: limit <= least_items(writer)),
)
_CONTAINS_LIMITS: tuple[Limit, ...] = (
    ("max_contains", "maxContains", "MAX_CONTAINS", lambda writer, limit: limit >= most_items(writer)),
    ("min_contains", "minContains", "MIN_CONTAINS", lambda _, limit: limit <= 0),
)


def compare_objects(walk: Walk, writer: ObjectNode, reader: ObjectNode, path: str) -> None:
    """Notes how two objects differ; the schemas of `patternProperties` and `propertyNames` are not compared."""
    note_narrowed_type(walk, writer, reader, path)
    _compare_required(walk, writer, reader, path)
    _compare_properties(walk, writer, reader, path)
    _compare_dependencies(walk, writer, reader, path)
    _compare_rest(walk, "ADDITIONAL_PROPERTIES", writer.additional, reader.additional, f"{path}/additionalProperties")
    _compare_rest(
        walk, "UNEVALUATED_PROPERTIES", writer.unevaluated, reader.unevaluated, f"{path}/unevaluatedProperties"
    )
    compare_limits(walk, writer, reader, path, _OBJECT_LIMITS)


def _compare_required(walk: Walk, writer: ObjectNode, reader: ObjectNode, path: str) -> None:
    """Notes the flag's changes on properties of both sides; an added property's flag is part of its addition."""
    before, after = writer.required_properties, reader.required_properties
    if before == after:
        return
    for name in sorted(before ^ after):
        property_after = reader.properties.get(name)
        declared_before = name in writer.properties
        if name in before:
            if declared_before and property_after is not None:
                walk.add("REQUIRED_ATTRIBUTE_REMOVED", f"{path}/required/{name}")
        elif property_after is None:
            walk.add("REQUIRED_ATTRIBUTE_ADDED", f"{path}/required/{name}", detail=name)
        elif declared_before:
            defaulted = property_after.default is not MISSING
            kind = "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED" if defaulted else "REQUIRED_ATTRIBUTE_ADDED"
            walk.add(kind, f"{path}/required/{name}", detail=name)


def _compare_properties(walk: Walk, writer: ObjectNode, reader: ObjectNode, path: str) -> None:
    before, after = writer.properties, reader.properties
    for name, node in before.items():
        place = f"{path}/properties/{name}"
        other = after.get(name)
        if other is not None:
            walk.compare(node, other, place)
        else:
            walk.budget.spend(len(reader.patterns))
            model, covering = of_property(reader, name)
            _note_removed(walk, "PROPERTY", node, model, covering, place)
    for name, node in after.items():
        if name not in before:
            _note_added_property(walk, writer, reader, name, node, f"{path}/properties/{name}")


def _note_removed(walk: Walk, what: str, node: Node, model: ContentModel, covering: Node | None, path: str) -> None:
    if covering is not None:
        _note_coverage(walk, what, "REMOVED", node, covering, path)
    else:
        walk.add(REMOVED[model, possible(node).kind is Kind.FALSE].format(what=what), path)


def _note_coverage(walk: Walk, what: str, change: str, writer: Node, reader: Node, path: str) -> None:
    found, broken = walk.trial(writer, reader, path)
    walk.extend(found, broken)
    name = COVERED[not broken].format(what=what, change=change)
    walk.add(judged(name, refines(walk, writer, reader, path)) if broken else name, path)


def _note_added_property(walk: Walk, writer: ObjectNode, reader: ObjectNode, name: str, node: Node, path: str) -> None:
    walk.budget.spend(len(writer.patterns))
    model, covering = of_property(writer, name)
    if covering is not None:
        _note_coverage(walk, "PROPERTY", "ADDED", covering, node, path)
    if name in reader.required_properties and name not in writer.required_properties:
        added = Added.DEFAULTED if node.default is not MISSING else Added.REQUIRED
    else:
        added = Added.EMPTY if possible(node).kind is Kind.EMPTY else Added.OPTIONAL
    key = PROPERTY_ADDED[model, added]
    if model is ContentModel.OPEN and added is Added.OPTIONAL:
        key = judged(key, accepts_anything(node))
    walk.add(key, path, detail=openness(writer) if model is ContentModel.OPEN else "")


def _compare_dependencies(walk: Walk, writer: ObjectNode, reader: ObjectNode, path: str) -> None:
    arrays, others = writer.dependent_required, reader.dependent_required
    for name in sorted(arrays.keys() | others.keys()):
        place = f"{path}/dependencies/{name}"
        before, after = arrays.get(name), others.get(name)
        if after is None:
            walk.add("DEPENDENCY_ARRAY_REMOVED", place)
        elif before is None:
            walk.add(judged("DEPENDENCY_ARRAY_ADDED", keeps_names(writer, after, name)), place)
        elif before != after:
            change = "EXTENDED" if before < after else "NARROWED" if after < before else "CHANGED"
            key = f"DEPENDENCY_ARRAY_{change}"
            if walk.breaks(key):
                key = judged(key, keeps_names(writer, after, name))
            walk.add(key, place, sorted(before), sorted(after))
    schemas, other_schemas = writer.dependent_schemas, reader.dependent_schemas
    for name in sorted(schemas.keys() | other_schemas.keys()):
        place = f"{path}/dependencies/{name}"
        old, new = schemas.get(name), other_schemas.get(name)
        if old is None or new is None:
            added = new is not None and judged("DEPENDENCY_SCHEMA_ADDED", accepts_anything(new))
            walk.add(added or "DEPENDENCY_SCHEMA_REMOVED", place)
        else:
            walk.compare(old, new, place)


def _compare_rest(
    walk: Walk, name: str, before: Node | bool | None, after: Node | bool | None, path: str, *, is_void: bool = False
) -> None:
    """Notes the change of a keyword that speaks of everything undeclared; absent is the same as `true`.

    `is_void`: whether the reader's keyword constrains nothing that the writer's schema allows.
    """
    if (before is False) != (after is False):
        walk.add(f"{name}_ADDED" if before is False else judged(f"{name}_REMOVED", is_void), path)
        return
    old, new = (before if isinstance(before, Node) else None), (after if isinstance(after, Node) else None)
    if old is not None and new is not None:
        walk.compare(old, new, path)
    elif new is not None:
        walk.add(judged(f"{name}_NARROWED", is_void or accepts_anything(new)), path)
    elif old is not None:
        walk.add(f"{name}_EXTENDED", path)


def compare_arrays(walk: Walk, writer: ArrayNode, reader: ArrayNode, path: str) -> None:
    """Notes how two arrays differ; the schema of `contains` is not compared."""
    note_narrowed_type(walk, writer, reader, path)
    if not (_is_empty_tuple(writer) or _is_empty_tuple(reader)):
        walk.compare(writer.items, reader.items, f"{path}/items")
    _compare_tuples(walk, writer, reader, path)
    # Without a tuple the keyword is void, so it cannot have kept the writer from sending more items.
    void = writer.prefix is None and reader.prefix is not None
    before = None if void else writer.additional
    most = most_items(writer)
    is_void = reader.prefix is None or most <= len(reader.prefix)
    _compare_rest(walk, "ADDITIONAL_ITEMS", before, reader.additional, f"{path}/additionalItems", is_void=is_void)
    _compare_rest(walk, "UNEVALUATED_ITEMS", writer.unevaluated, reader.unevaluated, f"{path}/unevaluatedItems")
    compare_limits(walk, writer, reader, path, _ARRAY_LIMITS)
    _compare_contains(walk, writer, reader, path)
    if writer.unique != reader.unique:
        added = judged("UNIQUE_ITEMS_ADDED", most <= 1)
        walk.add(added if reader.unique else "UNIQUE_ITEMS_REMOVED", f"{path}/uniqueItems")


def _is_empty_tuple(node: ArrayNode) -> bool:
    """Whether the array may hold no items, which `ADDITIONAL_ITEMS_…` expresses."""
    return node.prefix == [] and node.additional is False


def _compare_contains(walk: Walk, writer: ArrayNode, reader: ArrayNode, path: str) -> None:
    """Notes the changes of the counts; `contains` without `minContains` demands one item."""
    if reader.contains and reader.min_contains is None:
        if not writer.contains:
            walk.add("MIN_CONTAINS_ADDED", f"{path}/contains", None, 1)
        elif writer.min_contains is not None and writer.min_contains < 1:
            walk.add("MIN_CONTAINS_INCREASED", f"{path}/minContains", writer.min_contains, 1)
            compare_limits(walk, writer, reader, path, _CONTAINS_LIMITS[:1])
            return
    elif reader.min_contains == 1 and writer.contains and writer.min_contains is None:
        # The number that was demanded already, if it is a number of the same items.
        same = _contained(writer) == _contained(reader) is not None
        walk.add(judged("MIN_CONTAINS_ADDED", same), f"{path}/minContains", None, 1)
        compare_limits(walk, writer, reader, path, _CONTAINS_LIMITS[:1])
        return
    compare_limits(walk, writer, reader, path, _CONTAINS_LIMITS)


def _contained(node: ArrayNode) -> object:
    return node.raw.get("contains") if isinstance(node.raw, dict) else None


def _compare_tuples(walk: Walk, writer: ArrayNode, reader: ArrayNode, path: str) -> None:
    before, after = writer.prefix or [], reader.prefix or []
    for index, (node, other) in enumerate(zip(before, after, strict=False)):
        walk.compare(node, other, f"{path}/items/{index}")
    for index in range(len(after), len(before)):
        _note_removed(walk, "ITEM", before[index], *of_items(reader), f"{path}/items/{index}")
    for index in range(len(before), len(after)):
        _note_added_item(walk, after[index], *of_items(writer), f"{path}/items/{index}")


def _note_added_item(walk: Walk, node: Node, model: ContentModel, covering: Node | None, path: str) -> None:
    if covering is not None:
        _note_coverage(walk, "ITEM", "ADDED", covering, node, path)
        return
    key = ITEM_ADDED[model, possible(node).kind is Kind.EMPTY]
    walk.add(judged(key, accepts_anything(node)) if walk.breaks(key) else key, path)
