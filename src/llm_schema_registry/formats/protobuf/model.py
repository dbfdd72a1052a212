"""The comparable model of a schema: messages as fields by tag, types resolved to what decides on the wire."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from llm_schema_registry.formats.protobuf.ast import (
    Aggregate,
    Enum,
    Field,
    File,
    Group,
    Literal,
    Message,
    Option,
)
from llm_schema_registry.formats.protobuf.symbols import Declared, TypeTable


class FieldKind(enum.Enum):
    """The kinds that a field cannot change between. An enum is a scalar."""

    SCALAR = "scalar"
    MAP = "map"
    MESSAGE = "message"
    GROUP = "group"


class ScalarGroup(enum.Enum):
    """Scalars within one group share their encoding, so that one can be read as another."""

    GENERAL_NUMBER = "general number"
    SIGNED_NUMBER = "signed number"
    STRING_OR_BYTES = "string or bytes"
    FIXED32 = "fixed32"
    FIXED64 = "fixed64"
    FLOAT = "float"
    DOUBLE = "double"


SCALARS: Final = {
    "int32": ScalarGroup.GENERAL_NUMBER,
    "int64": ScalarGroup.GENERAL_NUMBER,
    "uint32": ScalarGroup.GENERAL_NUMBER,
    "uint64": ScalarGroup.GENERAL_NUMBER,
    "bool": ScalarGroup.GENERAL_NUMBER,
    "sint32": ScalarGroup.SIGNED_NUMBER,
    "sint64": ScalarGroup.SIGNED_NUMBER,
    "string": ScalarGroup.STRING_OR_BYTES,
    "bytes": ScalarGroup.STRING_OR_BYTES,
    "fixed32": ScalarGroup.FIXED32,
    "sfixed32": ScalarGroup.FIXED32,
    "fixed64": ScalarGroup.FIXED64,
    "sfixed64": ScalarGroup.FIXED64,
    "float": ScalarGroup.FLOAT,
    "double": ScalarGroup.DOUBLE,
}


@dataclass(frozen=True, slots=True)
class TypeModel:
    """A type as it is compared.

    Attributes:
        kind: see `FieldKind`.
        scalar: the group of a scalar.
        full_name: of a message: its full name, `None` if nothing known declares it.
        local_name: of a message: its name below its package.
    """

    kind: FieldKind
    scalar: ScalarGroup | None = None
    full_name: str | None = None
    local_name: str = ""


@dataclass(frozen=True, slots=True)
class FieldModel:
    """A field as it is compared.

    Attributes:
        element: the field as written.
        label: its label, `None` if none was written; see `label_of`.
        oneof: the name of its oneof.
        type: its type; of a map the type of its values.
        key: the key type of a map.
    """

    element: Field | Group
    label: str | None
    oneof: str | None
    type: TypeModel
    key: TypeModel | None = None

    @property
    def name(self) -> str:
        """The name of the field; that of a group is its message's in lower case."""
        return self.element.name.lower() if isinstance(self.element, Group) else self.element.name

    @property
    def kind(self) -> FieldKind:
        """The kind of the field."""
        return FieldKind.MAP if self.key is not None else self.type.kind


@dataclass(frozen=True, slots=True)
class MessageModel:
    """A message as it is compared.

    Attributes:
        full_name: its full name without leading dot.
        fields: all fields by tag, members of oneofs included.
        oneofs: the tags of the members of each oneof.
        messages: full names of the nested messages by name, in order.
        enums: the nested enums by name.
    """

    full_name: str
    fields: dict[int, FieldModel]
    oneofs: dict[str, tuple[int, ...]]
    messages: dict[str, str]
    enums: dict[str, Enum]


class SchemaModel:
    """The messages of a schema and its imports, modelled on first use."""

    __slots__ = ("_messages", "_table", "_types", "enums", "messages", "package")

    def __init__(self, file: File, table: TypeTable) -> None:
        prefix = f"{file.package}." if file.package else ""
        self.package = file.package
        self.messages = {message.name: prefix + message.name for message in file.messages}
        self.enums = {enum.name: enum for enum in file.enums}
        self._table = table
        self._messages: dict[str, MessageModel] = {}
        self._types: dict[tuple[str, str], TypeModel] = {}

    def message(self, full_name: str) -> MessageModel:
        """The model of a message that `messages` or a `TypeModel` names."""
        model = self._messages.get(full_name)
        if model is None:
            declared = self._table.find(full_name)
            if declared is None or not isinstance(declared.element, Message):
                raise KeyError(full_name)
            delimited = _feature(declared.file.options, "message_encoding") == "DELIMITED"
            model = self._messages[full_name] = self._message_model(full_name, declared.element, delimited)
        return model

    def _message_model(self, full_name: str, message: Message, delimited: bool) -> MessageModel:
        fields: dict[int, FieldModel] = {}
        for field in message.fields:
            fields[field.number] = self._field_model(field, None, full_name, delimited)
        for group in message.groups:
            fields[group.number] = self._group_model(group, None, full_name)
        oneofs = {}
        for oneof in message.oneofs:
            members = {
                member.number: self._field_model(member, oneof.name, full_name, delimited) for member in oneof.fields
            }
            members |= {group.number: self._group_model(group, oneof.name, full_name) for group in oneof.groups}
            fields |= members
            oneofs[oneof.name] = tuple(members)
        messages = {nested.name: f"{full_name}.{nested.name}" for nested in message.messages}
        enums = {nested.name: nested for nested in message.enums}
        return MessageModel(full_name, fields, oneofs, messages, enums)

    def _field_model(self, field: Field, oneof: str | None, scope: str, delimited: bool) -> FieldModel:
        kind = self._type_model(field.type, scope)
        key = None if field.map_key is None else self._type_model(field.map_key, scope)
        if kind.kind is FieldKind.MESSAGE and key is None:
            encoding = _feature(field.options, "message_encoding")
            if encoding == "DELIMITED" or (delimited and encoding is None):
                kind = replace(kind, kind=FieldKind.GROUP)
        return FieldModel(field, label_of(field), oneof, kind, key)

    def _group_model(self, group: Group, oneof: str | None, scope: str) -> FieldModel:
        full_name = f"{scope}.{group.name}"
        declared = self._table.find(full_name)
        kind = TypeModel(FieldKind.GROUP, None, full_name, _local_name(full_name, declared))
        return FieldModel(group, group.label, oneof, kind)

    def _type_model(self, name: str, scope: str) -> TypeModel:
        scalar = SCALARS.get(name)
        if scalar is not None:
            return _SCALAR_TYPES[scalar]
        found = self._types.get((name, scope))
        if found is None:
            found = self._types[name, scope] = self._named_type(name, scope)
        return found

    def _named_type(self, name: str, scope: str) -> TypeModel:
        full_name = self._table.resolve(name, scope)
        declared = None if full_name is None else self._table.find(full_name)
        if full_name is None or declared is None:
            return TypeModel(FieldKind.MESSAGE, None, None, name.removeprefix("."))
        if isinstance(declared.element, Enum):
            return _SCALAR_TYPES[ScalarGroup.GENERAL_NUMBER]
        return TypeModel(FieldKind.MESSAGE, None, full_name, _local_name(full_name, declared))


def label_of(element: Field | Group) -> str | None:
    """The label of a field; in editions `required` is a feature instead."""
    if element.label is None and _feature(element.options, "field_presence") == "LEGACY_REQUIRED":
        return "required"
    return element.label


def _feature(options: Sequence[Option], name: str) -> str | None:
    """The value of a feature of the editions that is set in these options."""
    for option in options:
        value = option.value
        if option.name == ("features", name) and isinstance(value, Literal):
            return value.text
        if option.name == ("features",) and isinstance(value, Aggregate):
            found = dict(value.entries).get(name)
            if isinstance(found, Literal):
                return found.text
    return None


_SCALAR_TYPES: Final = {group: TypeModel(FieldKind.SCALAR, group) for group in ScalarGroup}


def _local_name(full_name: str, declared: Declared | None) -> str:
    package = declared.package if declared else ""
    return full_name.removeprefix(f"{package}.") if package else full_name
