"""The scalar values of the JSON mapping: which JSON value a scalar field takes.

Source: Protocol Buffers documentation, ProtoJSON format. A check returns `None` or what is wrong as
`(code, sentence without subject)`.
"""

import base64
import binascii
import datetime
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from llm_schema_registry.formats.suggestions import similar

Problem: TypeAlias = tuple[str, str]
Check: TypeAlias = Callable[[Any], Problem | None]

TYPE_MISMATCH: Final = "protobuf.TYPE_MISMATCH"
OUT_OF_RANGE: Final = "protobuf.OUT_OF_RANGE"
INVALID_FORMAT: Final = "protobuf.INVALID_FORMAT"
UNKNOWN_ENUM_VALUE: Final = "protobuf.UNKNOWN_ENUM_VALUE"

_LARGEST_FLOAT: Final = 3.4028235677973366e38
_MAX_NUMBER_TEXT: Final = 64
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}", re.ASCII)
_TIMESTAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?(?:[zZ]|([+-])(\d{2}):(\d{2}))", re.ASCII)
_DURATION = re.compile(r"-?(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)
_MAX_DURATION_SECONDS: Final = 315_576_000_000
_FIELD_MASK = re.compile(r"(?:[A-Za-z][A-Za-z0-9.]*(?:,[A-Za-z][A-Za-z0-9.]*)*)?", re.ASCII)
_SPECIAL_NUMBERS = frozenset(("NaN", "Infinity", "-Infinity"))


def kind_of(value: Any) -> str:
    """What a JSON value is, for a sentence."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "a number"
    return "an array" if isinstance(value, list) else "an object"


def mismatch(value: Any, wanted: str) -> Problem:
    """The problem of a value of the wrong kind."""
    return TYPE_MISMATCH, f"is {kind_of(value)}, but {wanted} is needed"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean "x"?)`, or nothing if no known name is close."""
    close = similar(name, known)
    return f' (did you mean "{close}"?)' if close is not None else ""


def _integer_check(name: str, low: int, high: int) -> Check:
    def check(value: Any) -> Problem | None:
        number = value
        if isinstance(value, str):
            number = _number_of(value)
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if not isinstance(number, int) or isinstance(number, bool):
            if isinstance(value, str):
                return INVALID_FORMAT, f"is a string that is no integer, but {name} needs one"
            if isinstance(value, float):
                return TYPE_MISMATCH, f"has a fraction, but {name} holds integers only"
            return mismatch(value, f"an integer ({name})")
        if not low <= number <= high:
            return OUT_OF_RANGE, f"is outside the range of {name} ({low} to {high})"
        return None

    return check


def _number_of(text: str) -> int | float | None:
    if len(text) > _MAX_NUMBER_TEXT:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else None


def _float_check(name: str, largest: float) -> Check:
    def check(value: Any) -> Problem | None:
        number = value
        if isinstance(value, str):
            if value in _SPECIAL_NUMBERS:
                return None
            number = _number_of(value)
            if number is None:
                return INVALID_FORMAT, f"is a string that is no number, but {name} needs one"
        if isinstance(number, bool) or not isinstance(number, int | float):
            return mismatch(value, f"a number ({name})")
        if isinstance(value, float) and not math.isfinite(value):
            return INVALID_FORMAT, 'is not finite; write "NaN", "Infinity" or "-Infinity" as a string'
        return None if abs(number) <= largest else (OUT_OF_RANGE, f"is outside the range of {name}")

    return check


def _check_bool(value: Any) -> Problem | None:
    return None if isinstance(value, bool) else mismatch(value, "true or false (bool)")


def _check_string(value: Any) -> Problem | None:
    if not isinstance(value, str):
        return mismatch(value, "a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return INVALID_FORMAT, "holds half of a surrogate pair, which UTF-8 cannot encode"
    return None


def _check_bytes(value: Any) -> Problem | None:
    if not isinstance(value, str):
        return mismatch(value, "a string in base64 (bytes)")
    if _BASE64.fullmatch(value):
        try:
            bare = value.rstrip("=").replace("-", "+").replace("_", "/")
            base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        except binascii.Error:
            return INVALID_FORMAT, "is not base64"
        return None
    return INVALID_FORMAT, "is not base64"


SCALAR_CHECKS: Final[dict[int, Check]] = {
    FieldDescriptor.TYPE_BOOL: _check_bool,
    FieldDescriptor.TYPE_STRING: _check_string,
    FieldDescriptor.TYPE_BYTES: _check_bytes,
    FieldDescriptor.TYPE_FLOAT: _float_check("float", _LARGEST_FLOAT),
    FieldDescriptor.TYPE_DOUBLE: _float_check("double", math.nextafter(math.inf, 0)),
} | {
    number: _integer_check(name, low, high)
    for name, number, low, high in (
        ("int32", FieldDescriptor.TYPE_INT32, -(2**31), 2**31 - 1),
        ("sint32", FieldDescriptor.TYPE_SINT32, -(2**31), 2**31 - 1),
        ("sfixed32", FieldDescriptor.TYPE_SFIXED32, -(2**31), 2**31 - 1),
        ("uint32", FieldDescriptor.TYPE_UINT32, 0, 2**32 - 1),
        ("fixed32", FieldDescriptor.TYPE_FIXED32, 0, 2**32 - 1),
        ("int64", FieldDescriptor.TYPE_INT64, -(2**63), 2**63 - 1),
        ("sint64", FieldDescriptor.TYPE_SINT64, -(2**63), 2**63 - 1),
        ("sfixed64", FieldDescriptor.TYPE_SFIXED64, -(2**63), 2**63 - 1),
        ("uint64", FieldDescriptor.TYPE_UINT64, 0, 2**64 - 1),
        ("fixed64", FieldDescriptor.TYPE_FIXED64, 0, 2**64 - 1),
    )
}


def enum_check(enum: EnumDescriptor) -> Check:
    """The check of an enum: a name, or a number, which an open enum need not know."""
    names = frozenset(enum.values_by_name)
    numbers = frozenset(enum.values_by_number)
    closed = enum.is_closed

    def check(value: Any) -> Problem | None:
        if isinstance(value, str):
            if value in names:
                return None
            return UNKNOWN_ENUM_VALUE, f"is no constant of enum {enum.full_name}{did_you_mean(value, names)}"
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            return mismatch(value, f"a constant of enum {enum.full_name}")
        if closed and value not in numbers:
            return UNKNOWN_ENUM_VALUE, f"is no number of the closed enum {enum.full_name}"
        return None if -(2**31) <= value < 2**31 else (OUT_OF_RANGE, "is outside the range of enums (int32)")

    return check


def check_timestamp(value: Any) -> Problem | None:
    """google.protobuf.Timestamp: RFC 3339, years 1 to 9999."""
    if not isinstance(value, str):
        return mismatch(value, "a time as RFC 3339 string (google.protobuf.Timestamp)")
    match = _TIMESTAMP.fullmatch(value)
    if match is not None:
        moment, sign, hours, minutes = match.groups()
        try:
            local = datetime.datetime.fromisoformat(moment)
            if sign is not None:
                offset = datetime.timedelta(hours=int(hours), minutes=int(minutes))
                local += -offset if sign == "+" else offset
        except (ValueError, OverflowError):
            match = None
    if match is None:
        return INVALID_FORMAT, 'is no RFC 3339 time such as "2026-01-31T12:00:00Z" (google.protobuf.Timestamp)'
    return None


def check_duration(value: Any) -> Problem | None:
    """google.protobuf.Duration: seconds with at most nine digits after the point, and `s`."""
    if not isinstance(value, str):
        return mismatch(value, 'a duration such as "1.5s" (google.protobuf.Duration)')
    match = _DURATION.fullmatch(value)
    if match is None:
        return INVALID_FORMAT, 'is no duration such as "1.5s" (google.protobuf.Duration)'
    seconds = int(match[1])
    if seconds > _MAX_DURATION_SECONDS or (seconds == _MAX_DURATION_SECONDS and int(match[2] or 0)):
        return OUT_OF_RANGE, "is longer than 10,000 years (google.protobuf.Duration)"
    return None


def check_field_mask(value: Any) -> Problem | None:
    """google.protobuf.FieldMask: paths in lower camel case, separated by commas."""
    if not isinstance(value, str):
        return mismatch(value, "a string of paths (google.protobuf.FieldMask)")
    if not _FIELD_MASK.fullmatch(value):
        return INVALID_FORMAT, 'is no list of paths such as "user.displayName,photo" (google.protobuf.FieldMask)'
    return None


def key_check(field: FieldDescriptor) -> Check:
    """The check of the keys of a map, which are strings in JSON whatever their type."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return lambda key: None if key in {"true", "false"} else (INVALID_FORMAT, 'is neither "true" nor "false"')
    return SCALAR_CHECKS[field.type]
