"""The texts of a schema: canonical, resolved and normal.

The canonical text is what Apache Avro's `Schema.toString` prints: one line, a fixed order of attributes, names
shortened inside their namespace, each named type in full at its first use and by name afterwards.
The normal form also sorts what has no order of its own, as the Confluent registry does for `normalize=true`.
"""

from collections.abc import Iterable
from typing import Any

from llm_schema_registry.formats.avro.defaults import normal_default
from llm_schema_registry.formats.avro.json_text import quoted, written
from llm_schema_registry.formats.avro.model import (
    ABSENT,
    TYPE_NAMES,
    Array,
    AvroType,
    EnumType,
    Field,
    Fixed,
    Map,
    Named,
    Properties,
    Record,
    Union,
)


def rendered(root: AvroType, known: Iterable[str] = (), *, normal: bool = False) -> str:
    """The text of a type.

    Args:
        root: the type.
        known: full names of types that are printed as names even at their first use: those that the text gets
            from references.
        normal: print the normal form.
    """
    out: list[str] = []
    _Writer(out, set(known), normal).write(root, None)
    return "".join(out)


def shortened_name(full_name: str, namespace: str | None) -> str:
    """A full name as it is written where `namespace` encloses it."""
    space, _, name = full_name.rpartition(".")
    # A type named like a kind of type ("n.record") keeps its namespace, or it would be read as that kind.
    return name if space == (namespace or "") and name not in TYPE_NAMES else full_name


class _Writer:
    __slots__ = ("known", "normal", "out")

    def __init__(self, out: list[str], known: set[str], normal: bool) -> None:
        self.out = out
        self.known = known
        self.normal = normal

    def write(self, node: AvroType, namespace: str | None) -> None:
        out = self.out
        if isinstance(node, Named):
            full_name = node.full_name
            if full_name in self.known:
                out.append(quoted(shortened_name(full_name, namespace)))
            else:
                self.known.add(full_name)
                self._write_named(node, namespace)
        elif isinstance(node, Union):
            separator = "["
            for branch in node.branches:
                out.append(separator)
                self.write(branch, namespace)
                separator = ","
            out.append("]" if node.branches else "[]")
        elif isinstance(node, Array):
            out.append('{"type":"array","items":')
            self.write(node.items, namespace)
            self._write_props(node.props)
            out.append("}")
        elif isinstance(node, Map):
            out.append('{"type":"map","values":')
            self.write(node.values, namespace)
            self._write_props(node.props)
            out.append("}")
        elif node.props:
            out.append(f'{{"type":"{node.kind}"')
            self._write_props(node.props)
            out.append("}")
        else:
            out.append(f'"{node.kind}"')

    def _write_named(self, node: Named, namespace: str | None) -> None:
        out = self.out
        kind = "error" if isinstance(node, Record) and node.is_error and not self.normal else node.kind
        out.append(f'{{"type":"{kind}","name":{quoted(node.name)}')
        # The Confluent registry's normal form loses the empty namespace of a type inside a namespace.
        if node.namespace != namespace and not (self.normal and node.namespace is None):
            out.append(f',"namespace":{quoted(node.namespace or "")}')
        if node.doc or (node.doc == "" and not (self.normal and isinstance(node, Record))):
            out.append(f',"doc":{quoted(node.doc)}')
        if isinstance(node, Record):
            out.append(',"fields":[')
            for index, member in enumerate(node.fields):
                if index:
                    out.append(",")
                self._write_field(member, node.namespace)
            out.append("]")
        elif isinstance(node, EnumType):
            out.append(f',"symbols":{written(list(node.symbols))}')
            if node.default is not None:
                out.append(f',"default":{quoted(node.default)}')
        elif isinstance(node, Fixed):
            out.append(f',"size":{node.size}')
        self._write_props(node.props)
        if node.aliases:
            aliases = sorted(node.aliases) if self.normal else node.aliases
            out.append(f',"aliases":{written([shortened_name(alias, node.namespace) for alias in aliases])}')
        out.append("}")

    def _write_field(self, member: Field, namespace: str | None) -> None:
        out = self.out
        out.append(f'{{"name":{quoted(member.name)},"type":')
        self.write(member.type, namespace)
        if member.doc is not None:
            out.append(f',"doc":{quoted(member.doc)}')
        if member.default is not ABSENT:
            default = normal_default(member.type, member.default) if self.normal else written(member.default)
            if default is not None:
                out.append(f',"default":{default}')
        if member.order != "ascending":
            out.append(f',"order":"{member.order}"')
        if member.aliases:
            aliases = sorted(member.aliases) if self.normal else member.aliases
            out.append(f',"aliases":{written(list(aliases))}')
        self._write_props(member.props)
        out.append("}")

    def _write_props(self, props: Properties) -> None:
        if props:
            items = sorted(props.items()) if self.normal else props.items()
            for key, value in items:
                self.out.append(f",{quoted(key)}:{written(_sorted(value) if self.normal else value)}")


def _sorted(value: Any) -> Any:
    if type(value) is dict:
        return {key: _sorted(value[key]) for key in sorted(value)}
    if type(value) is list:
        return [_sorted(item) for item in value]
    return value
