"""From a FileDescriptorProto, the binary form some clients register, to elements."""

import base64
import binascii
from collections.abc import Iterable, Sequence

from google.protobuf import descriptor_pb2 as pb
from google.protobuf.message import DecodeError

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError
from llm_schema_registry.formats.protobuf.ast import (
    MAX_ENUM_NUMBER,
    MAX_FIELD_NUMBER,
    Enum,
    EnumValue,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Import,
    Literal,
    LiteralKind,
    Message,
    Oneof,
    OptionValue,
    Range,
    Reserved,
    Rpc,
    Service,
)
from llm_schema_registry.formats.protobuf.descriptor_options import OptionReader, json_name_of
from llm_schema_registry.formats.protobuf.lexer import string_value
from llm_schema_registry.formats.protobuf.utf8 import refuse_invalid_strings

_Kind = pb.FieldDescriptorProto.Type
_SCALAR_NAMES = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in _Kind.items()
    if name not in {"TYPE_GROUP", "TYPE_MESSAGE", "TYPE_ENUM"}
}
_LABELS = {
    pb.FieldDescriptorProto.LABEL_OPTIONAL: "optional",
    pb.FieldDescriptorProto.LABEL_REQUIRED: "required",
    pb.FieldDescriptorProto.LABEL_REPEATED: "repeated",
}
_VISIBILITIES = {pb.VISIBILITY_EXPORT: "export", pb.VISIBILITY_LOCAL: "local"}


def file_of_base64(text: str, dependencies: Sequence[Dependency]) -> File:
    """The elements of a FileDescriptorProto in base64.

    Type names stay fully qualified, and maps written out (see `map_fields`), since message indexes count their entries;
    synthetic oneofs become `optional`.

    Raises:
        InvalidSchemaError: no base64, no FileDescriptorProto, or options of unknown meaning.
    """
    try:
        descriptor = pb.FileDescriptorProto.FromString(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, DecodeError):
        message = "Neither .proto text nor the base64 of a FileDescriptorProto."
        raise InvalidSchemaError(message, (Finding(code="protobuf.SYNTAX", message=message),)) from None
    refuse_invalid_strings(descriptor)
    try:
        return _FileReader(descriptor, dependencies).file()
    except (ValueError, LookupError):
        message = "The FileDescriptorProto holds a number that has no name, such as an edition of the future."
        raise InvalidSchemaError(message, (Finding(code="protobuf.INVALID", message=message),)) from None


def own_descriptor(descriptors: bytes) -> bytes:
    """The last file of a serialised FileDescriptorSet, serialised."""
    last: bytes = pb.FileDescriptorSet.FromString(descriptors).file[-1].SerializeToString()
    return last


class _FileReader:
    """Reads one FileDescriptorProto."""

    def __init__(self, descriptor: pb.FileDescriptorProto, dependencies: Sequence[Dependency]) -> None:
        self._descriptor = descriptor
        self._options = OptionReader(descriptor, dependencies)
        self._proto2 = descriptor.syntax in {"", "proto2"}

    def file(self) -> File:
        descriptor = self._descriptor
        editions = descriptor.syntax == "editions"
        edition = pb.Edition.Name(descriptor.edition).removeprefix("EDITION_") if editions else None
        messages = {item.name: item for item in descriptor.message_type}
        extends = self._extends(descriptor.extension, messages)
        return File(
            syntax=descriptor.syntax if descriptor.syntax and not editions else None,
            edition=edition,
            package=descriptor.package,
            imports=self._imports(),
            options=self._options.read(descriptor.options),
            messages=tuple(map(self._message, messages.values())),
            enums=tuple(map(self._enum, descriptor.enum_type)),
            extends=extends,
            services=tuple(map(self._service, descriptor.service)),
        )

    def _imports(self) -> tuple[Import, ...]:
        descriptor = self._descriptor
        public, weak = set(descriptor.public_dependency), set(descriptor.weak_dependency)
        imports = [
            Import(path, "public" if index in public else "weak" if index in weak else None)
            for index, path in enumerate(descriptor.dependency)
        ]
        imports += [Import(path, "option") for path in descriptor.option_dependency]
        return tuple(imports)

    def _message(self, descriptor: pb.DescriptorProto) -> Message:
        nested = {item.name: item for item in descriptor.nested_type}
        members: dict[int, list[Field | Group]] = {}
        own: list[Field | Group] = []
        for field in descriptor.field:
            element = self._field(field, nested)
            in_oneof = field.HasField("oneof_index") and not field.proto3_optional
            (members.setdefault(field.oneof_index, []) if in_oneof else own).append(element)
        extends = self._extends(descriptor.extension, nested)
        oneofs = [
            Oneof(item.name, _fields(members[index]), _groups(members[index]), self._options.read(item.options))
            for index, item in enumerate(descriptor.oneof_decl)
            if index in members
        ]
        return Message(
            name=descriptor.name,
            fields=_fields(own),
            oneofs=tuple(oneofs),
            groups=_groups(own),
            messages=tuple(map(self._message, nested.values())),
            enums=tuple(map(self._enum, descriptor.enum_type)),
            options=self._options.read(descriptor.options),
            reserved=self._reserved(
                [_range(item.start, item.end - 1, MAX_FIELD_NUMBER) for item in descriptor.reserved_range],
                descriptor.reserved_name,
            ),
            extensions=tuple(
                Extensions((_range(item.start, item.end - 1, MAX_FIELD_NUMBER),), self._options.read(item.options))
                for item in descriptor.extension_range
            ),
            extends=extends,
            visibility=_VISIBILITIES.get(descriptor.visibility),
        )

    def _field(self, descriptor: pb.FieldDescriptorProto, nested: dict[str, pb.DescriptorProto]) -> Field | Group:
        """A field; the message of a group is taken out of `nested`."""
        local = descriptor.type_name.rpartition(".")[2]
        label = self._label(descriptor)
        options = self._options.read(descriptor.options)
        if descriptor.type == _Kind.Value("TYPE_GROUP") and local in nested:
            return Group(descriptor.number, self._message(nested.pop(local)), label, options)
        kind = descriptor.type_name or _SCALAR_NAMES.get(descriptor.type, "")
        json_name: str | None = descriptor.json_name
        if not json_name or descriptor.extendee or json_name == json_name_of(descriptor.name):
            json_name = None
        default = _default(descriptor) if descriptor.HasField("default_value") else None
        return Field(descriptor.name, descriptor.number, kind, label, None, options, default, json_name)

    def _label(self, descriptor: pb.FieldDescriptorProto) -> str | None:
        if descriptor.proto3_optional:
            return "optional"
        label = _LABELS[descriptor.label] if descriptor.HasField("label") else "optional"
        in_oneof = descriptor.HasField("oneof_index")
        return label if label == "repeated" or (self._proto2 and not in_oneof) else None

    def _extends(
        self, fields: Iterable[pb.FieldDescriptorProto], nested: dict[str, pb.DescriptorProto]
    ) -> tuple[Extend, ...]:
        blocks: dict[str, list[Field | Group]] = {}
        for field in fields:
            blocks.setdefault(field.extendee, []).append(self._field(field, nested))
        return tuple(Extend(name, _fields(items), _groups(items)) for name, items in blocks.items())

    def _enum(self, descriptor: pb.EnumDescriptorProto) -> Enum:
        values = tuple(EnumValue(item.name, item.number, self._options.read(item.options)) for item in descriptor.value)
        ranges = [_range(item.start, item.end, MAX_ENUM_NUMBER) for item in descriptor.reserved_range]
        return Enum(
            descriptor.name,
            values,
            self._options.read(descriptor.options),
            self._reserved(ranges, descriptor.reserved_name),
            _VISIBILITIES.get(descriptor.visibility),
        )

    def _reserved(self, ranges: Iterable[Range], names: Iterable[str]) -> tuple[Reserved, ...]:
        quoted = self._descriptor.syntax != "editions"
        return (
            *(Reserved((item,)) for item in ranges),
            *(Reserved((), (name,), quoted) for name in names),
        )

    def _service(self, descriptor: pb.ServiceDescriptorProto) -> Service:
        rpcs = tuple(
            Rpc(
                item.name,
                item.input_type,
                item.output_type,
                item.client_streaming,
                item.server_streaming,
                self._options.read(item.options),
            )
            for item in descriptor.method
        )
        return Service(descriptor.name, rpcs, self._options.read(descriptor.options))


def _fields(elements: Iterable[Field | Group]) -> tuple[Field, ...]:
    return tuple(item for item in elements if isinstance(item, Field))


def _groups(elements: Iterable[Field | Group]) -> tuple[Group, ...]:
    return tuple(item for item in elements if isinstance(item, Group))


def _range(first: int, last: int, maximum: int) -> Range:
    return Range(first, None if first == last else min(last, maximum))


def _default(descriptor: pb.FieldDescriptorProto) -> OptionValue:
    text = descriptor.default_value
    kind = _Kind.Name(descriptor.type)
    if kind == "TYPE_STRING":
        return Literal(LiteralKind.STRING, text)
    if kind == "TYPE_BYTES":
        return Literal(LiteralKind.STRING, string_value(f'"{text}"'))
    if kind in {"TYPE_ENUM", "TYPE_BOOL"}:
        return Literal(LiteralKind.IDENTIFIER, text)
    return Literal(LiteralKind.NUMBER, text)
