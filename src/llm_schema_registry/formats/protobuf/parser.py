"""The parser: text to elements.

It accepts what protoc accepts and a little more (it knows nothing of types and numbers); whether a schema is
valid is protoc's word. Grammar: Protocol Buffers language specifications of proto2, proto3 and the editions.
"""

from collections.abc import Callable

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
    Option,
    OptionValue,
    Range,
    Reserved,
    Rpc,
    Service,
)
from llm_schema_registry.formats.protobuf.option_parser import OptionParser

_LABELS = frozenset(("optional", "required", "repeated"))
_VISIBILITIES = frozenset(("export", "local"))


def parse_file(text: str) -> File:
    """Parses the text of a `.proto` file.

    Raises:
        InvalidSchemaError: not a `.proto` file; says line and column.
    """
    return FileParser(text).file()


class FileParser(OptionParser):
    """Recursive descent over the statements of a file."""

    __slots__ = ("_labels_wanted", "_unlabelled")

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._labels_wanted = True
        self._unlabelled: list[int] = []

    def file(self) -> File:
        """The whole file."""
        syntax = edition = None
        package = ""
        if self.accept("syntax"):
            self.expect("=")
            syntax = self.string()
            self.expect(";")
        elif self.accept("edition"):
            self.expect("=")
            edition = self.string()
            self.expect(";")
        self._labels_wanted = syntax is None and edition is None
        imports: list[Import] = []
        options: list[Option] = []
        messages: list[Message] = []
        enums: list[Enum] = []
        extends: list[Extend] = []
        services: list[Service] = []
        while not self.at_end():
            word = self.peek()
            if word == ";":
                self.skip()
            elif word == "package":
                self.skip()
                package = self.name()
                self.expect(";")
            elif word == "import":
                imports.append(self._import())
            elif word == "option":
                options.append(self.option_statement())
            elif word == "extend":
                extends.append(self._extend())
            elif word == "service":
                services.append(self._service())
            elif not self._type_declaration(messages, enums):
                self.refuse_here(f"Expected a top-level statement (e.g. message), found {self.found()}.")
        return File(
            syntax,
            edition,
            package,
            tuple(imports),
            tuple(options),
            tuple(messages),
            tuple(enums),
            tuple(extends),
            tuple(services),
            tuple(self._unlabelled),
        )

    def _import(self) -> Import:
        self.skip()
        kind = self.peek()
        if kind in {"public", "weak", "option"}:
            self.skip()
        else:
            kind = ""
        path = self.string()
        self.expect(";")
        return Import(path, kind or None)

    def _type_declaration(self, messages: list[Message], enums: list[Enum]) -> bool:
        """Parses a message or an enum if one starts here."""
        word = self.peek()
        visibility = None
        if word in _VISIBILITIES and self.peek(1) in {"message", "enum"}:
            visibility = word
            self.skip()
            word = self.peek()
        if word == "message":
            self.skip()
            messages.append(self._message(self.name(), visibility))
        elif word == "enum":
            self.skip()
            enums.append(self._enum(visibility))
        else:
            return False
        return True

    def _message(self, name: str, visibility: str | None = None) -> Message:
        fields: list[Field] = []
        oneofs: list[Oneof] = []
        groups: list[Group] = []
        messages: list[Message] = []
        enums: list[Enum] = []
        options: list[Option] = []
        reserved: list[Reserved] = []
        extensions: list[Extensions] = []
        extends: list[Extend] = []
        statements: dict[str, Callable[[], None]] = {
            ";": self.skip,
            "option": lambda: options.append(self.option_statement()),
            "reserved": lambda: reserved.append(self._reserved(MAX_FIELD_NUMBER)),
            "extensions": lambda: extensions.append(self._extensions()),
            "extend": lambda: extends.append(self._extend()),
            "oneof": lambda: oneofs.append(self._oneof()),
        }
        self.open_brace()
        while not self.close_brace():
            word = self.peek()
            statement = statements.get(word)
            if statement is not None:
                statement()
            elif word not in {"message", "enum", "export", "local"} or not self._type_declaration(messages, enums):
                self._field_or_group(fields, groups, label_wanted=self._labels_wanted)
        return Message(
            name,
            tuple(fields),
            tuple(oneofs),
            tuple(groups),
            tuple(messages),
            tuple(enums),
            tuple(options),
            tuple(reserved),
            tuple(extensions),
            tuple(extends),
            visibility,
        )

    def _field_or_group(self, fields: list[Field], groups: list[Group], *, label_wanted: bool) -> None:
        start = self.offset()
        label = self.peek()
        if label in _LABELS:
            self.skip()
        else:
            label = ""
        if self.peek() == "group" and self.peek(2) == "=":
            groups.append(self._group(label or None))
            return
        map_key = None
        if self.peek() == "map" and self.peek(1) == "<":
            self.skip(2)
            map_key = self.name()
            self.expect(",")
            kind = self.name()
            self.expect(">")
        else:
            kind = self.name()
            if label_wanted and not label:
                self._unlabelled.append(start)
        name = self.name()
        self.expect("=")
        number = self.integer()
        options: tuple[Option, ...] = ()
        default: OptionValue | None = None
        json_name = None
        if self.peek() == "[":
            options, default, json_name = _special_options(self.option_list())
        self.expect(";")
        fields.append(Field(name, number, kind, label or None, map_key, options, default, json_name))

    def _group(self, label: str | None) -> Group:
        self.skip()
        name = self.name()
        self.expect("=")
        number = self.integer()
        options = self.option_list() if self.peek() == "[" else ()
        return Group(number, self._message(name), label, options)

    def _oneof(self) -> Oneof:
        self.skip()
        name = self.name()
        fields: list[Field] = []
        groups: list[Group] = []
        options: list[Option] = []
        self.open_brace()
        while not self.close_brace():
            word = self.peek()
            if word == "option":
                options.append(self.option_statement())
            elif word == ";":
                self.skip()
            else:
                self._field_or_group(fields, groups, label_wanted=False)
        return Oneof(name, tuple(fields), tuple(groups), tuple(options))

    def _extend(self) -> Extend:
        self.skip()
        name = self.name()
        fields: list[Field] = []
        groups: list[Group] = []
        self.open_brace()
        while not self.close_brace():
            if not self.accept(";"):
                self._field_or_group(fields, groups, label_wanted=self._labels_wanted)
        return Extend(name, tuple(fields), tuple(groups))

    def _enum(self, visibility: str | None) -> Enum:
        name = self.name()
        values: list[EnumValue] = []
        options: list[Option] = []
        reserved: list[Reserved] = []
        self.open_brace()
        while not self.close_brace():
            word = self.peek()
            if word == ";":
                self.skip()
            elif self.peek(1) == "=":
                self.skip(2)
                number = self.integer()
                value_options = self.option_list() if self.peek() == "[" else ()
                self.expect(";")
                values.append(EnumValue(word, number, value_options))
            elif word == "option":
                options.append(self.option_statement())
            elif word == "reserved":
                reserved.append(self._reserved(MAX_ENUM_NUMBER))
            else:
                self.refuse_here(f"Expected an enum constant, found {self.found()}.")
        return Enum(name, tuple(values), tuple(options), tuple(reserved), visibility)

    def _ranges(self, maximum: int) -> tuple[Range, ...]:
        ranges: list[Range] = []
        while True:
            first = self.integer()
            last = None
            if self.accept("to"):
                last = maximum if self.accept("max") else self.integer()
            ranges.append(Range(first, last))
            if not self.accept(","):
                return tuple(ranges)

    def _reserved(self, maximum: int) -> Reserved:
        self.skip()
        ranges: tuple[Range, ...] = ()
        names: list[str] = []
        quoted = True
        if self.at_number():
            ranges = self._ranges(maximum)
        else:
            quoted = self.at_string()
            read = self.string if quoted else self.name
            names.append(read())
            while self.accept(","):
                names.append(read())
        self.expect(";")
        return Reserved(ranges, tuple(names), quoted)

    def _extensions(self) -> Extensions:
        self.skip()
        ranges = self._ranges(MAX_FIELD_NUMBER)
        options = self.option_list() if self.peek() == "[" else ()
        self.expect(";")
        return Extensions(ranges, options)

    def _service(self) -> Service:
        self.skip()
        name = self.name()
        rpcs: list[Rpc] = []
        options: list[Option] = []
        self.open_brace()
        while not self.close_brace():
            word = self.peek()
            if word == "option":
                options.append(self.option_statement())
            elif word == "rpc":
                rpcs.append(self._rpc())
            elif word == ";":
                self.skip()
            else:
                self.refuse_here(f"Expected an rpc, found {self.found()}.")
        return Service(name, tuple(rpcs), tuple(options))

    def _rpc(self) -> Rpc:
        self.skip()
        name = self.name()
        request_streams, request = self._rpc_type()
        self.expect("returns")
        response_streams, response = self._rpc_type()
        options: list[Option] = []
        if self.peek() == "{":
            self.open_brace()
            while not self.close_brace():
                if not self.accept(";"):
                    options.append(self.option_statement())
        else:
            self.expect(";")
        return Rpc(name, request, response, request_streams, response_streams, tuple(options))

    def _rpc_type(self) -> tuple[bool, str]:
        self.expect("(")
        streams = self.peek(1) != ")" and self.accept("stream")
        name = self.name()
        self.expect(")")
        return streams, name


def _special_options(
    options: tuple[Option, ...],
) -> tuple[tuple[Option, ...], OptionValue | None, str | None]:
    """Takes `default` and `json_name`, which look like options and are none, out of a field's option list."""
    default: OptionValue | None = None
    json_name = None
    kept = []
    for option in options:
        value = option.value
        if option.name == ("default",):
            default = value
        elif option.name == ("json_name",) and isinstance(value, Literal) and value.kind is LiteralKind.STRING:
            json_name = value.text
        else:
            kept.append(option)
    return tuple(kept), default, json_name
