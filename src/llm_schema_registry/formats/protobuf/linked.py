"""The declarations of a file from its descriptor protos alone, with names resolved and features inherited.

The runtime refuses some files that protoc accepts; this view has no such limits.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2 as pb

from llm_schema_registry.formats.protobuf.descriptor_options import json_name_of
from llm_schema_registry.formats.protobuf.features import CPP, Features, file_features, own_features, own_string_type
from llm_schema_registry.formats.protobuf.lexer import string_value

_Kind: Final = pb.FieldDescriptorProto
_FLOATS: Final = frozenset((_Kind.TYPE_FLOAT, _Kind.TYPE_DOUBLE))
_TEXTS: Final = frozenset((_Kind.TYPE_STRING, _Kind.TYPE_BYTES))


class LinkedFile:
    """The declarations of a file by their name below the package, at any depth; map entries are left out.

    Attributes:
        proto: the file.
        features: its features.
        messages: the messages, bodies of groups included.
        enums: the enums.
        extensions: the extensions.
        services: the services.
    """

    def __init__(self, proto: pb.FileDescriptorProto, types: "dict[str, LinkedMessage | LinkedEnum]") -> None:
        self.proto = proto
        self.features = file_features(proto)
        self.messages: dict[str, LinkedMessage] = {}
        self.enums: dict[str, LinkedEnum] = {}
        self.extensions: dict[str, LinkedField] = {}
        self.services: dict[str, pb.ServiceDescriptorProto] = {item.name: item for item in proto.service}
        self._types = types
        self._add("", self.features, proto.message_type, proto.enum_type, proto.extension)

    def _add(
        self,
        prefix: str,
        features: Features,
        messages: Iterable[pb.DescriptorProto],
        enums: Iterable[pb.EnumDescriptorProto],
        extensions: Iterable[pb.FieldDescriptorProto],
    ) -> None:
        for enum in enums:
            found = LinkedEnum(enum, prefix + enum.name, features.inherited(enum.options.features))
            self.enums[found.name] = self._types[self.full_name(found.name)] = found
        for extension in extensions:
            name = prefix + extension.name
            self.extensions[name] = LinkedField(self, extension, name, features)
        for proto in messages:
            message = LinkedMessage(self, proto, prefix + proto.name, features.inherited(proto.options.features))
            self._types[self.full_name(message.name)] = message
            if not message.is_map_entry:
                self.messages[message.name] = message
            self._add(f"{message.name}.", message.features, proto.nested_type, proto.enum_type, proto.extension)

    def full_name(self, name: str) -> str:
        """The full name of a declaration of this file."""
        return f"{self.proto.package}.{name}" if self.proto.package else name

    def type_named(self, full_name: str) -> "LinkedMessage | LinkedEnum | None":
        """The type of a full name with or without its leading dot, in this file or what it imports."""
        return self._types.get(full_name.removeprefix("."))

    def local_name(self, full_name: str) -> str:
        """The name below the package of the file that declares the type; the full name of an unknown type."""
        found = self.type_named(full_name)
        return full_name.removeprefix(".") if found is None else found.name

    def text_name(self, full_name: str) -> str:
        """The name as this file would write it: short if it is of this file's package."""
        name = full_name.removeprefix(".")
        return name.removeprefix(f"{self.proto.package}.") if self.proto.package else name


class LinkedEnum:
    """An enum. `name` is its name below the package of its file."""

    __slots__ = ("features", "name", "proto")

    def __init__(self, proto: pb.EnumDescriptorProto, name: str, features: Features) -> None:
        self.proto = proto
        self.name = name
        self.features = features

    @property
    def is_closed(self) -> bool:
        """Whether it only holds the numbers of its values."""
        return self.features.value("enum_type") == "CLOSED"

    def number(self, name: str) -> int:
        """The number of the value of that name; of the first value if `name` is empty."""
        return next((value.number for value in self.proto.value if value.name == name), self.proto.value[0].number)


class LinkedMessage:
    """A message. `name` is its name below the package of its file."""

    def __init__(self, file: LinkedFile, proto: pb.DescriptorProto, name: str, features: Features) -> None:
        self.file = file
        self.proto = proto
        self.name = name
        self.features = features

    @property
    def is_map_entry(self) -> bool:
        """Whether it is the entry of a map."""
        return self.proto.options.map_entry

    @functools.cached_property
    def fields(self) -> "Mapping[int, LinkedField]":
        """The fields by number."""
        oneofs = [self.features.inherited(oneof.options.features) for oneof in self.proto.oneof_decl]
        found = {}
        for field in self.proto.field:
            outer = oneofs[field.oneof_index] if field.HasField("oneof_index") else self.features
            found[field.number] = LinkedField(self.file, field, field.name, outer, in_entry=self.is_map_entry)
        return found


class LinkedField:
    """A field or an extension, which has its name below the package.

    Attributes:
        file: the file that declares it.
        proto: the field.
        name: its name.
        outer: the features that it inherits: of its message, oneof or file.
        features: its features.
    """

    def __init__(
        self, file: LinkedFile, proto: pb.FieldDescriptorProto, name: str, outer: Features, *, in_entry: bool = False
    ) -> None:
        self.file = file
        self.proto = proto
        self.name = name
        self.outer = outer
        self._in_entry = in_entry

    @functools.cached_property
    def features(self) -> Features:
        """Its features. What older syntaxes say by a label, a keyword or an option is a feature as well."""
        features, proto, options = self.outer, self.proto, self.proto.options
        if proto.label == _Kind.LABEL_REQUIRED:
            features = features.inherited(own_features(field_presence="LEGACY_REQUIRED"))
        if proto.proto3_optional:
            features = features.inherited(own_features(field_presence="EXPLICIT"))
        if proto.type == _Kind.TYPE_GROUP:
            features = features.inherited(own_features(message_encoding="DELIMITED"))
        if options.ctype == pb.FieldOptions.CORD:
            features = features.inherited(own_string_type("CORD"))
        return features.inherited(options.features)

    @property
    def is_extension(self) -> bool:
        """Whether it is an extension."""
        return bool(self.proto.extendee)

    @property
    def json_name(self) -> str:
        """Its name in JSON."""
        return self.proto.json_name or json_name_of(self.proto.name)

    @property
    def message(self) -> LinkedMessage | None:
        """The message that its type is."""
        found = self.file.type_named(self.proto.type_name)
        return found if isinstance(found, LinkedMessage) else None

    @property
    def enum(self) -> LinkedEnum | None:
        """The enum that its type is."""
        found = self.file.type_named(self.proto.type_name)
        return found if isinstance(found, LinkedEnum) else None

    @functools.cached_property
    def map_entry(self) -> "tuple[LinkedField, LinkedField] | None":
        """The fields of the key and the value, if it is a map."""
        message = self.message
        return (message.fields[1], message.fields[2]) if message is not None and message.is_map_entry else None

    @property
    def type(self) -> int:
        """Its type; `TYPE_GROUP` for every message that is delimited by tags on the wire."""
        if self.proto.type != _Kind.TYPE_MESSAGE or self._in_entry or self.map_entry is not None:
            return self.proto.type
        delimited = self.features.value("message_encoding") == "DELIMITED"
        return _Kind.TYPE_GROUP if delimited else _Kind.TYPE_MESSAGE

    @property
    def is_text(self) -> bool:
        """Whether it holds strings or bytes."""
        return self.proto.type in _TEXTS

    @property
    def is_repeated(self) -> bool:
        """Whether it holds any number of values; a map is repeated."""
        return self.proto.label == _Kind.LABEL_REPEATED

    @property
    def is_required(self) -> bool:
        """Whether messages without it are invalid."""
        return not self.is_repeated and self.features.value("field_presence") == "LEGACY_REQUIRED"

    @property
    def has_presence(self) -> bool:
        """Whether it distinguishes its default from being unset."""
        if self.is_repeated:
            return False
        if self.proto.type in {_Kind.TYPE_MESSAGE, _Kind.TYPE_GROUP}:
            return True
        named = self.is_extension or self.proto.HasField("oneof_index")
        return named or self.features.value("field_presence") != "IMPLICIT"

    @property
    def default(self) -> Any:
        """The default of a single scalar: enums by number, texts as bytes; `None` for all other fields."""
        kind, text = self.proto.type, self.proto.default_value
        if self.is_repeated or kind in {_Kind.TYPE_MESSAGE, _Kind.TYPE_GROUP}:
            return None
        if kind == _Kind.TYPE_ENUM:
            return None if self.enum is None else self.enum.number(text)
        if kind == _Kind.TYPE_BOOL:
            return text == "true"
        if kind == _Kind.TYPE_BYTES:
            return string_value(f'"{text}"').encode("utf-8", "surrogateescape")
        if kind == _Kind.TYPE_STRING:
            return text.encode()
        return float(text or 0) if kind in _FLOATS else int(text or 0)

    @property
    def cpp_string_type(self) -> str:
        """The type of a string in C++: `STRING`, `VIEW` or `CORD`."""
        return self.features.value("string_type", CPP)


def linked_file(descriptors: bytes) -> LinkedFile:
    """The last file of a serialized FileDescriptorSet, linked with the others."""
    types: dict[str, LinkedMessage | LinkedEnum] = {}
    files = [LinkedFile(proto, types) for proto in pb.FileDescriptorSet.FromString(descriptors).file]
    return files[-1]
