"""Comparing strings, numbers, enumerations and constants."""

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

from llm_schema_registry.formats.jsonschema.compatibility.walk import Walk
from llm_schema_registry.formats.jsonschema.model import EnumNode, Number, NumberNode, StringNode

_STRING_LIMITS = (("max_length", "maxLength", "MAX_LENGTH"), ("min_length", "minLength", "MIN_LENGTH"))
_NUMBER_LIMITS = (
    ("maximum", "maximum", "MAXIMUM"),
    ("minimum", "minimum", "MINIMUM"),
    ("exclusive_maximum", "exclusiveMaximum", "EXCLUSIVE_MAXIMUM"),
    ("exclusive_minimum", "exclusiveMinimum", "EXCLUSIVE_MINIMUM"),
)
# Exact for all numbers whose digits, written out, are fewer than this.
_EXACT = Context(prec=4096)


def compare_limits(walk: Walk, writer: Any, reader: Any, path: str, limits: Sequence[tuple[str, str, str]]) -> None:
    """Notes the changes of limits, given as attribute, keyword and the prefix of the difference's name."""
    for attribute, keyword, name in limits:
        before: Number | None = getattr(writer, attribute)
        after: Number | None = getattr(reader, attribute)
        if before == after:
            continue
        if before is None or after is None:
            change = "ADDED" if before is None else "REMOVED"
        else:
            change = "INCREASED" if before < after else "DECREASED"
        walk.add(f"{name}_{change}", f"{path}/{keyword}", before, after)


def note_narrowed_type(walk: Walk, writer: Any, reader: Any, path: str) -> None:
    """Notes that the reader demands the type by name while the writer's keywords let every other type pass."""
    if reader.required and not writer.required:
        walk.add("TYPE_NARROWED", path, "any type", reader.kind.value)


def compare_strings(walk: Walk, writer: StringNode, reader: StringNode, path: str) -> None:
    """Notes the changes of `maxLength`, `minLength` and `pattern`; `format` is not compared."""
    note_narrowed_type(walk, writer, reader, path)
    compare_limits(walk, writer, reader, path, _STRING_LIMITS)
    before, after = writer.pattern, reader.pattern
    if before != after:
        change = "ADDED" if before is None else "REMOVED" if after is None else "CHANGED"
        walk.add(f"PATTERN_{change}", f"{path}/pattern", before, after)


def compare_numbers(walk: Walk, writer: NumberNode, reader: NumberNode, path: str) -> None:
    """Notes the changes of limits, `multipleOf`, and between integer and number."""
    if writer.integer and not reader.integer:
        walk.add("TYPE_EXTENDED", path, "integer", "number")
    elif reader.integer and not writer.integer:
        walk.add("TYPE_NARROWED", path, "number" if writer.required else "any type", "integer")
    else:
        note_narrowed_type(walk, writer, reader, path)
    compare_limits(walk, writer, reader, path, _NUMBER_LIMITS)
    before, after = writer.multiple_of, reader.multiple_of
    if before != after:
        walk.add(_multiple_of_change(before, after), f"{path}/multipleOf", before, after)


def _multiple_of_change(before: Number | None, after: Number | None) -> str:
    if before is None:
        return "MULTIPLE_OF_ADDED"
    if after is None:
        return "MULTIPLE_OF_REMOVED"
    if _divides(before, after):
        return "MULTIPLE_OF_EXPANDED"
    return "MULTIPLE_OF_REDUCED" if _divides(after, before) else "MULTIPLE_OF_CHANGED"


def _divides(divisor: Number, number: Number) -> bool:
    """Whether `number` is a multiple of `divisor`, exactly; where that would take huge numbers, no."""
    if not divisor or not number:
        return False
    one, other = Decimal(number), Decimal(divisor)
    if abs(one.adjusted() - other.adjusted()) > _EXACT.prec:
        return False
    return _EXACT.remainder(one, other).is_zero()


def compare_enums(walk: Walk, writer: EnumNode, reader: EnumNode, path: str) -> None:
    """Notes whether the reader's enumeration has more, fewer or other values."""
    before, after = writer.values, reader.values
    if before.keys() == after.keys():
        return
    if before.keys() < after.keys():
        change, detail = "EXTENDED", [after[key] for key in after.keys() - before.keys()]
    else:
        change = "NARROWED" if after.keys() < before.keys() else "CHANGED"
        detail = [value for key, value in before.items() if key not in after]
    text = ", ".join(sorted(map(str, detail)))
    walk.add(f"ENUM_ARRAY_{change}", f"{path}/enum", [*before.values()], [*after.values()], text)


def compare_constants(walk: Walk, writer: EnumNode, reader: EnumNode, path: str) -> None:
    """Notes that the constant is another one."""
    if writer.values.keys() != reader.values.keys():
        before, after = next(iter(writer.values.values())), next(iter(reader.values.values()))
        walk.add("ENUM_ARRAY_CHANGED", f"{path}/const", before, after)
