"""What changed between two files, as far as profiles are concerned.

Types and services are matched by their name in the file, fields and constants by number, methods by name. Imported
files do not count: they are registered under subjects of their own.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from google.protobuf import descriptor_pb2 as pb

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.profiles import ProfileDifference
from llm_schema_registry.formats.protobuf.breaking.fields import field_differences, found
from llm_schema_registry.formats.protobuf.breaking.rules import FILE_OPTIONS, file_option_rule
from llm_schema_registry.formats.protobuf.linked import LinkedEnum, LinkedField, LinkedFile, LinkedMessage

WORK: Final = "The check of the profiles"
# A declaration takes longer than a step of a comparison: its names are resolved and its features inherited.
_PER_DECLARATION, _PER_MEMBER = 16, 2
# Descriptors say nothing of the oldest syntax.
_SYNTAXES: Final = {"": "proto2"}

_Range = tuple[int, int]


def compare_files(new: LinkedFile, old: LinkedFile, budget: Budget) -> Iterator[ProfileDifference]:
    """The changes from `old` to `new`: of the file, its messages, enums, extensions and services, in that order.

    Raises:
        BudgetExceededError: too much work.
    """
    yield from _file(new, old)
    for name, old_message in old.messages.items():
        path = _path(name)
        message = new.messages.get(name)
        budget.spend(_PER_DECLARATION + _PER_MEMBER * len(old_message.proto.field))
        if message is None:
            yield found("MESSAGE_NO_DELETE", path)
        else:
            budget.spend(_PER_DECLARATION + _PER_MEMBER * len(message.proto.field))
            yield from _message(message, old_message, path)
    for name, old_enum in old.enums.items():
        enum = new.enums.get(name)
        budget.spend(_PER_DECLARATION + _PER_MEMBER * len(old_enum.proto.value))
        if enum is None:
            yield found("ENUM_NO_DELETE", _path(name))
        else:
            yield from _enum(enum, old_enum, _path(name))
    yield from _extensions(new, old)
    for name, old_service in old.services.items():
        service = new.services.get(name)
        budget.spend(_PER_DECLARATION + _PER_MEMBER * len(old_service.method))
        if service is None:
            yield found("SERVICE_NO_DELETE", _path(name))
        else:
            yield from _methods((new, service), (old, old_service), _path(name))


def _path(name: str) -> str:
    return "/" + name.replace(".", "/")


def _file(new: LinkedFile, old: LinkedFile) -> Iterator[ProfileDifference]:
    one, other = new.proto, old.proto
    if one.package != other.package:
        yield found("FILE_SAME_PACKAGE", "/", other.package, one.package)
    if one.syntax != other.syntax:
        yield found("FILE_SAME_SYNTAX", "/", *(_SYNTAXES.get(each.syntax, each.syntax) for each in (other, one)))
    for option in FILE_OPTIONS:
        value, before = _file_option(one, option), _file_option(other, option)
        if value != before:
            yield found(file_option_rule(option), "/", _shown(option, before), _shown(option, value))


def _file_option(file: pb.FileDescriptorProto, option: str) -> Any:
    """The value of an option. From edition 2024 on, Java always writes a file for each type."""
    if option == "java_multiple_files" and file.syntax == "editions" and file.edition >= pb.EDITION_2024:
        return True
    return getattr(file.options, option)


def _shown(option: str, value: Any) -> str:
    if option == "optimize_for":
        return str(pb.FileOptions.OptimizeMode.Name(value))
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _message(new: LinkedMessage, old: LinkedMessage, path: str) -> Iterator[ProfileDifference]:
    same_context = _same_context(new, old)
    if same_context and new.proto == old.proto and not any(field.type_name for field in new.proto.field):
        # Most messages of a large file are declared as before. What a named type means may have changed.
        return
    options, before = new.proto.options, old.proto.options
    if options.no_standard_descriptor_accessor and not before.no_standard_descriptor_accessor:
        yield found("MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR", path)
    if _lost_json(new, old):
        yield found("MESSAGE_SAME_JSON_FORMAT", path)
    ranges, names = _reserved(new.proto)
    for text in _not_covered(_reserved(old.proto), (ranges, names)):
        yield found("RESERVED_MESSAGE_NO_DELETE", path, text)
    for text in _not_covered((_extensible(old.proto), ()), (_extensible(new.proto), ())):
        yield found("EXTENSION_MESSAGE_NO_DELETE", path, text)
    oneofs, old_oneofs = _oneofs(new.proto), _oneofs(old.proto)
    for name in dict.fromkeys(old_oneofs.values()):
        if name not in oneofs.values():
            yield found("ONEOF_NO_DELETE", f"{path}/{name}")
    fields, old_fields = new.fields, old.fields
    for number in sorted({*fields, *old_fields}):
        field, old_field = fields.get(number), old_fields.get(number)
        here = f"{path}/{number}"
        yield from _required(field, old_field, here)
        if old_field is None:
            continue
        if field is not None:
            of_oneofs = oneofs.get(number), old_oneofs.get(number)
            if same_context and of_oneofs == (None, None) and _is_copy(field, old_field, new, old):
                continue
            yield from field_differences(field, old_field, here, of_oneofs)
        elif not _contains(ranges, number):
            yield found("FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", here, old_field.name)
        elif old_field.name not in names:
            yield found("FIELD_NO_DELETE_UNLESS_NAME_RESERVED", here, old_field.name)
        else:
            yield found("FIELD_NO_DELETE", here, old_field.name)


def _same_context(new: LinkedMessage, old: LinkedMessage) -> bool:
    """Whether equal declarations of scalar fields mean the same in both messages."""
    one, other = new.file.proto.options, old.file.proto.options
    return one.java_string_check_utf8 == other.java_string_check_utf8 and new.features.equals(old.features)


def _is_copy(new: LinkedField, old: LinkedField, message: LinkedMessage, old_message: LinkedMessage) -> bool:
    """Whether a scalar field is declared as before. Most fields of a large file are, and need no comparison."""
    return (
        not new.proto.type_name
        and new.proto == old.proto
        and new.outer is message.features
        and old.outer is old_message.features
    )


def _required(new: LinkedField | None, old: LinkedField | None, path: str) -> Iterator[ProfileDifference]:
    """A required field that was added or deleted; one that has another label now is told as that."""
    if old is None and new is not None and new.is_required:
        yield found("MESSAGE_SAME_REQUIRED_FIELDS", path, "missing", "required")
    if new is None and old is not None and old.is_required:
        yield found("MESSAGE_SAME_REQUIRED_FIELDS", path, "required", "missing")


def _lost_json(new: LinkedMessage | LinkedEnum, old: LinkedMessage | LinkedEnum) -> bool:
    return old.features.value("json_format") == "ALLOW" and new.features.value("json_format") != "ALLOW"


def _reserved(proto: pb.DescriptorProto) -> tuple[list[_Range], Sequence[str]]:
    return [(item.start, item.end - 1) for item in proto.reserved_range], proto.reserved_name


def _extensible(proto: pb.DescriptorProto) -> list[_Range]:
    return [(item.start, item.end - 1) for item in proto.extension_range]


def _oneofs(proto: pb.DescriptorProto) -> dict[int, str]:
    """The names of the oneofs of the fields in them; the oneof that stands for `optional` is none."""
    return {
        field.number: proto.oneof_decl[field.oneof_index].name
        for field in proto.field
        if field.HasField("oneof_index") and not field.proto3_optional
    }


def _contains(ranges: Iterable[_Range], number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)


def _not_covered(
    old: tuple[Iterable[_Range], Sequence[str]], new: tuple[Sequence[_Range], Sequence[str]]
) -> Iterator[str]:
    """The ranges and names of `old` that are not wholly in `new`, as texts."""
    merged = _merged(new[0])
    for first, last in old[0]:
        if not any(start <= first and last <= end for start, end in merged):
            yield f"The number {first}" if first == last else f"The range {first} to {last}"
    for name in old[1]:
        if name not in new[1]:
            yield f'The name "{name}"'


def _merged(ranges: Iterable[_Range]) -> list[_Range]:
    merged: list[_Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _enum(new: LinkedEnum, old: LinkedEnum, path: str) -> Iterator[ProfileDifference]:
    if new.is_closed != old.is_closed:
        closed = {True: "closed", False: "open"}
        yield found("ENUM_SAME_TYPE", path, closed[old.is_closed], closed[new.is_closed])
    if _lost_json(new, old):
        yield found("ENUM_SAME_JSON_FORMAT", path)
    ranges = [(item.start, item.end) for item in new.proto.reserved_range]
    old_ranges = [(item.start, item.end) for item in old.proto.reserved_range]
    for text in _not_covered((old_ranges, old.proto.reserved_name), (ranges, new.proto.reserved_name)):
        yield found("RESERVED_ENUM_NO_DELETE", path, text)
    constants, old_constants = _names_by_number(new.proto), _names_by_number(old.proto)
    for number, old_names in sorted(old_constants.items()):
        here, before = f"{path}/{number}", ", ".join(old_names)
        names = constants.get(number)
        if names is not None:
            if not set(old_names) <= set(names):
                yield found("ENUM_VALUE_SAME_NAME", here, before, ", ".join(names))
        elif not _contains(ranges, number):
            yield found("ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED", here, before)
        elif not set(old_names) <= set(new.proto.reserved_name):
            yield found("ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED", here, before)
        else:
            yield found("ENUM_VALUE_NO_DELETE", here, before)


def _names_by_number(proto: pb.EnumDescriptorProto) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for value in proto.value:
        names.setdefault(value.number, []).append(value.name)
    return names


def _extensions(new: LinkedFile, old: LinkedFile) -> Iterator[ProfileDifference]:
    by_number = {(_extended(extension), extension.proto.number): extension for extension in new.extensions.values()}
    for name, old_extension in old.extensions.items():
        extended, number = _extended(old_extension), old_extension.proto.number
        path = f"{_path(extended)}/{number}"
        extension = by_number.get((extended, number))
        if extension is not None:
            yield from field_differences(extension, old_extension, path)
        if name not in new.extensions:
            yield found("EXTENSION_NO_DELETE", path, name)


def _extended(extension: LinkedField) -> str:
    return extension.file.local_name(extension.proto.extendee)


_Service = tuple[LinkedFile, pb.ServiceDescriptorProto]
_Method = tuple[LinkedFile, pb.MethodDescriptorProto]


def _methods(new: _Service, old: _Service, path: str) -> Iterator[ProfileDifference]:
    methods = {method.name: method for method in new[1].method}
    for old_method in old[1].method:
        here = f"{path}/{old_method.name}"
        method = methods.get(old_method.name)
        if method is None:
            yield found("RPC_NO_DELETE", here)
        else:
            yield from _method((new[0], method), (old[0], old_method), here)


def _method(new: _Method, old: _Method, path: str) -> Iterator[ProfileDifference]:
    for rule, of_type in (("RPC_SAME_REQUEST_TYPE", "input_type"), ("RPC_SAME_RESPONSE_TYPE", "output_type")):
        names = [file.local_name(getattr(method, of_type)) for file, method in (old, new)]
        if names[0] != names[1]:
            yield found(rule, path, *names)
    for rule, streams in (
        ("RPC_SAME_CLIENT_STREAMING", "client_streaming"),
        ("RPC_SAME_SERVER_STREAMING", "server_streaming"),
    ):
        many = [getattr(method, streams) for _, method in (old, new)]
        if many[0] != many[1]:
            yield found(rule, path, *("a stream" if each else "one message" for each in many))
    levels = [method.options.idempotency_level for _, method in (old, new)]
    if levels[0] != levels[1]:
        yield found("RPC_SAME_IDEMPOTENCY_LEVEL", path, *map(pb.MethodOptions.IdempotencyLevel.Name, levels))
