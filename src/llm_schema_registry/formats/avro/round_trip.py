"""Whether a reader got what was written, apart from what its own schema leaves out or fills in."""

import struct
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.avro.findings import pointer
from llm_schema_registry.formats.avro.model import Array, AvroType, EnumType, Map, Record, Union


def misread_at(node: AvroType, written: Any, found: Any, budget: Budget) -> str | None:
    """Where a reader got another value than was written, as JSON pointer; `None` if nowhere.

    Fields that only one side has are the reader's own business, as is the default of an enum for unknown symbols;
    numbers and texts may have changed their type along the promotions.

    Args:
        node: the reader's type.
        written: the value as the writer's own schema reads it, logical types aside.
        found: the value as the reader's schema reads it, logical types aside.
        budget: one step is spent per compared pair.

    Raises:
        BudgetExceededError: too many pairs.
    """
    budget.spend()
    if isinstance(node, Union):
        places = [misread_at(branch, written, found, budget) for branch in node.branches]
        # The branch that agrees furthest tells most about the place.
        return None if None in places else max((place for place in places if place is not None), key=len, default="")
    pairs = _parts(node, written, found)
    if pairs is None:
        return None if _is_leaf(node) and _same_leaf(node, written, found) else ""
    for key, inner, one, other in pairs:
        place = misread_at(inner, one, other, budget)
        if place is not None:
            return pointer([key]) + place
    return None


def _is_leaf(node: AvroType) -> bool:
    return not isinstance(node, (Record, Map, Array))


def _parts(node: AvroType, written: Any, found: Any) -> list[tuple[str, AvroType, Any, Any]] | None:
    """The parts of two values of a composed type that belong together; `None` if they are no two such values."""
    if isinstance(node, Record) and type(written) is type(found) is dict and node.by_name.keys() == found.keys():
        parts = []
        for member in node.fields:
            source = next((name for name in (member.name, *member.aliases) if name in written), None)
            if source is not None:
                parts.append((member.name, member.type, written[source], found[member.name]))
        return parts
    if isinstance(node, Map) and type(written) is type(found) is dict and written.keys() == found.keys():
        return [(key, node.values, item, found[key]) for key, item in written.items()]
    if isinstance(node, Array) and type(written) is type(found) is list and len(written) == len(found):
        return [(str(index), node.items, item, found[index]) for index, item in enumerate(written)]
    return None


def _same_leaf(node: AvroType, written: Any, found: Any) -> bool:
    if type(written) is type(found) and written == found:
        return True
    if isinstance(node, EnumType):
        return found == node.default and written not in node.symbols
    if node.kind == "string":
        return _same_bytes(found, written)
    if node.kind == "bytes":
        return _same_bytes(written, found)
    if node.kind in ("float", "double") and type(written) in (int, float) and type(found) is float:
        return found == float(written) or (node.kind == "float" and _single(found) == _single(written))
    return False


def _same_bytes(text: Any, characters: Any) -> bool:
    """Whether a string has the UTF-8 bytes that the characters of a bytes value stand for."""
    if type(text) is not str or type(characters) is not str:
        return False
    return max(characters, default="") <= "\xff" and text.encode() == characters.encode("latin-1")


def _single(number: float) -> bytes:
    return struct.pack("<f", number)
