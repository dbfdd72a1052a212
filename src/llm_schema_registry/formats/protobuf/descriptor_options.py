"""Options in descriptors: known ones are fields, custom ones are extensions that only the imports explain."""

from collections.abc import Container, Iterable, Sequence
from typing import Any, NoReturn

from google.protobuf import descriptor_pb2 as pb
from google.protobuf import descriptor_pool, message_factory, unknown_fields
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError
from llm_schema_registry.formats.protobuf.ast import (
    Aggregate,
    File,
    Import,
    ListValue,
    Literal,
    LiteralKind,
    Option,
    OptionValue,
)
from llm_schema_registry.formats.protobuf.canonical import canonical_text
from llm_schema_registry.formats.protobuf.compiler import compile_text


def json_name_of(name: str) -> str:
    """The JSON name that protoc derives from a field name: underscores dropped, what follows them capitalised."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def pool_of(descriptors: pb.FileDescriptorSet) -> descriptor_pool.DescriptorPool:
    """A pool of its own with all files of the set.

    The runtime refuses a JSON name that two fields have, or a field and a oneof, which protoc accepts with a
    warning. In the pool, a field that another one keeps from its JSON name has its own name instead.

    Raises:
        TypeError: a file does not link, or exceeds a limit of the runtime.
    """
    try:
        return _pool(descriptors.file)
    except TypeError:
        return _pool(map(_with_distinct_json_names, descriptors.file))


def _pool(files: Iterable[pb.FileDescriptorProto]) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return pool


def _with_distinct_json_names(file: pb.FileDescriptorProto) -> pb.FileDescriptorProto:
    renamed = pb.FileDescriptorProto()
    renamed.CopyFrom(file)
    messages = list(renamed.message_type)
    while messages:
        message = messages.pop()
        messages.extend(message.nested_type)
        _make_json_names_distinct(message)
    return renamed


def _make_json_names_distinct(message: pb.DescriptorProto) -> None:
    oneofs = {oneof.name for oneof in message.oneof_decl}
    while True:
        by_json_name: dict[str, list[pb.FieldDescriptorProto]] = {}
        for field in message.field:
            by_json_name.setdefault(field.json_name or json_name_of(field.name), []).append(field)
        renamed = [field for name, fields in by_json_name.items() for field in _without_claim(name, fields, oneofs)]
        if not renamed:
            return
        for field in renamed:
            field.json_name = field.name


def _without_claim(
    name: str, fields: Sequence[pb.FieldDescriptorProto], oneofs: Container[str]
) -> list[pb.FieldDescriptorProto]:
    """The fields that cannot have a JSON name: all but the one with that name of its own, or else the first one."""
    if name in oneofs:
        return list(fields)
    owner = next((field for field in fields if field.name == name), fields[0])
    return [field for field in fields if field is not owner]


def map_entry_of(field: FieldDescriptor) -> tuple[FieldDescriptor, FieldDescriptor] | None:
    """The fields of the key and the value if `field` is a map."""
    entry = field.message_type
    if entry is None or not entry.GetOptions().map_entry:
        return None
    return entry.fields_by_name["key"], entry.fields_by_name["value"]


class OptionReader:
    """Reads the options of the elements of one file."""

    def __init__(self, file: pb.FileDescriptorProto, dependencies: Sequence[Dependency]) -> None:
        self._file = file
        self._dependencies = dependencies
        self._pool: descriptor_pool.DescriptorPool | None = None

    def read(self, options: Message) -> tuple[Option, ...]:
        """The options that are set in an options message.

        Raises:
            InvalidSchemaError: an option that no import declares.
        """
        if not options.ByteSize():
            return ()
        if len(unknown_fields.UnknownFieldSet(options)):
            options = self._understood(options)
        found: list[Option] = []
        for field, value in options.ListFields():
            if field.name == "uninterpreted_option":
                continue
            if field.name == "features" and not field.is_extension:
                found += [Option(("features", *option.name), option.value) for option in self.read(value)]
                continue
            name = f"({field.full_name})" if field.is_extension else field.name
            values = value if field.is_repeated else (value,)
            found += [Option((name,), _value(field, item)) for item in values]
        return tuple(found)

    def _understood(self, options: Message) -> Message:
        """The same options as a message whose extensions are known."""
        if self._pool is None:
            self._pool = self._linked_pool()
        descriptor = self._pool.FindMessageTypeByName(options.DESCRIPTOR.full_name)
        known = message_factory.GetMessageClass(descriptor)
        try:
            understood: Message = known.FromString(options.SerializeToString())
        except DecodeError:
            _refuse("A custom option of the descriptor is not encoded as its declaration says.")
        if len(unknown_fields.UnknownFieldSet(understood)):
            _refuse("An option of the descriptor is declared in none of its imports.")
        return understood

    def _linked_pool(self) -> descriptor_pool.DescriptorPool:
        paths = dict.fromkeys(
            (*self._file.dependency, *self._file.option_dependency, "google/protobuf/descriptor.proto")
        )
        importer = File(syntax="proto3", imports=tuple(map(Import, paths)))
        compiled = compile_text(canonical_text(importer), importer, self._dependencies)
        descriptors = pb.FileDescriptorSet.FromString(compiled)
        del descriptors.file[-1]
        descriptors.file.append(self._file)
        try:
            return pool_of(descriptors)
        except TypeError as error:
            _refuse(f"The descriptor does not link: {error}")


def _refuse(message: str) -> NoReturn:
    raise InvalidSchemaError(message, (Finding(code="protobuf.INVALID", message=message),))


def _value(field: FieldDescriptor, value: Any) -> OptionValue:
    kind = field.type
    if kind in {FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP}:
        return _aggregate(value)
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return Literal(LiteralKind.IDENTIFIER, named.name if named else str(value))
    if kind == FieldDescriptor.TYPE_BOOL:
        return Literal(LiteralKind.IDENTIFIER, "true" if value else "false")
    if isinstance(value, bytes):
        return Literal(LiteralKind.STRING, value.decode("utf-8", "surrogateescape"))
    if isinstance(value, str):
        return Literal(LiteralKind.STRING, value)
    return Literal(LiteralKind.NUMBER, repr(value))


def _aggregate(message: Message) -> Aggregate:
    entries: list[tuple[str, OptionValue]] = []
    for field, value in message.ListFields():
        name = f"[{field.full_name}]" if field.is_extension else field.name
        map_entry = map_entry_of(field)
        if map_entry is not None:
            items = [_map_entry(*map_entry, key, value[key]) for key in sorted(value)]
            entries.append((name, items[0] if len(items) == 1 else ListValue(tuple(items))))
        elif field.is_repeated and len(value) > 1:
            entries.append((name, ListValue(tuple(_value(field, item) for item in value))))
        elif field.is_repeated:
            entries.append((name, _value(field, value[0])))
        else:
            entries.append((name, _value(field, value)))
    return Aggregate(tuple(entries))


def _map_entry(key_field: FieldDescriptor, value_field: FieldDescriptor, key: Any, value: Any) -> Aggregate:
    return Aggregate((("key", _value(key_field, key)), ("value", _value(value_field, value))))
