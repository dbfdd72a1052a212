"""What the formats cost in process, without a server: `python -m benchmarks --only formats`."""

import io
import itertools
import json
import statistics
import struct
import time
from collections.abc import Callable, Iterator

import fastavro
import msgspec

from benchmarks.samples import EVENT, predecessor, schema
from llm_schema_registry.compatibility import CompatibilityLevel, check
from llm_schema_registry.formats import ParsedSchema, SchemaType, format_of

PART = "formats"
YARDSTICK = "json.loads of the text"
FROM_PARSED = "check against predecessor, both parsed"
FROM_TEXT = "check against predecessor, both from text"
_REPEATS = 15
_TEXTS = 1_000
_BLOCK_SECONDS = 0.02


class Timing(msgspec.Struct, frozen=True):
    """The median time of one operation, in microseconds."""

    format: str
    operation: str
    microseconds: float


def measure_formats() -> Iterator[Timing]:
    """Every operation of every format on a schema of 20 fields."""
    for schema_type in SchemaType:
        for operation, work in _operations(schema_type):
            yield Timing(schema_type.lower(), operation, median_microseconds(work))


def median_microseconds(work: Callable[[], object]) -> float:
    """The median over blocks of calls, each long enough for the clock."""
    work()
    calls = 1
    while (elapsed := _seconds(work, calls)) < _BLOCK_SECONDS:
        calls = max(calls * 2, int(calls * _BLOCK_SECONDS / max(elapsed, 1e-6)))
    return statistics.median(_seconds(work, calls) for _ in range(_REPEATS)) / calls * 1e6


def _seconds(work: Callable[[], object], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - began


def _operations(schema_type: SchemaType) -> Iterator[tuple[str, Callable[[], object]]]:
    format_ = format_of(schema_type)
    text = schema(schema_type, 0)
    new = format_.parse(text)
    old = format_.parse(predecessor(schema_type, 0))
    validator = format_.validator(new)
    json_text = schema(SchemaType.JSON, 0)
    encoded = _ENCODERS[schema_type](text)
    if validator.check_value(EVENT) or validator.check_bytes(encoded):
        raise ValueError(f"The event of the benchmark is not valid under its {schema_type} schema")
    # More texts than any format remembers, so that each is met as if for the first time.
    texts = itertools.cycle([schema(schema_type, variant) for variant in range(1, _TEXTS)])
    writers = (schema, predecessor)
    pairs = itertools.cycle([write(schema_type, variant) for variant in range(1, _TEXTS) for write in writers])

    def checked(new: ParsedSchema, old: ParsedSchema) -> None:
        if not check(new, [(1, old)], CompatibilityLevel.BACKWARD).compatible:
            raise ValueError(f"The {schema_type} schemas of the benchmark are not compatible")

    yield YARDSTICK, lambda: json.loads(json_text)
    yield "parse", lambda: format_.parse(next(texts))
    yield "parse, canonical text", lambda: format_.parse(next(texts)).canonical
    yield "parse, normal form", lambda: format_.parse(next(texts)).normalized()
    yield "parse, validator", lambda: format_.validator(format_.parse(next(texts)))
    yield "compare with predecessor", lambda: format_.compare(new, old)
    yield FROM_PARSED, lambda: checked(new, old)
    yield FROM_TEXT, lambda: checked(format_.parse(next(pairs)), format_.parse(next(pairs)))
    yield "validate, JSON value", lambda: validator.check_value(EVENT)
    yield "validate, encoded", lambda: validator.check_bytes(encoded)


def _avro_binary(text: str) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(text)), EVENT)
    return out.getvalue()


def _json_text(_: str) -> bytes:
    return json.dumps(EVENT).encode()


def _protobuf_wire(_: str) -> bytes:
    """The event in the wire format: fields are numbered in their order, from 1."""
    out = bytearray()
    for number, value in enumerate(EVENT.values(), start=1):
        if isinstance(value, str):
            out += _varint(number << 3 | 2) + _varint(len(value)) + value.encode()
        elif isinstance(value, float):
            out += _varint(number << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
    return bytes(out)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_ENCODERS = {SchemaType.AVRO: _avro_binary, SchemaType.JSON: _json_text, SchemaType.PROTOBUF: _protobuf_wire}
