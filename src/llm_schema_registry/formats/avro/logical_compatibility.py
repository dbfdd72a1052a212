"""Changes of logical types: the bytes can be read, and stand for another value.

Avro resolves the types below logical types and never compares these themselves. A reader applies its own logical type
to what the writer wrote, so a timestamp in milliseconds is read as one in microseconds. A logical type that is
unknown, or invalid where it stands, is ignored, as the specification asks.
"""

from collections import deque
from typing import NamedTuple

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.avro import differences as kinds
from llm_schema_registry.formats.avro.compatibility import PROMOTIONS, matched_fields, same_name
from llm_schema_registry.formats.avro.logical import decimal_of, is_uuid
from llm_schema_registry.formats.avro.model import Array, AvroType, Fixed, Map, Named, Record, Union
from llm_schema_registry.formats.avro.names import type_label
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.format import Difference, DifferenceType


class Meaning(NamedTuple):
    """What the values of a type stand for.

    Attributes:
        kind: `date`, `timestamp`, `decimal`.
        unit: of a time; empty for what has none.
        precision: of a decimal.
        scale: of a decimal.
    """

    kind: str
    unit: str = ""
    precision: int = 0
    scale: int = 0


_UUID = Meaning("uuid")
_DURATION = Meaning("duration")
_DURATION_BYTES = 12
# By the type below and the logical type (Avro specification 1.12, "Logical Types").
_MEANINGS = {
    ("bytes", "big-decimal"): Meaning("big-decimal"),
    ("int", "date"): Meaning("date"),
    ("int", "time-millis"): Meaning("time of day", "milliseconds"),
    ("long", "time-micros"): Meaning("time of day", "microseconds"),
    ("long", "timestamp-millis"): Meaning("timestamp", "milliseconds"),
    ("long", "timestamp-micros"): Meaning("timestamp", "microseconds"),
    ("long", "timestamp-nanos"): Meaning("timestamp", "nanoseconds"),
    ("long", "local-timestamp-millis"): Meaning("local timestamp", "milliseconds"),
    ("long", "local-timestamp-micros"): Meaning("local timestamp", "microseconds"),
    ("long", "local-timestamp-nanos"): Meaning("local timestamp", "nanoseconds"),
}


def compare(reader: AvroSchema, writer: AvroSchema, budget: Budget) -> list[Difference]:
    """The places where `reader` gives the values of `writer` another meaning, the shallowest first.

    Places are JSON pointers into the reader's schema. A pair of types that occurs at several places is reported at
    the first. Places where the types below do not match are left to `compatibility`.

    Raises:
        BudgetExceededError: too many pairs of types.
    """
    texts = (reader.resolved, writer.resolved)
    if texts[0] == texts[1] or not any('"logicalType"' in text for text in texts):
        return []
    found: list[Difference] = []
    pending: deque[tuple[AvroType, AvroType, str]] = deque([(reader.root, writer.root, "")])
    seen: set[tuple[int, int]] = set()
    while pending:
        mine, theirs, path = pending.popleft()
        budget.spend()
        if (id(mine), id(theirs)) in seen:
            continue
        seen.add((id(mine), id(theirs)))
        if isinstance(theirs, Union):
            pending.extend((mine, branch, path) for branch in theirs.branches)
        elif isinstance(mine, Union):
            index = _branch_for(theirs, mine)
            if index is not None:
                pending.append((mine.branches[index], theirs, f"{path}/{index}"))
        elif isinstance(mine, Record) and isinstance(theirs, Record):
            pending.extend(_fields(mine, theirs, path))
        elif isinstance(mine, Array) and isinstance(theirs, Array):
            pending.append((mine.items, theirs.items, f"{path}/items"))
        elif isinstance(mine, Map) and isinstance(theirs, Map):
            pending.append((mine.values, theirs.values, f"{path}/values"))
        elif _readable(mine, theirs):
            kind = _difference(mine, theirs)
            if kind is not None:
                labels = _label(mine), _label(theirs)
                found.append(Difference(kind, path or "/", f"expected: {labels[1]}, found: {labels[0]}", *labels))
    return found


def meaning_of(node: AvroType) -> Meaning | None:
    """What the values of a type stand for; `None` for a type without a valid logical type."""
    logical = node.props.get("logicalType")
    if not isinstance(logical, str):
        return None
    decimal = decimal_of(node)
    if decimal is not None:
        return Meaning("decimal", precision=decimal.precision, scale=decimal.scale)
    if is_uuid(node):
        return _UUID
    if logical == "duration" and isinstance(node, Fixed) and node.size == _DURATION_BYTES:
        return _DURATION
    return _MEANINGS.get((node.kind, logical))


def _difference(reader: AvroType, writer: AvroType) -> DifferenceType | None:
    mine, theirs = meaning_of(reader), meaning_of(writer)
    # The value of a uuid in a string is its text.
    if mine == theirs or (mine is None and theirs == _UUID and reader.kind == "string"):
        return None
    if mine is None or theirs is None or mine.kind != theirs.kind:
        return kinds.LOGICAL_TYPE_CHANGED
    if mine.unit != theirs.unit:
        return kinds.LOGICAL_UNIT_CHANGED
    return kinds.DECIMAL_SCALE_CHANGED if mine.scale != theirs.scale else kinds.DECIMAL_PRECISION_CHANGED


def _fields(reader: Record, writer: Record, path: str) -> list[tuple[AvroType, AvroType, str]]:
    return [
        (member.type, sources[0].type, f"{path}/fields/{index}/type")
        for index, (member, sources, shared) in enumerate(matched_fields(reader, writer))
        if len(sources) == 1 and not shared
    ]


def _branch_for(writer: AvroType, reader: Union) -> int | None:
    """The branch of the reader's union that takes a type: the one of its name, else the first that can read it."""
    names = [branch.branch_name for branch in reader.branches]
    if writer.branch_name in names:
        return names.index(writer.branch_name)
    return next((index for index, branch in enumerate(reader.branches) if _readable(branch, writer)), None)


def _readable(reader: AvroType, writer: AvroType) -> bool:
    """Whether the reader's type, its parts aside, can take the writer's."""
    if isinstance(reader, Named) and isinstance(writer, Named):
        sizes = [node.size for node in (reader, writer) if isinstance(node, Fixed)]
        return reader.kind == writer.kind and same_name(reader, writer) and len(set(sizes)) <= 1
    return reader.kind == writer.kind or writer.kind in PROMOTIONS.get(reader.kind, ())


def _label(node: AvroType) -> str:
    """A type with its logical type: `long(timestamp-millis)`, `bytes(decimal(9, 2))`."""
    decimal = decimal_of(node)
    if decimal is not None:
        return f"{node.kind}(decimal({decimal.precision}, {decimal.scale}))"
    meaning = meaning_of(node)
    if isinstance(node, Fixed):
        return node.name if meaning is None else f"{node.name}({meaning.kind})"
    return type_label(node) if meaning is not None else node.kind
