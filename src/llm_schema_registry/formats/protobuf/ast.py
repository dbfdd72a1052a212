"""The elements of a `.proto` file as it was written: order kept, types as spelled, comments dropped."""

import enum
from typing import TypeAlias

import msgspec

MAX_FIELD_NUMBER = 536_870_911
MAX_ENUM_NUMBER = 2_147_483_647


class LiteralKind(enum.Enum):
    """What a scalar option value is."""

    STRING = "string"
    NUMBER = "number"
    IDENTIFIER = "identifier"


class Literal(msgspec.Struct, frozen=True, gc=False):
    """A scalar value of an option.

    Attributes:
        kind: see `LiteralKind`.
        text: the source text; of a string its value, with bytes that are not UTF-8 as surrogate escapes.
    """

    kind: LiteralKind
    text: str


class Aggregate(msgspec.Struct, frozen=True):
    """A message value of an option, `{name: value, [extension.name]: value}`; each name once."""

    entries: "tuple[tuple[str, OptionValue], ...]"


class ListValue(msgspec.Struct, frozen=True):
    """A list value inside an aggregate."""

    items: "tuple[OptionValue, ...]"


OptionValue: TypeAlias = Literal | Aggregate | ListValue


class Option(msgspec.Struct, frozen=True):
    """One option.

    Attributes:
        name: the parts between the dots; an extension's part keeps its parentheses (`("(a.b)", "c")`).
        value: its value.
    """

    name: tuple[str, ...]
    value: OptionValue


class Range(msgspec.Struct, frozen=True, gc=False):
    """Numbers from `first` to `last`, both included. A number that stands alone has `last` `None`."""

    first: int
    last: int | None = None


class Reserved(msgspec.Struct, frozen=True):
    """One `reserved` statement: ranges, quoted names, or (editions) bare identifiers."""

    ranges: tuple[Range, ...] = ()
    names: tuple[str, ...] = ()
    quoted: bool = True


class Extensions(msgspec.Struct, frozen=True):
    """One `extensions` statement."""

    ranges: tuple[Range, ...]
    options: tuple[Option, ...] = ()


class Field(msgspec.Struct, frozen=True):
    """A field, also of a oneof or an `extend` block.

    Attributes:
        name: its name.
        number: its tag.
        type: the type as spelled; of a map the type of its values.
        label: `optional`, `required`, `repeated`, or `None` where none was written.
        map_key: the key type of a map field.
        options: the options without `default` and `json_name`.
        default: the default value of proto2 and editions.
        json_name: the `json_name`.
    """

    name: str
    number: int
    type: str
    label: str | None = None
    map_key: str | None = None
    options: tuple[Option, ...] = ()
    default: OptionValue | None = None
    json_name: str | None = None


class Group(msgspec.Struct, frozen=True):
    """A proto2 group: a field and the message it holds in one statement."""

    number: int
    body: "Message"
    label: str | None = None
    options: tuple[Option, ...] = ()

    @property
    def name(self) -> str:
        """The name of the group's message; its field's name is this in lower case."""
        return self.body.name


class Oneof(msgspec.Struct, frozen=True):
    """A oneof and its members."""

    name: str
    fields: tuple[Field, ...] = ()
    groups: tuple[Group, ...] = ()
    options: tuple[Option, ...] = ()


class EnumValue(msgspec.Struct, frozen=True):
    """One constant of an enum."""

    name: str
    number: int
    options: tuple[Option, ...] = ()


class Enum(msgspec.Struct, frozen=True):
    """An enum. `visibility` is `export`, `local` (edition 2024) or `None`."""

    name: str
    values: tuple[EnumValue, ...] = ()
    options: tuple[Option, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    visibility: str | None = None


class Extend(msgspec.Struct, frozen=True):
    """An `extend` block: fields added to the message `name`."""

    name: str
    fields: tuple[Field, ...] = ()
    groups: tuple[Group, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """A message. `visibility` is `export`, `local` (edition 2024) or `None`."""

    name: str
    fields: tuple[Field, ...] = ()
    oneofs: tuple[Oneof, ...] = ()
    groups: tuple[Group, ...] = ()
    messages: "tuple[Message, ...]" = ()
    enums: tuple[Enum, ...] = ()
    options: tuple[Option, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    extensions: tuple[Extensions, ...] = ()
    extends: tuple[Extend, ...] = ()
    visibility: str | None = None


class Rpc(msgspec.Struct, frozen=True):
    """A method of a service."""

    name: str
    request: str
    response: str
    request_streams: bool = False
    response_streams: bool = False
    options: tuple[Option, ...] = ()


class Service(msgspec.Struct, frozen=True):
    """A service."""

    name: str
    rpcs: tuple[Rpc, ...] = ()
    options: tuple[Option, ...] = ()


class Import(msgspec.Struct, frozen=True, gc=False):
    """An import. `kind` is `public`, `weak`, `option` (edition 2024) or `None`."""

    path: str
    kind: str | None = None


class File(msgspec.Struct, frozen=True):
    """A whole `.proto` file.

    Attributes:
        syntax: `proto2` or `proto3` if the file says so.
        edition: `2023`, `2024`, … if the file says so.
        package: the package, empty without one.
        unlabelled: where in the source text the fields start that proto2 wants a label for and that have none.
    """

    syntax: str | None = None
    edition: str | None = None
    package: str = ""
    imports: tuple[Import, ...] = ()
    options: tuple[Option, ...] = ()
    messages: tuple[Message, ...] = ()
    enums: tuple[Enum, ...] = ()
    extends: tuple[Extend, ...] = ()
    services: tuple[Service, ...] = ()
    unlabelled: tuple[int, ...] = ()
