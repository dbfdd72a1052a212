"""Short readable names of types, for findings and outlines."""

from llm_schema_registry.formats.avro.model import Array, AvroType, Field, Map, Named, Union

_SHOWN_BRANCHES = 8


def type_label(node: AvroType) -> str:
    """A type in a few words: `string`, `long(timestamp-millis)`, `union<null, long>`, `array<Message>`.

    Named types go by their unqualified name; of a long union the first branches are shown.
    """
    if isinstance(node, Array):
        return f"array<{type_label(node.items)}>"
    if isinstance(node, Map):
        return f"map<{type_label(node.values)}>"
    if isinstance(node, Union):
        shown = [type_label(branch) for branch in node.branches[:_SHOWN_BRANCHES]]
        if len(node.branches) > _SHOWN_BRANCHES:
            shown.append("…")
        return f"union<{', '.join(shown)}>"
    if isinstance(node, Named):
        return node.name
    logical = node.props.get("logicalType")
    return f"{node.kind}({logical})" if isinstance(logical, str) else node.kind


def field_label(member: Field) -> str:
    """A field in a few words: `total: long`."""
    return f"{member.name}: {type_label(member.type)}"
