"""The normal form: two files that mean the same to a reader of data get one text.

What is not semantic is sorted (fields by tag, options by name, imports); what is stays: the order of messages,
enums, services and methods, since message indexes depend on it. Names are fully qualified.
"""

import decimal
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from llm_schema_registry.formats.protobuf.ast import (
    Aggregate,
    Enum,
    EnumValue,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Import,
    ListValue,
    Literal,
    LiteralKind,
    Message,
    Oneof,
    Option,
    OptionValue,
    Reserved,
    Service,
)
from llm_schema_registry.formats.protobuf.model import SCALARS
from llm_schema_registry.formats.protobuf.symbols import TypeTable

# The reference prints numbers with Java's DecimalFormat: three digits after the point, half to even.
_THOUSANDTH: Final = decimal.Decimal("0.001")
_MAX_EXPONENT: Final = 30


def normalized_file(file: File, types: TypeTable) -> File:
    """The normal form of `file`; names that `types` does not know stay as written."""
    return _Normalizer(types).file(file)


class _Normalizer:
    def __init__(self, types: TypeTable) -> None:
        self._types = types

    def file(self, file: File) -> File:
        scope = file.package
        return replace(
            file,
            syntax=file.syntax if file.syntax == "proto3" else None,
            imports=tuple(sorted(set(file.imports), key=_import_key)),
            options=self._options(file.options, scope),
            messages=tuple(self._message(message, scope) for message in file.messages),
            enums=tuple(self._enum(enum, scope) for enum in file.enums),
            extends=self._extends(file.extends, scope),
            services=tuple(self._service(service, scope) for service in file.services),
        )

    def _name(self, name: str, scope: str) -> str:
        if name in SCALARS:
            return name
        full_name = self._types.resolve(name, scope)
        return name if full_name is None else f".{full_name}"

    def _message(self, message: Message, outer: str) -> Message:
        scope = f"{outer}.{message.name}" if outer else message.name
        oneofs = [self._oneof(oneof, scope) for oneof in message.oneofs if oneof.fields or oneof.groups]
        extensions = [
            Extensions((item,), self._options(statement.options, scope))
            for statement in message.extensions
            for item in statement.ranges
        ]
        return replace(
            message,
            fields=self._fields(message.fields, scope),
            oneofs=tuple(sorted(oneofs, key=_first_tag)),
            groups=self._groups(message.groups, scope),
            messages=tuple(self._message(nested, scope) for nested in message.messages),
            enums=tuple(self._enum(nested, scope) for nested in message.enums),
            options=self._options(message.options, scope),
            reserved=_reserved(message.reserved),
            extensions=tuple(sorted(extensions, key=lambda statement: statement.ranges[0].first)),
            extends=self._extends(message.extends, scope),
        )

    def _fields(self, fields: Iterable[Field], scope: str) -> tuple[Field, ...]:
        normal = [
            replace(field, type=self._name(field.type, scope), options=self._options(field.options, scope))
            for field in fields
        ]
        return tuple(sorted(normal, key=_tag))

    def _groups(self, groups: Iterable[Group], scope: str) -> tuple[Group, ...]:
        normal = [
            replace(group, body=self._message(group.body, scope), options=self._options(group.options, scope))
            for group in groups
        ]
        return tuple(sorted(normal, key=_tag))

    def _oneof(self, oneof: Oneof, scope: str) -> Oneof:
        return replace(
            oneof,
            fields=self._fields(oneof.fields, scope),
            groups=self._groups(oneof.groups, scope),
            options=self._options(oneof.options, scope),
        )

    def _extends(self, extends: Iterable[Extend], scope: str) -> tuple[Extend, ...]:
        fields: dict[str, list[Field]] = {}
        groups: dict[str, list[Group]] = {}
        for extend in extends:
            target = self._name(extend.name, scope)
            fields.setdefault(target, []).extend(extend.fields)
            groups.setdefault(target, []).extend(extend.groups)
        return tuple(
            Extend(target, self._fields(fields[target], scope), self._groups(groups[target], scope))
            for target in sorted(fields)
        )

    def _enum(self, enum: Enum, outer: str) -> Enum:
        scope = f"{outer}.{enum.name}" if outer else enum.name
        values = [replace(value, options=self._options(value.options, scope)) for value in enum.values]
        return replace(
            enum,
            values=tuple(sorted(values, key=_constant_key)),
            options=self._options(enum.options, scope),
            reserved=_reserved(enum.reserved),
        )

    def _service(self, service: Service, outer: str) -> Service:
        scope = f"{outer}.{service.name}" if outer else service.name
        rpcs = tuple(
            replace(
                rpc,
                request=self._name(rpc.request, scope),
                response=self._name(rpc.response, scope),
                options=self._options(rpc.options, scope),
            )
            for rpc in service.rpcs
        )
        return replace(service, rpcs=rpcs, options=self._options(service.options, scope))

    def _options(self, options: Sequence[Option], scope: str) -> tuple[Option, ...]:
        if not options:
            return ()
        merged: dict[str, Aggregate] = {}
        normal: list[Option] = []
        for option in options:
            head = self._option_part(option.name[0], scope)
            value = _normal_value(option.value)
            if len(option.name) == 1 or not self._is_singular_extension(head):
                tail = (self._option_part(part, scope) for part in option.name[1:])
                normal.append(Option((head, *tail), value))
                continue
            keys = [_aggregate_key(self._option_part(part, scope)) for part in option.name[1:]]
            merged[head] = _with_entry(merged.get(head, Aggregate(())), keys, value)
        normal += [Option((head,), value) for head, value in merged.items()]
        return tuple(sorted(normal, key=_option_key))

    def _option_part(self, part: str, scope: str) -> str:
        if not part.startswith("("):
            return part
        full_name = self._types.resolve_extension(part[1:-1], scope)
        return part if full_name is None else f"({full_name})"

    def _is_singular_extension(self, part: str) -> bool:
        if not part.startswith("("):
            return False
        field = self._types.extension(part[1:-1].removeprefix("."))
        return field is not None and field.label != "repeated"


def without_extensions(file: File) -> File:
    """`file` without extension ranges, `extend` blocks and custom options other than those of `confluent`."""
    return replace(
        file,
        options=_plain_options(file.options),
        messages=tuple(map(_plain_message, file.messages)),
        enums=tuple(map(_plain_enum, file.enums)),
        extends=(),
        services=tuple(map(_plain_service, file.services)),
    )


def _plain_options(options: Iterable[Option]) -> tuple[Option, ...]:
    return tuple(
        option
        for option in options
        if not option.name[0].startswith("(") or option.name[0].startswith(("(confluent.", "(.confluent."))
    )


def _plain_message(message: Message) -> Message:
    return replace(
        message,
        options=_plain_options(message.options),
        fields=tuple(map(_plain_field, message.fields)),
        oneofs=tuple(
            replace(
                oneof,
                options=_plain_options(oneof.options),
                fields=tuple(map(_plain_field, oneof.fields)),
                groups=tuple(map(_plain_group, oneof.groups)),
            )
            for oneof in message.oneofs
        ),
        groups=tuple(map(_plain_group, message.groups)),
        extensions=(),
        extends=(),
        messages=tuple(map(_plain_message, message.messages)),
        enums=tuple(map(_plain_enum, message.enums)),
    )


def _plain_field(field: Field) -> Field:
    return replace(field, options=_plain_options(field.options)) if field.options else field


def _plain_group(group: Group) -> Group:
    return replace(group, options=_plain_options(group.options), body=_plain_message(group.body))


def _plain_enum(enum: Enum) -> Enum:
    values = tuple(replace(value, options=_plain_options(value.options)) for value in enum.values)
    return replace(enum, options=_plain_options(enum.options), values=values)


def _plain_service(service: Service) -> Service:
    rpcs = tuple(replace(rpc, options=_plain_options(rpc.options)) for rpc in service.rpcs)
    return replace(service, options=_plain_options(service.options), rpcs=rpcs)


def _import_key(item: Import) -> tuple[str, str]:
    return item.kind or "", item.path


def _tag(element: Field | Group) -> int:
    return element.number


def _first_tag(oneof: Oneof) -> int:
    elements: tuple[Field | Group, ...] = (*oneof.fields, *oneof.groups)
    return min(element.number for element in elements)


def _constant_key(value: EnumValue) -> tuple[bool, int, str]:
    # Negative numbers go last: an enum that does not start with zero is not valid in proto3.
    return value.number < 0, value.number, value.name


def _option_key(option: Option) -> str:
    return ".".join(part.strip("()") for part in option.name)


def _reserved(statements: Iterable[Reserved]) -> tuple[Reserved, ...]:
    ranges = sorted({item for statement in statements for item in statement.ranges}, key=lambda item: item.first)
    names = sorted({(name, statement.quoted) for statement in statements for name in statement.names})
    return (
        *(Reserved((item,)) for item in ranges),
        *(Reserved((), (name,), quoted) for name, quoted in names),
    )


def _aggregate_key(part: str) -> str:
    return f"[{part[1:-1]}]" if part.startswith("(") else part


def _with_entry(aggregate: Aggregate, keys: Sequence[str], value: OptionValue) -> Aggregate:
    """`aggregate` with `value` at the path `keys`; a name that is set twice is a repeated field."""
    entries = dict(aggregate.entries)
    before = entries.get(keys[0])
    if len(keys) > 1:
        inner = before if isinstance(before, Aggregate) else Aggregate(())
        entries[keys[0]] = _with_entry(inner, keys[1:], value)
    elif before is None:
        entries[keys[0]] = value
    else:
        items = before.items if isinstance(before, ListValue) else (before,)
        entries[keys[0]] = ListValue((*items, value))
    return Aggregate(tuple(entries.items()))


def _normal_value(value: OptionValue) -> OptionValue:
    if isinstance(value, Literal):
        return Literal(value.kind, _number(value.text)) if value.kind is LiteralKind.NUMBER else value
    if isinstance(value, ListValue):
        return ListValue(tuple(map(_normal_value, value.items)))
    return Aggregate(tuple((key, _normal_value(item)) for key, item in value.entries))


def _number(text: str) -> str:
    """A number with at most three digits after the point; what is no finite decimal stays."""
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        return text
    with decimal.localcontext(prec=2 * _MAX_EXPONENT + 10):
        rounded = number.quantize(_THOUSANDTH, rounding=decimal.ROUND_HALF_EVEN)
    plain = f"{rounded:f}".rstrip("0").rstrip(".")
    return "0" if plain == "-0" else plain
