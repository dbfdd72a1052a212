"""JSON shapes as tables: the fields of a Struct with their types, and what its docstring says of each."""

import enum
import inspect
import re
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from generating.markdown import code, one_line, sentence, table
from llm_schema_registry.server.rest.operations import RawBytes, RawText, Reply

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n      .*)*)", re.MULTILINE)
_RAW: dict[Any, str] = {RawText: "plain text", RawBytes: "bytes"}
# Besides the kinds of absence: a reply has the shape of another answer, under another status.
_NOT_SHOWN = (type(None), msgspec.UnsetType, Reply)
_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", bytes: "bytes", Any: "any value"}


def structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The Structs that a type consists of, itself first, each field's in turn; a Struct may come twice."""
    if inspect.isclass(kind) and issubclass(kind, msgspec.Struct):
        yield kind
        for hint in get_type_hints(kind).values():
            yield from structs_in(hint)
    else:
        for argument in get_args(kind):
            yield from structs_in(argument)


def described(kind: Any) -> str:
    """A type in a few words; Structs as links to their section."""
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
    if inspect.isclass(kind) and issubclass(kind, msgspec.Struct):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return ", ".join(code(str(each.value)) for each in kind)
    return _SIMPLE.get(kind, getattr(kind, "__name__", str(kind)))


def section(kind: type[msgspec.Struct]) -> str:
    """A Struct as a section."""
    hints = get_type_hints(kind)
    said = {match[1]: one_line(match[2]) for match in _ATTRIBUTE.finditer(inspect.getdoc(kind) or "")}
    rows = [
        (
            code(field.encode_name),
            described(hints[field.name]),
            sentence(said[field.name]) if field.name in said else "",
        )
        for field in msgspec.structs.fields(kind)
    ]
    about = one_line((inspect.getdoc(kind) or "").partition("\n\n")[0])
    return f"### {kind.__name__}\n\n{sentence(about)}\n\n{table(('field', 'type', ''), rows)}"
