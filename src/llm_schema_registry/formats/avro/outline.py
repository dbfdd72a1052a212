"""The field tree of a schema, flat: one row per field, with the path that finds it in a payload."""

from typing import Any

from llm_schema_registry.formats.avro.json_text import written
from llm_schema_registry.formats.avro.model import ABSENT, Array, AvroType, Map, Properties, Record, Union
from llm_schema_registry.formats.avro.names import type_label
from llm_schema_registry.formats.format import OutlineField

TAGS = "confluent:tags"

# A schema can use one type in so many places that writing them all out would never end.
_MAX_FIELDS = 10_000


def outline(root: AvroType) -> list[OutlineField]:
    """The fields below a type, depth first in declaration order.

    A record inside itself is not entered again. Records of one union share their paths, since the branch is not
    part of a path. A schema that is no record has one row for the whole, with an empty path. At most the first
    ten thousand fields are listed.
    """
    rows: list[OutlineField] = []
    if not isinstance(root, Record):
        rows.append(OutlineField("", type_label(root), True, tags=_tags_below(root, ())))
    _add_below(root, "", (), rows)
    return rows


def _add_below(node: AvroType, path: str, enclosing: tuple[AvroType, ...], rows: list[OutlineField]) -> None:
    if isinstance(node, Union):
        for branch in node.branches:
            _add_below(branch, path, enclosing, rows)
    elif isinstance(node, Array):
        _add_below(node.items, path + "[]", enclosing, rows)
    elif isinstance(node, Map):
        _add_below(node.values, path + "{}", enclosing, rows)
    elif isinstance(node, Record) and node not in enclosing:
        for member in node.fields:
            if len(rows) >= _MAX_FIELDS:
                return
            place = f"{path}.{member.name}" if path else member.name
            default = None if member.default is ABSENT else written(member.default)
            rows.append(
                OutlineField(
                    path=place,
                    type=type_label(member.type),
                    required=default is None,
                    default=default,
                    doc=member.doc,
                    tags=_tags_below(member.type, _tags(member.props)),
                )
            )
            _add_below(member.type, place, (*enclosing, node), rows)


def _tags_below(node: AvroType, tags: tuple[str, ...]) -> tuple[str, ...]:
    """`tags` with those of the type itself, through unions, arrays and maps."""
    tags = tuple(dict.fromkeys((*tags, *_tags(node.props))))
    if not isinstance(node, Record):
        for child in node.children():
            tags = _tags_below(child, tags)
    return tags


def _tags(props: Properties) -> tuple[str, ...]:
    value: Any = props.get(TAGS)
    return tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else ()
