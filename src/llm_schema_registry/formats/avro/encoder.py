"""Writing JSON values as Avro binary, compiled to closures once per schema.

An encoder takes a value that the checks of `validation` accept. Defaults of absent fields follow the rules of schema
texts instead: their bytes are always characters, and the first branch they fit counts.
"""

import struct
from collections.abc import Callable
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.avro import findings as say
from llm_schema_registry.formats.avro.defaults import fits
from llm_schema_registry.formats.avro.logical import Decimal, decimal_of, is_uuid, is_uuid_text
from llm_schema_registry.formats.avro.model import ABSENT, Array, AvroType, EnumType, Field, Fixed, Map, Record, Union
from llm_schema_registry.formats.avro.validation import NON_FINITE, Checks, GivenUpError, Report, UnionCheck

_MAX_SIZE = 64 * 1024 * 1024
_DEFAULT_STEPS = 100_000

Encoder = Callable[[Any, bytearray], None]


def write_long(number: int, out: bytearray) -> None:
    """Appends a zigzag variable-length integer."""
    number = (number << 1) ^ (number >> 63)
    while number > 0x7F:
        out.append((number & 0x7F) | 0x80)
        number >>= 7
    out.append(number)


class Encoders:
    """The compiled encoders of one schema.

    Args:
        of_defaults: whether they write defaults from schema texts, not payloads.
    """

    def __init__(self, *, of_defaults: bool = False) -> None:
        self._of_defaults = of_defaults
        self._records: dict[int, Encoder] = {}
        self._checks = Checks()
        self._defaults = self if of_defaults else Encoders(of_defaults=True)

    def of(self, node: AvroType) -> Encoder:
        """The encoder of a type."""
        if isinstance(node, Record):
            return self._of_record(node)
        if isinstance(node, Union):
            return self._of_union(node)
        if isinstance(node, Array):
            return _array(self.of(node.items))
        if isinstance(node, Map):
            return _map(self.of(node.values))
        if isinstance(node, EnumType):
            indexes = {symbol: index for index, symbol in enumerate(node.symbols)}
            return lambda value, out: write_long(indexes[value], out)
        size = node.size if isinstance(node, Fixed) else None
        decimal = None if self._of_defaults else decimal_of(node)
        if decimal is not None:
            return _decimal(decimal, size)
        if size is not None:
            return _fixed_uuid if is_uuid(node) and not self._of_defaults else _fixed
        return _PRIMITIVES[node.kind]

    def _of_record(self, node: Record) -> Encoder:
        key = id(node)
        if key not in self._records:
            # Inside itself the record is not compiled yet: it is looked up when a value is written.
            self._records[key] = lambda value, out: self._records[key](value, out)
            self._records[key] = self._record(node)
        return self._records[key]

    def _record(self, node: Record) -> Encoder:
        members = [(member.name, self.of(member.type), member) for member in node.fields]
        defaults: dict[str, bytes] = {}

        def write(value: Any, out: bytearray) -> None:
            for name, write_member, member in members:
                item = value.get(name, ABSENT)
                if item is not ABSENT:
                    write_member(item, out)
                    continue
                if name not in defaults:
                    defaults[name] = self._encoded_default(member)
                out.extend(defaults[name])
                # Defaults that hold defaults can grow far beyond the size of the schema.
                if len(out) > _MAX_SIZE:
                    raise GivenUpError(say.too_complex(""))

        return write

    def _encoded_default(self, member: Field) -> bytes:
        # Stored schemas were not always checked.
        if not fits(member.type, member.default, Budget(_DEFAULT_STEPS, "Writing a default").spend):
            raise GivenUpError(say.wrong_default("", member))
        out = bytearray()
        self._defaults.of(member.type)(member.default, out)
        return bytes(out)

    def _of_union(self, node: Union) -> Encoder:
        writers = [self.of(branch) for branch in node.branches]
        check = UnionCheck(self._checks, node)

        def write(value: Any, out: bytearray) -> None:
            chosen = check.branch(value, None, Report())
            if chosen is None:
                raise ValueError("the value fits no branch of a union: it was not checked")
            index, inner = chosen
            write_long(index, out)
            writers[index](inner, out)

        def write_default(value: Any, out: bytearray) -> None:
            index = next(i for i, branch in enumerate(node.branches) if fits(branch, value, lambda: None))
            write_long(index, out)
            writers[index](value, out)

        return write_default if self._of_defaults else write


def _array(write_item: Encoder) -> Encoder:
    def write(value: Any, out: bytearray) -> None:
        if value:
            write_long(len(value), out)
            for item in value:
                write_item(item, out)
        out.append(0)

    return write


def _map(write_item: Encoder) -> Encoder:
    def write(value: Any, out: bytearray) -> None:
        if value:
            write_long(len(value), out)
            for key, item in value.items():
                _string(key, out)
                write_item(item, out)
        out.append(0)

    return write


def _decimal(decimal: Decimal, size: int | None) -> Encoder:
    def write(value: Any, out: bytearray) -> None:
        unscaled = decimal.unscaled(value)
        if type(unscaled) is int:
            magnitude = unscaled if unscaled >= 0 else ~unscaled
            data = unscaled.to_bytes(size or magnitude.bit_length() // 8 + 1, "big", signed=True)
        else:
            data = value.encode("latin-1")
        if size is None:
            write_long(len(data), out)
        out.extend(data)

    return write


def _fixed(value: Any, out: bytearray) -> None:
    out.extend(value.encode("latin-1"))


def _fixed_uuid(value: Any, out: bytearray) -> None:
    out.extend(bytes.fromhex(value.replace("-", "")) if is_uuid_text(value) else value.encode("latin-1"))


def _bytes(value: Any, out: bytearray) -> None:
    write_long(len(value), out)
    out.extend(value.encode("latin-1"))


def _string(value: Any, out: bytearray) -> None:
    data = value.encode()
    write_long(len(data), out)
    out.extend(data)


def _integer(value: int | float, out: bytearray) -> None:
    write_long(int(value), out)


def _floating(layout: struct.Struct) -> Encoder:
    return lambda value, out: out.extend(layout.pack(NON_FINITE.get(value, value)))


_PRIMITIVES: dict[str, Encoder] = {
    "null": lambda value, out: None,
    "boolean": lambda value, out: out.append(value),
    "int": _integer,
    "long": _integer,
    "float": _floating(struct.Struct("<f")),
    "double": _floating(struct.Struct("<d")),
    "bytes": _bytes,
    "string": _string,
}
