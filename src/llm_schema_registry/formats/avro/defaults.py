"""Defaults of fields: whether they fit their type, and how the normal form prints them.

Avro specification, "Complex Types", Records: a default is a JSON value of the field's type; for unions it may
match any branch (Apache Avro 1.12).
"""

from collections.abc import Callable
from typing import Any

from llm_schema_registry.formats.avro.json_text import java_double, java_float, quoted, written
from llm_schema_registry.formats.avro.model import (
    ABSENT,
    Array,
    AvroType,
    EnumType,
    Fixed,
    Map,
    Record,
    Union,
)

_Check = Callable[[Any], bool]


def _is_integer(bits: int) -> _Check:
    limit = 1 << (bits - 1)
    return lambda value: type(value) is int and -limit <= value < limit


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_bytes(value: Any) -> bool:
    return type(value) is str and (value.isascii() or max(value) <= "\xff")


_PRIMITIVES: dict[str, _Check] = {
    "null": lambda value: value is None,
    "boolean": lambda value: type(value) is bool,
    "int": _is_integer(32),
    "long": _is_integer(64),
    "float": _is_number,
    "double": _is_number,
    "bytes": _is_bytes,
    "string": lambda value: type(value) is str,
}


def fits(node: AvroType, value: Any, spend: Callable[[], None]) -> bool:
    """Whether `value` is a valid default for `node`; `spend` is called once for each compared pair.

    A record's missing member counts as its own default; a record that would need itself to be complete is invalid.
    """
    return _fits(node, value, spend, set())


def _fits(node: AvroType, value: Any, spend: Callable[[], None], open_members: set[int]) -> bool:
    spend()
    if isinstance(node, Union):
        return any(_fits(branch, value, spend, open_members) for branch in node.branches)
    if isinstance(node, Array):
        return type(value) is list and all(_fits(node.items, item, spend, open_members) for item in value)
    if isinstance(node, Map):
        return type(value) is dict and all(_fits(node.values, item, spend, open_members) for item in value.values())
    if isinstance(node, Record):
        return type(value) is dict and _fits_record(node, value, spend, open_members)
    if isinstance(node, EnumType):
        return value in node.symbols
    if isinstance(node, Fixed):
        return _is_bytes(value) and len(value) == node.size
    return _PRIMITIVES[node.kind](value)


def _fits_record(node: Record, value: dict[str, Any], spend: Callable[[], None], open_members: set[int]) -> bool:
    # Values of the text are finite and may repeat a record; defaults of defaults may not.
    for member in node.fields:
        if member.name in value:
            fitting = _fits(member.type, value[member.name], spend, open_members)
        elif member.default is ABSENT or id(member) in open_members:
            fitting = False
        else:
            fitting = _fits(member.type, member.default, spend, open_members | {id(member)})
        if not fitting:
            return False
    return True


def normal_default(node: AvroType, value: Any) -> str | None:
    """The text of a default in the normal form, `None` if that form drops it.

    The Confluent registry converts a default by the first branch of a union, so one that is meant for another branch is
    lost, numbers take the form of their type (`0` for a double is `0.0`), and the keys of maps are sorted.
    """
    if isinstance(node, Union):
        return normal_default(node.branches[0], value) if node.branches else None
    if value is None or type(value) is bool:
        return written(value)
    if type(value) is str:
        return quoted(value) if node.kind in ("string", "enum", "bytes", "fixed") else None
    if type(value) is list:
        return _normal_list(node, value)
    if type(value) is dict:
        return _normal_object(node, value)
    if node.kind == "double":
        return java_double(_as_double(value))
    if node.kind == "float":
        return java_float(_as_double(value))
    return str(value) if type(value) is int and node.kind in ("int", "long") else None


def _as_double(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _normal_list(node: AvroType, value: list[Any]) -> str | None:
    if not value:
        return "[]"
    if not isinstance(node, Array):
        return None
    return "[" + ",".join([normal_default(node.items, item) or "null" for item in value]) + "]"


def _normal_object(node: AvroType, value: dict[str, Any]) -> str | None:
    parts = []
    for key in sorted(value):
        item = value[key]
        if isinstance(node, Map):
            text = normal_default(node.values, item)
        elif isinstance(node, Record) and key in node.by_name:
            text = normal_default(node.by_name[key].type, item)
        else:
            text = written(item)
        parts.append(f"{quoted(key)}:{text or 'null'}")
    return "{" + ",".join(parts) + "}"
