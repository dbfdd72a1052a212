"""From JSON nodes to types: one method per kind of type, with the errors of Apache Avro 1.12 in its order."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.avro.json_text import written
from llm_schema_registry.formats.avro.model import (
    ABSENT,
    PRIMITIVE_NAMES,
    Array,
    AvroType,
    EnumType,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Properties,
    Record,
    Union,
)
from llm_schema_registry.formats.avro.names import joined_name, name_problem, namespace_problem, split_name
from llm_schema_registry.formats.avro.rules import invalid

# Attributes that Avro defines; everything else is a property.
_TYPE_ATTRIBUTES = frozenset(
    ("doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases")
)
_ENUM_ATTRIBUTES = _TYPE_ATTRIBUTES | {"default"}
_FIELD_ATTRIBUTES = frozenset(("default", "doc", "name", "order", "type", "aliases"))
_ORDERS = frozenset(("ascending", "descending", "ignore"))
_NUMBER_TEXT = re.compile(r"\s*[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)\s*", re.ASCII)

_Node = dict[str, Any]


@dataclass(slots=True, eq=False)
class Unresolved(AvroType):
    """A name that no type was known for where it stood.

    Attributes:
        candidates: the full names it may mean, the first that exists counts.
        path: where it stands.
    """

    candidates: tuple[str, ...]
    path: str

    @property
    def branch_name(self) -> str:
        """The full name it means if it is defined further down."""
        return self.candidates[0]


class NodeReader:
    """Reads one schema text.

    Args:
        known: the named types of its references.
        strict: check names.
        budget: one step is spent per node.

    Attributes:
        types: all named types by full name, growing while reading.
        defaults: the fields with a default, with the path of the default.
        redefinitions: types whose name was taken, with the type that has it and the path; legal if both are alike.
        unions: the unions with their paths.
        unresolved: whether names are left to be filled in.
    """

    def __init__(self, known: dict[str, Named], strict: bool, budget: Budget) -> None:
        self.types = dict(known)
        self.defaults: list[tuple[Field, str]] = []
        self.redefinitions: list[tuple[Named, Named, str]] = []
        self.unions: list[tuple[Union, str]] = []
        self.unresolved = False
        self._strict = strict
        self._budget = budget
        self._readers: dict[str, Callable[[_Node, str | None, str], AvroType]] = {
            "record": self._record,
            "error": self._record,
            "enum": self._enum,
            "fixed": self._fixed,
            "array": self._array,
            "map": self._map,
        }

    def read(self, node: Any, namespace: str | None, path: str) -> AvroType:
        """The type that a JSON node means inside `namespace`; `path` is the node's JSON pointer."""
        self._budget.spend()
        if type(node) is str:
            return self._by_name(node, namespace, path)
        if type(node) is dict:
            kind = node.get("type")
            if type(kind) is str:
                reader = self._readers.get(kind)
                if reader is not None:
                    return reader(node, namespace, path)
                if kind in PRIMITIVE_NAMES:
                    return Primitive(kind, self._props(node, _TYPE_ATTRIBUTES))
                return self._by_name(kind, namespace, path + "/type")
            if type(kind) is dict:
                return self.read(kind, namespace, path + "/type")
            raise invalid("avro.MISSING_ATTRIBUTE", f"No type: {written(node)}", path)
        if type(node) is list:
            return self._union(node, namespace, path)
        raise invalid("avro.INVALID_ATTRIBUTE", f"Schema not yet supported: {written(node)}", path)

    def _by_name(self, name: str, namespace: str | None, path: str) -> AvroType:
        if name in PRIMITIVE_NAMES:
            return Primitive(name, {})
        # An unqualified name means the type of the enclosing namespace, else the one of the null namespace.
        full_name = joined_name(name, namespace)
        found = self.types.get(full_name) or self.types.get(name)
        if found is None:
            self.unresolved = True
            return Unresolved("name", {}, (full_name, name), path)
        return found

    def _union(self, node: list[Any], namespace: str | None, path: str) -> AvroType:
        branches = [self.read(branch, namespace, f"{path}/{index}") for index, branch in enumerate(node)]
        for index, branch in enumerate(branches):
            if isinstance(branch, Union):
                text = written(node)
                raise invalid("avro.INVALID_UNION", f"Nested union: {text}", f"{path}/{index}")
        union = Union("union", {}, branches)
        self.unions.append((union, path))
        return union

    def _array(self, node: _Node, namespace: str | None, path: str) -> AvroType:
        if "items" not in node:
            raise invalid("avro.MISSING_ATTRIBUTE", f"No items type: {written(node)}", path)
        items = self.read(node["items"], namespace, path + "/items")
        return Array("array", self._props(node, _TYPE_ATTRIBUTES), items)

    def _map(self, node: _Node, namespace: str | None, path: str) -> AvroType:
        if "values" not in node:
            raise invalid("avro.MISSING_ATTRIBUTE", f"No values type: {written(node)}", path)
        values = self.read(node["values"], namespace, path + "/values")
        return Map("map", self._props(node, _TYPE_ATTRIBUTES), values)

    def _record(self, node: _Node, namespace: str | None, path: str) -> AvroType:
        name, space, doc, aliases = self._name_parts(node, namespace, path)
        is_error = node["type"] == "error"
        record = Record("record", self._props(node, _TYPE_ATTRIBUTES), name, space, doc, aliases, is_error)
        self._define(record, path)
        nodes = node.get("fields")
        if type(nodes) is not list:
            raise invalid("avro.MISSING_ATTRIBUTE", f"Record has no fields: {written(node)}", path)
        for index, field_node in enumerate(nodes):
            field_path = f"{path}/fields/{index}"
            member = self._field(field_node, space, field_path)
            if member.name in record.by_name:
                raise self._duplicate_field(record, member, field_path)
            record.fields.append(member)
            record.by_name[member.name] = member
        return record

    def _field(self, node: Any, namespace: str | None, path: str) -> Field:
        self._budget.spend()
        name = node.get("name") if type(node) is dict else None
        if type(name) is not str:
            raise invalid("avro.MISSING_ATTRIBUTE", f"No field name: {written(node)}", path)
        if "type" not in node:
            raise invalid("avro.MISSING_ATTRIBUTE", f"No field type: {written(node)}", path)
        field_type = self.read(node["type"], namespace, path + "/type")
        order = node.get("order", "ascending")
        if type(order) is not str or order.lower() not in _ORDERS:
            shown = order.upper() if type(order) is str else written(order)
            message = f"No enum constant org.apache.avro.Schema.Field.Order.{shown}"
            raise invalid("avro.INVALID_ATTRIBUTE", message, path + "/order")
        self._check_name(name, path + "/name")
        default = node.get("default", ABSENT)
        if type(default) is str and field_type.kind in ("float", "double"):
            default = self._number(default, path)
        member = Field(
            name,
            field_type,
            self._text(node, "doc"),
            default,
            order.lower(),
            self._aliases(node, path),
            self._props(node, _FIELD_ATTRIBUTES),
        )
        if default is not ABSENT:
            self.defaults.append((member, path + "/default"))
        return member

    def _number(self, text: str, path: str) -> float:
        # Apache Avro also takes numbers in quotes as defaults of floats and doubles.
        if not _NUMBER_TEXT.fullmatch(text):
            raise invalid("avro.INVALID_DEFAULT", f'For input string: "{text}"', path + "/default")
        return float(text)

    @staticmethod
    def _duplicate_field(record: Record, again: Field, path: str) -> Exception:
        position = len(record.fields)
        first = record.by_name[again.name]
        message = (
            f"Duplicate field {again.name} in record {record.full_name}: "
            f"{again.name} type:{again.type.kind.upper()} pos:{position} and "
            f"{first.name} type:{first.type.kind.upper()} pos:{record.fields.index(first)}."
        )
        return invalid("avro.DUPLICATE_FIELD", message, path)

    def _enum(self, node: _Node, namespace: str | None, path: str) -> AvroType:
        name, space, doc, aliases = self._name_parts(node, namespace, path)
        nodes = node.get("symbols")
        if type(nodes) is not list:
            raise invalid("avro.MISSING_ATTRIBUTE", f"Enum has no symbols: {written(node)}", path)
        symbols: dict[str, None] = {}
        for index, symbol in enumerate(nodes):
            self._budget.spend()
            symbol_path = f"{path}/symbols/{index}"
            if type(symbol) is not str:
                raise invalid("avro.INVALID_NAME", "Null name", symbol_path)
            self._check_name(symbol, symbol_path)
            if symbol in symbols:
                raise invalid("avro.DUPLICATE_SYMBOL", f"Duplicate enum symbol: {symbol}", symbol_path)
            symbols[symbol] = None
        default = self._text(node, "default")
        if default is not None and default not in symbols:
            shown = ", ".join(symbols)
            message = f"The Enum Default: {default} is not in the enum symbol set: [{shown}]"
            raise invalid("avro.INVALID_DEFAULT", message, path + "/default")
        props = self._props(node, _ENUM_ATTRIBUTES)
        return self._define(EnumType("enum", props, name, space, doc, aliases, tuple(symbols), default), path)

    def _fixed(self, node: _Node, namespace: str | None, path: str) -> AvroType:
        name, space, doc, aliases = self._name_parts(node, namespace, path)
        size = node.get("size")
        if type(size) is not int or not -(1 << 31) <= size < 1 << 31:
            raise invalid("avro.MISSING_ATTRIBUTE", f"Invalid or no size: {written(node)}", path)
        if size < 0:
            message = f"Malformed data. Length is negative: {size}"
            raise invalid("avro.INVALID_ATTRIBUTE", message, path + "/size")
        props = self._props(node, _TYPE_ATTRIBUTES)
        return self._define(Fixed("fixed", props, name, space, doc, aliases, size), path)

    def _define(self, named: Named, path: str) -> Named:
        """Makes a named type known, unless its name is taken; names mean the first definition."""
        full_name = named.full_name
        if full_name in PRIMITIVE_NAMES:
            message = f"Schemas may not be named after primitives: {full_name}"
            raise invalid("avro.INVALID_NAME", message, path + "/name")
        if self._strict and named.namespace is not None:
            problem = namespace_problem(named.namespace)
            if problem:
                raise invalid("avro.INVALID_NAME", problem, path)
        first = self.types.setdefault(full_name, named)
        if first is not named:
            self.redefinitions.append((named, first, path))
        return named

    def _name_parts(
        self, node: _Node, namespace: str | None, path: str
    ) -> tuple[str, str | None, str | None, tuple[str, ...]]:
        text = self._text(node, "name")
        if text is None:
            raise invalid("avro.MISSING_ATTRIBUTE", f"No name in schema: {written(node)}", path)
        own = self._text(node, "namespace")
        name, space = split_name(text, namespace if own is None else own)
        self._check_name(name, path + "/name")
        aliases = []
        for alias in self._aliases(node, path):
            alias_name, alias_space = split_name(alias, space)
            self._check_name(alias_name, path + "/aliases")
            aliases.append(joined_name(alias_name, alias_space))
        return name, space, self._text(node, "doc"), tuple(dict.fromkeys(aliases))

    def _check_name(self, name: str, path: str) -> None:
        problem = name_problem(name) if self._strict else None
        if problem:
            raise invalid("avro.INVALID_NAME", problem, path)

    @staticmethod
    def _aliases(node: _Node, path: str) -> tuple[str, ...]:
        aliases = node.get("aliases", ABSENT)
        if aliases is ABSENT:
            return ()
        if type(aliases) is not list:
            message = f"aliases not an array: {written(node)}"
            raise invalid("avro.INVALID_ATTRIBUTE", message, path + "/aliases")
        for alias in aliases:
            if type(alias) is not str:
                message = f"alias not a string: {written(alias)}"
                raise invalid("avro.INVALID_ATTRIBUTE", message, path + "/aliases")
        return tuple(dict.fromkeys(aliases))

    @staticmethod
    def _text(node: _Node, key: str) -> str | None:
        value = node.get(key)
        return value if type(value) is str else None

    @staticmethod
    def _props(node: _Node, attributes: frozenset[str]) -> Properties:
        if node.keys() <= attributes:
            return {}
        return {key: value for key, value in node.items() if key not in attributes}
