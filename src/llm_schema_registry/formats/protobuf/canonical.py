"""The canonical text of a `.proto` file, as the Confluent registry prints it.

All messages come before all enums, each kind in source order; the statements of a message come in fixed groups,
each group after one empty line. Inside a nested type even the empty lines carry the indentation: that is what
the reference prints, and content hashes depend on it.
"""

from collections.abc import Iterable, Sequence

from llm_schema_registry.formats.protobuf.ast import (
    MAX_FIELD_NUMBER,
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
    Range,
    Reserved,
    Rpc,
    Service,
)

_SHORT_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
}
# Other control characters and bytes that are not UTF-8 (surrogate escapes) only survive as octal numbers.
_ESCAPES = str.maketrans(
    {chr(code): f"\\{code:03o}" for code in (*range(32), 127)}
    | {chr(0xDC00 + byte): f"\\{byte:03o}" for byte in range(0x80, 0x100)}
    | _SHORT_ESCAPES
)
_IMPORT_ORDER = (None, "public", "weak", "option")


def canonical_text(file: File) -> str:
    """The canonical text of `file`. Parsing it again gives the same text."""
    parts: list[str] = []
    if file.syntax is not None:
        parts.append(f'syntax = "{file.syntax}";\n')
    elif file.edition is not None:
        parts.append(f'edition = "{file.edition}";\n')
    if file.package:
        parts.append(f"package {file.package};\n")
    groups = (
        "".join(_import(item) for kind in _IMPORT_ORDER for item in file.imports if item.kind == kind),
        "".join(map(_option_statement, file.options)),
        "".join((*map(_message, file.messages), *map(_enum, file.enums))),
        "".join(map(_extend, file.extends)),
        "".join(map(_service, file.services)),
    )
    for group in groups:
        if group:
            parts += ("\n", group)
    return "".join(parts)


def quoted(value: str) -> str:
    """`value` as a string literal."""
    return f'"{value.translate(_ESCAPES)}"'


def type_text(field: Field) -> str:
    """The type of a field as it is printed, `map<K, V>` for a map."""
    return field.type if field.map_key is None else f"map<{field.map_key}, {field.type}>"


def field_text(field: Field) -> str:
    """The statement of a field."""
    label = f"{field.label} " if field.label else ""
    options = field.options
    if field.default is not None:
        options = (*options, Option(("default",), field.default))
    if field.json_name is not None:
        options = (*options, Option(("json_name",), Literal(LiteralKind.STRING, field.json_name)))
    return f"{label}{type_text(field)} {field.name} = {field.number}{_option_list(options)};\n"


def value_text(value: OptionValue) -> str:
    """An option's value."""
    if isinstance(value, Literal):
        return quoted(value.text) if value.kind is LiteralKind.STRING else value.text
    if isinstance(value, ListValue):
        return "[\n" + _comma_separated([value_text(item) for item in value.items]) + "]"
    return _aggregate(value)


def _aggregate(value: Aggregate) -> str:
    return "{\n" + _comma_separated([f"{key}: {value_text(item)}" for key, item in value.entries]) + "}"


def _comma_separated(items: Sequence[str]) -> str:
    last = len(items) - 1
    return "".join(_indented(item + "," if index != last else item) for index, item in enumerate(items))


def _indented(text: str) -> str:
    return "  " + text.removesuffix("\n").replace("\n", "\n  ") + "\n"


def _block(header: str, groups: Iterable[str]) -> str:
    """A block in braces; the groups that are not empty are one empty line apart."""
    body = "\n".join(_indented(group) for group in groups if group)
    return f"{header} {{\n{body}}}\n" if body else f"{header} {{}}\n"


def _option(option: Option) -> str:
    return f"{'.'.join(option.name)} = {value_text(option.value)}"


def _option_statement(option: Option) -> str:
    return f"option {_option(option)};\n"


def _option_list(options: Sequence[Option]) -> str:
    if not options:
        return ""
    if len(options) == 1:
        return f" [{_option(options[0])}]"
    return " [\n" + _comma_separated([_option(option) for option in options]) + "]"


def _import(item: Import) -> str:
    kind = f"{item.kind} " if item.kind else ""
    return f"import {kind}{quoted(item.path)};\n"


def _range(item: Range) -> str:
    if item.last is None:
        return str(item.first)
    return f"{item.first} to {'max' if item.last >= MAX_FIELD_NUMBER else item.last}"


def _reserved(reserved: Reserved) -> str:
    items = [_range(item) for item in reserved.ranges]
    items += [quoted(name) if reserved.quoted else name for name in reserved.names]
    return f"reserved {', '.join(items)};\n"


def _extensions(extensions: Extensions) -> str:
    return f"extensions {', '.join(map(_range, extensions.ranges))}{_option_list(extensions.options)};\n"


def _message(message: Message) -> str:
    visibility = f"{message.visibility} " if message.visibility else ""
    return _block(f"{visibility}message {message.name}", _message_groups(message))


def _message_groups(message: Message) -> tuple[str, ...]:
    return (
        "".join(map(_reserved, message.reserved)),
        "".join(map(_option_statement, message.options)),
        "".join(map(field_text, message.fields)),
        "".join(map(_oneof, message.oneofs)),
        "".join(map(_group, message.groups)),
        "".join(map(_extensions, message.extensions)),
        "".join(map(_extend, message.extends)),
        "".join((*map(_message, message.messages), *map(_enum, message.enums))),
    )


def _oneof(oneof: Oneof) -> str:
    groups = (
        "".join(map(_option_statement, oneof.options)),
        "".join(map(field_text, oneof.fields)),
        "".join(map(_group, oneof.groups)),
    )
    return _block(f"oneof {oneof.name}", groups)


def _group(group: Group) -> str:
    label = f"{group.label} " if group.label else ""
    header = f"{label}group {group.name} = {group.number}{_option_list(group.options)}"
    return _block(header, _message_groups(group.body))


def _extend(extend: Extend) -> str:
    groups = ("".join(map(field_text, extend.fields)), "".join(map(_group, extend.groups)))
    return _block(f"extend {extend.name}", groups)


def _enum(enum: Enum) -> str:
    visibility = f"{enum.visibility} " if enum.visibility else ""
    body = "".join(
        (
            *map(_reserved, enum.reserved),
            *map(_option_statement, enum.options),
            *map(_enum_value, enum.values),
        )
    )
    return _block(f"{visibility}enum {enum.name}", (body,))


def _enum_value(value: EnumValue) -> str:
    return f"{value.name} = {value.number}{_option_list(value.options)};\n"


def _service(service: Service) -> str:
    groups = ("".join(map(_option_statement, service.options)), "".join(map(_rpc, service.rpcs)))
    return _block(f"service {service.name}", groups)


def _rpc(rpc: Rpc) -> str:
    request = f"stream {rpc.request}" if rpc.request_streams else rpc.request
    response = f"stream {rpc.response}" if rpc.response_streams else rpc.response
    text = f"rpc {rpc.name} ({request}) returns ({response})"
    if rpc.options:
        text += " {\n" + "".join(_indented(_option_statement(option)) for option in rpc.options) + "}"
    return text + ";\n"
