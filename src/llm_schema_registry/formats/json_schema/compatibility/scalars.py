"""Comparing strings, numbers, enumerations and constants."""

from collections.abc import Callable, Sequence
from typing import Any

from llm_schema_registry.formats.json_schema.compatibility.numbers import divides
from llm_schema_registry.formats.json_schema.compatibility.refinement import (
    judged,
    keeps_exclusive_maximum,
    keeps_exclusive_minimum,
    keeps_maximum,
    keeps_minimum,
    keeps_multiple,
    keeps_pattern,
)
from llm_schema_registry.formats.json_schema.compatibility.walk import Walk
from llm_schema_registry.formats.json_schema.differences import harmless
from llm_schema_registry.formats.json_schema.model import EnumNode, Number, NumberNode, StringNode

Limit = tuple[str, str, str, Callable[[Any, Number], bool]]
"""An attribute, its keyword, the prefix of its differences, and whether all data of a writer keeps to a new limit."""

_STRING_LIMITS: tuple[Limit, ...] = (
    ("max_length", "maxLength", "MAX_LENGTH", lambda _, limit: False),
    ("min_length", "minLength", "MIN_LENGTH", lambda _, limit: limit <= 0),
)
_NUMBER_LIMITS: tuple[Limit, ...] = (
    ("maximum", "maximum", "MAXIMUM", keeps_maximum),
    ("minimum", "minimum", "MINIMUM", keeps_minimum),
    ("exclusive_maximum", "exclusiveMaximum", "EXCLUSIVE_MAXIMUM", keeps_exclusive_maximum),
    ("exclusive_minimum", "exclusiveMinimum", "EXCLUSIVE_MINIMUM", keeps_exclusive_minimum),
)


def compare_limits(walk: Walk, writer: Any, reader: Any, path: str, limits: Sequence[Limit]) -> None:
    """Notes the changes of limits."""
    for attribute, keyword, name, keeps in limits:
        before: Number | None = getattr(writer, attribute)
        after: Number | None = getattr(reader, attribute)
        if before == after:
            continue
        if before is None or after is None:
            change = "ADDED" if before is None else "REMOVED"
        else:
            change = "INCREASED" if before < after else "DECREASED"
        key = f"{name}_{change}"
        if after is not None and keeps(writer, after) and walk.breaks(key):
            key = harmless(key)
        walk.add(key, f"{path}/{keyword}", before, after)


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
        key = f"PATTERN_{change}"
        if walk.breaks(key):
            key = judged(key, keeps_pattern(after))
        walk.add(key, f"{path}/pattern", before, after)


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
        key = _multiple_of_change(before, after)
        if after is not None and walk.breaks(key):
            key = judged(key, keeps_multiple(writer, after))
        walk.add(key, f"{path}/multipleOf", before, after)


def _multiple_of_change(before: Number | None, after: Number | None) -> str:
    if before is None:
        return "MULTIPLE_OF_ADDED"
    if after is None:
        return "MULTIPLE_OF_REMOVED"
    if divides(before, after):
        return "MULTIPLE_OF_EXPANDED"
    return "MULTIPLE_OF_REDUCED" if divides(after, before) else "MULTIPLE_OF_CHANGED"


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
