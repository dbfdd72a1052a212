"""Inline tags of records and fields: the property `confluent:tags`, found and edited in the text that clients read."""

from collections.abc import Mapping, Sequence
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.avro.json_text import read_json, written
from llm_schema_registry.formats.avro.names import joined_name, split_name
from llm_schema_registry.formats.avro.outline import TAGS
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.format import Entity, EntityKind, changed_tags, spend_on, untaggable

_RECORDS = frozenset({"record", "error"})
_Nodes = dict[Entity, dict[str, Any]]


def tags(schema: AvroSchema, budget: Budget) -> dict[Entity, tuple[str, ...]]:
    """The records (`ns.Record`) and fields (`ns.Record.field`) of a schema's own text with their tags."""
    found: _Nodes = {}
    _find(_json(schema), None, found, budget)
    return {entity: _tags(node) for entity, node in found.items()}


def with_tags(
    schema: AvroSchema,
    add: Mapping[Entity, Sequence[str]],
    remove: Mapping[Entity, Sequence[str]],
    budget: Budget,
) -> str:
    """The text with other tags; see `Format.with_tags`."""
    document = _json(schema)
    found: _Nodes = {}
    _find(document, None, found, budget)
    for entity in dict.fromkeys((*add, *remove)):
        node = found.get(entity)
        if node is None:
            raise untaggable(entity, next((each.path for each in found if each.kind is entity.kind), ""))
        changed = changed_tags(_tags(node), add.get(entity, ()), remove.get(entity, ()))
        if changed:
            node[TAGS] = changed
        else:
            node.pop(TAGS, None)
    return written(document)


def _json(schema: AvroSchema) -> Any:
    return read_json(schema.readable, unique_keys=False)


def _find(node: Any, namespace: str | None, found: _Nodes, budget: Budget) -> None:
    """Collects the nodes of records and fields in such a text, outer ones first."""
    if isinstance(node, list):
        for branch in node:
            _find(branch, namespace, found, budget)
    elif isinstance(node, dict):
        kind = node["type"]
        if kind in _RECORDS:
            name, namespace = split_name(node["name"], node.get("namespace", namespace))
            full_name = joined_name(name, namespace)
            found[spend_on(Entity(full_name, EntityKind.RECORD), budget)] = node
            for field in node["fields"]:
                found[spend_on(Entity(f"{full_name}.{field['name']}", EntityKind.FIELD), budget)] = field
                _find(field["type"], namespace, found, budget)
        elif kind == "array":
            _find(node["items"], namespace, found, budget)
        elif kind == "map":
            _find(node["values"], namespace, found, budget)


def _tags(node: dict[str, Any]) -> tuple[str, ...]:
    value = node.get(TAGS)
    return tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else ()
