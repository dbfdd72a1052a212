"""JSON shapes as tables: the fields of a type with their types, and what its docstring says of each."""

import dataclasses
import enum
import inspect
import re
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from generating.markdown import code, one_line, sentence, table
from llm_schema_registry.server.operations import Items, RawBytes, RawText, Reply

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n      .*)*)", re.MULTILINE)
_RAW: dict[Any, str] = {RawText: "plain text", RawBytes: "bytes"}
# Besides the kinds of absence: a reply has the shape of another answer, under another status.
_NOT_SHOWN = (type(None), msgspec.UnsetType, Items, Reply)
_SIMPLE = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "bytes",
    Any: "any value",
    msgspec.Raw: "any value",
}


def is_shape(kind: Any) -> bool:
    """Whether a type is an object with fields of its own."""
    return inspect.isclass(kind) and (issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind))


def shapes_in(kind: Any) -> Iterator[type]:
    """The shapes that a type consists of, itself first, each field's in turn; one may come twice."""
    if is_shape(kind):
        yield kind
        for hint in get_type_hints(kind).values():
            yield from shapes_in(hint)
    else:
        for argument in get_args(kind):
            yield from shapes_in(argument)


def described(kind: Any) -> str:
    """A type in a few words; shapes as links to their section."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _RAW:
        return _RAW[kind]
    if origin in (Union, types.UnionType):
        return " or ".join(described(each) for each in arguments if each not in _NOT_SHOWN)
    if origin is Literal:
        return ", ".join(code(str(each)) for each in arguments)
    if origin is dict:
        return f"object of {described(arguments[1])}"
    if arguments:
        return f"array of {described(arguments[0])}"
    if is_shape(kind):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return ", ".join(code(str(each.value)) for each in kind)
    return _SIMPLE.get(kind, getattr(kind, "__name__", str(kind)))


def section(kind: type) -> str:
    """A shape as a section."""
    hints = get_type_hints(kind)
    said = {match[1]: one_line(match[2]) for match in _ATTRIBUTE.finditer(inspect.getdoc(kind) or "")}
    rows = [
        (code(on_the_wire), described(hints[name]), sentence(said.get(name, ""))) for name, on_the_wire in _fields(kind)
    ]
    about = one_line((inspect.getdoc(kind) or "").partition("\n\n")[0])
    return f"### {kind.__name__}\n\n{sentence(about)}\n\n{table(('field', 'type', ''), rows)}"


def _fields(kind: Any) -> list[tuple[str, str]]:
    """The fields by their name in Python and on the wire."""
    if dataclasses.is_dataclass(kind):
        return [(field.name, field.name) for field in dataclasses.fields(kind)]
    return [(field.name, field.encode_name) for field in msgspec.structs.fields(kind)]
