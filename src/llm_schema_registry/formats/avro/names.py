"""Names of types, fields and symbols (Avro specification, "Names"), and their labels in findings and outlines."""

import re

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


_STRICT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INITIAL = re.compile(r"[A-Za-z_]")


def name_problem(name: str) -> str | None:
    """What is wrong with a name, worded as Apache Avro does; `None` if it is right."""
    if _STRICT.fullmatch(name):
        return None
    if not name:
        return "Empty name"
    if not _INITIAL.match(name):
        return f"Illegal initial character: {name}"
    return f"Illegal character in: {name}"


def namespace_problem(namespace: str) -> str | None:
    """What is wrong with the first bad part of a namespace; `None` if all parts are right."""
    for part in namespace.split("."):
        problem = name_problem(part)
        if problem:
            return f'Namespace part "{part}" is invalid: {problem}'
    return None


def split_name(name: str, namespace: str | None) -> tuple[str, str | None]:
    """Unqualified name and namespace of a name: a dotted name brings its namespace, others take `namespace`."""
    space, dot, simple = name.rpartition(".")
    return simple, (space if dot else namespace) or None


def joined_name(name: str, namespace: str | None) -> str:
    """The full name of a name that is used inside `namespace`."""
    return name if namespace is None or "." in name else f"{namespace}.{name}"
