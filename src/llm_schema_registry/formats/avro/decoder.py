"""Reading Avro binary into JSON values, compiled to closures once per schema, safe against hostile bytes.

Every length and count is checked against the bytes that are left before anything is made of it; items that take
no bytes and nested records are counted. The values are those that the checks of `validation` accept: bytes and fixed
as text of the characters U+0000 to U+00FF, decimals as decimal text, branches of unions without tag.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.avro import findings as say
from llm_schema_registry.formats.avro.logical import Decimal, decimal_of, is_uuid, is_uuid_text
from llm_schema_registry.formats.avro.model import Array, AvroType, EnumType, Fixed, Map, Record, Union
from llm_schema_registry.formats.avro.validation import MAX_RECORD_DEPTH

_MAX_EMPTY_ITEMS = 100_000
_ENOUGH = 1 << 40


class MalformedError(Exception):
    """The bytes are no encoding of the schema.

    Attributes:
        code: the code of the finding.
        what: the problem, going on from "The value at …".
        keys: the keys of the place, innermost first.
    """

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.keys: list[str | int] = []

    def finding(self) -> Finding:
        """The problem with its place."""
        return say.malformed(say.pointer(reversed(self.keys)), self.code, self.what)


class Cursor:
    """Where reading stands in the bytes of one payload, and what it may still do."""

    __slots__ = ("data", "depth", "empty_items", "end", "left", "pos")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pos = 0
        self.end = len(data)
        self.depth = 0
        # Records that take bytes pay for themselves; only those of no size can multiply.
        self.left = _MAX_EMPTY_ITEMS + self.end
        self.empty_items = _MAX_EMPTY_ITEMS

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start = self.pos
        stop = start + size
        if size < 0:
            raise MalformedError("avro.INVALID_LENGTH", "has a negative length")
        if stop > self.end:
            raise _truncated()
        self.pos = stop
        return self.data[start:stop]


Decoder = Callable[[Cursor], Any]


def read_long(cursor: Cursor) -> int:
    """A zigzag variable-length integer of at most 64 bits."""
    data, pos = cursor.data, cursor.pos
    byte = data[pos]
    pos += 1
    if byte < 0x80:
        cursor.pos = pos
        return (byte >> 1) ^ -(byte & 1)
    number = byte & 0x7F
    shift = 7
    while byte >= 0x80:
        byte = data[pos]
        pos += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise MalformedError("avro.INVALID_NUMBER", "is an integer of more than ten bytes")
    if number >> 64:
        raise MalformedError("avro.INVALID_NUMBER", "is an integer of more than 64 bits")
    cursor.pos = pos
    return (number >> 1) ^ -(number & 1)


class Decoders:
    """The compiled decoders of one schema; records are compiled once."""

    def __init__(self) -> None:
        self._records: dict[int, Decoder] = {}
        self._sizes: dict[int, int] = {}

    def of(self, node: AvroType) -> Decoder:
        """The decoder of a type."""
        if isinstance(node, Record):
            return self._of_record(node)
        if isinstance(node, Union):
            return _union([self.of(branch) for branch in node.branches])
        if isinstance(node, Array):
            return _array(self.of(node.items), self._least_size(node.items))
        if isinstance(node, Map):
            return _map(self.of(node.values), self._least_size(node.values))
        if isinstance(node, EnumType):
            return _enum(node.symbols)
        decimal = decimal_of(node)
        size = node.size if isinstance(node, Fixed) else None
        if decimal is not None:
            return _decimal(decimal, size)
        if is_uuid(node):
            return _fixed_uuid if size is not None else _string_uuid
        return _PRIMITIVES[node.kind] if size is None else _fixed(size)

    def _of_record(self, node: Record) -> Decoder:
        key = id(node)
        if key in self._records:
            return self._records[key]

        def later(cursor: Cursor) -> Any:
            return self._records[key](cursor)

        # Inside itself the record is not compiled yet: it is looked up when bytes are read.
        self._records[key] = later
        read = _record([(member.name, self.of(member.type)) for member in node.fields])
        self._records[key] = read
        return read

    def _least_size(self, node: AvroType) -> int:
        """The least number of bytes a value takes; inside a recursive record a lower bound of it."""
        if isinstance(node, Fixed):
            return node.size
        if isinstance(node, Union):
            return 1 + min((self._least_size(branch) for branch in node.branches), default=0)
        if not isinstance(node, Record):
            return _LEAST_SIZES.get(node.kind, 1)
        key = id(node)
        if key not in self._sizes:
            self._sizes[key] = 0
            self._sizes[key] = min(sum(self._least_size(member.type) for member in node.fields), _ENOUGH)
        return self._sizes[key]


def decode(read: Decoder, data: bytes) -> Any:
    """The value of `data`, which must be used up.

    Raises:
        MalformedError: the bytes are no encoding of the schema.
    """
    cursor = Cursor(data)
    try:
        value = read(cursor)
    except IndexError:
        raise _truncated() from None
    except RecursionError:
        raise _too_deep() from None
    if cursor.pos != cursor.end:
        rest = cursor.end - cursor.pos
        raise MalformedError("avro.TRAILING_BYTES", f"is followed by {rest} bytes that belong to nothing")
    return value


def _truncated() -> MalformedError:
    return MalformedError("avro.TRUNCATED", "ends too early")


def _too_deep() -> MalformedError:
    return MalformedError("avro.PAYLOAD_TOO_DEEP", f"is nested deeper than {MAX_RECORD_DEPTH} records")


def _rethrow(error: MalformedError | IndexError, key: str | int) -> NoReturn:
    located = error if isinstance(error, MalformedError) else _truncated()
    located.keys.append(key)
    raise located from None


def _record(members: Iterable[tuple[str, Decoder]]) -> Decoder:
    members = tuple(members)

    def read(cursor: Cursor) -> dict[str, Any]:
        cursor.depth += 1
        cursor.left -= 1
        if cursor.depth > MAX_RECORD_DEPTH:
            raise _too_deep()
        if cursor.left < 0:
            raise MalformedError("avro.PAYLOAD_TOO_COMPLEX", "takes too much work to read")
        result = {}
        name = ""
        try:
            for name, read_member in members:
                result[name] = read_member(cursor)
        except (MalformedError, IndexError) as error:
            _rethrow(error, name)
        cursor.depth -= 1
        return result

    return read


def _union(branches: list[Decoder]) -> Decoder:
    count = len(branches)

    def read(cursor: Cursor) -> Any:
        index = read_long(cursor)
        if not 0 <= index < count:
            raise MalformedError("avro.INVALID_BRANCH", f"names branch {index} of a union of {count}")
        return branches[index](cursor)

    return read


def _block(cursor: Cursor, least_size: int) -> tuple[int, int | None]:
    """The number of items of the next block, and where it must end if it says so."""
    count = read_long(cursor)
    end = None
    if count < 0:
        count = -count
        size = read_long(cursor)
        end = cursor.pos + size
        if not cursor.pos <= end <= cursor.end:
            raise MalformedError("avro.INVALID_LENGTH", "has a block whose size is more than what is left")
    if least_size:
        if count * least_size > cursor.end - cursor.pos:
            raise MalformedError("avro.TOO_MANY_ITEMS", "counts more items than the bytes that are left can hold")
    else:
        cursor.empty_items -= count
        if cursor.empty_items < 0:
            raise MalformedError("avro.TOO_MANY_ITEMS", f"counts more than {_MAX_EMPTY_ITEMS} items of no size")
    return count, end


def _check_block_end(cursor: Cursor, end: int | None) -> None:
    if end is not None and cursor.pos != end:
        raise MalformedError("avro.INVALID_LENGTH", "has a block of another size than it says")


def _array(read_item: Decoder, least_size: int) -> Decoder:
    def read(cursor: Cursor) -> list[Any]:
        result: list[Any] = []
        while True:
            count, end = _block(cursor, least_size)
            if not count:
                _check_block_end(cursor, end)
                return result
            try:
                for _ in range(count):
                    result.append(read_item(cursor))  # noqa: PERF401 - the index of a bad item is its length
            except (MalformedError, IndexError) as error:
                _rethrow(error, len(result))
            _check_block_end(cursor, end)

    return read


def _map(read_item: Decoder, least_size: int) -> Decoder:
    def read(cursor: Cursor) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while True:
            count, end = _block(cursor, least_size + 1)
            if not count:
                _check_block_end(cursor, end)
                return result
            for _ in range(count):
                key = _string(cursor)
                try:
                    result[key] = read_item(cursor)
                except (MalformedError, IndexError) as error:
                    _rethrow(error, key)
            _check_block_end(cursor, end)

    return read


def _enum(symbols: tuple[str, ...]) -> Decoder:
    count = len(symbols)

    def read(cursor: Cursor) -> str:
        index = read_long(cursor)
        if not 0 <= index < count:
            raise MalformedError("avro.INVALID_SYMBOL", f"names symbol {index} of an enum of {count}")
        return symbols[index]

    return read


def _decimal(decimal: Decimal, size: int | None) -> Decoder:
    def read(cursor: Cursor) -> str:
        text = decimal.text(cursor.take(read_long(cursor) if size is None else size))
        if text is None:
            raise MalformedError("avro.INVALID_VALUE", f"is no decimal of at most {decimal.precision} digits")
        return text

    return read


def _fixed(size: int) -> Decoder:
    return lambda cursor: cursor.take(size).decode("latin-1")


def _fixed_uuid(cursor: Cursor) -> str:
    text = cursor.take(16).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _string_uuid(cursor: Cursor) -> str:
    text = _string(cursor)
    if not is_uuid_text(text):
        raise MalformedError("avro.INVALID_VALUE", "is not a UUID")
    return text


def _string(cursor: Cursor) -> str:
    data, pos = cursor.data, cursor.pos
    size = data[pos]
    # Most strings are shorter than 64 bytes: their length is one byte and even.
    if size < 0x80 and not size & 1:
        pos += 1
        stop = pos + (size >> 1)
        if stop > cursor.end:
            raise _truncated()
        cursor.pos = stop
        chunk = data[pos:stop]
    else:
        chunk = cursor.take(read_long(cursor))
    try:
        return str(chunk, "utf-8")
    except UnicodeDecodeError:
        raise MalformedError("avro.INVALID_UTF8", "is a string that is not UTF-8") from None


def _int(cursor: Cursor) -> int:
    number = read_long(cursor)
    if not -0x80000000 <= number <= 0x7FFFFFFF:
        raise MalformedError("avro.OUT_OF_RANGE", "is outside the range of int")
    return number


def _boolean(cursor: Cursor) -> bool:
    byte = cursor.data[cursor.pos]
    if byte > 1:
        raise MalformedError("avro.INVALID_BOOLEAN", f"is a boolean of the byte {byte}")
    cursor.pos += 1
    return byte == 1


def _floating(layout: struct.Struct) -> Decoder:
    size = layout.size

    def read(cursor: Cursor) -> float | str:
        number: float = layout.unpack(cursor.take(size))[0]
        # JSON has no word for these three.
        if number != number:
            return "NaN"
        if number in (float("inf"), float("-inf")):
            return "Infinity" if number > 0 else "-Infinity"
        return number

    return read


_PRIMITIVES: dict[str, Decoder] = {
    "null": lambda cursor: None,
    "boolean": _boolean,
    "int": _int,
    "long": read_long,
    "float": _floating(struct.Struct("<f")),
    "double": _floating(struct.Struct("<d")),
    "bytes": lambda cursor: cursor.take(read_long(cursor)).decode("latin-1"),
    "string": _string,
}
_LEAST_SIZES = {"null": 0, "float": 4, "double": 8}
