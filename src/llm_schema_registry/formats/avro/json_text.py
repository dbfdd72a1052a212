"""Schema texts as JSON: read with the errors, written with the number forms, of Apache Avro for Java.

It reads with Jackson, so the canonical text, which is hashed, prints numbers the way Java does (`1e5` is
`100000.0`), and clients know Jackson's wording of syntax errors.
"""

import json
import re
import struct
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from llm_schema_registry.core.budget import MAX_DEPTH

_EXCEPTION = "com.fasterxml.jackson.core.JsonParseException: "
_END_OF_INPUT = "com.fasterxml.jackson.core.io.JsonEOFException: Unexpected end-of-input"
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SOURCE = " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]"
# What Python's reader misses at a place, and how Jackson says it.
_EXPECTED = {
    "Expecting property name enclosed in double quotes": "was expecting double-quote to start field name",
    "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
    "Expecting ',' delimiter": "was expecting comma to separate entries",
}
# The closing quote is optional, so that an unterminated string is skipped once and not retried at every quote.
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"?'
_BRACKET = re.compile(_STRING + r"|[\[{\]}]", re.DOTALL)
_COMMENT = re.compile(_STRING + r"|/\*.*?\*/|//[^\r\n]*", re.DOTALL)
_TOKEN = re.compile(r"[^\W\d][\w$]*")
_CONTROL = re.compile(r"\\(?:u[0-9a-f]{4}|.)")


class JsonTextError(Exception):
    """The text is no JSON document that a schema may be written in.

    Attributes:
        kind: `syntax`, `duplicate key`, `too deep` or `unicode`.
        message: the cause; for syntax errors in Jackson's wording.
        line: 1-based line where reading stopped, if known.
        column: 1-based column where reading stopped, if known.
    """

    def __init__(self, kind: str, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.line = line
        self.column = column


def read_json(text: str, *, unique_keys: bool) -> Any:
    """The JSON value of `text`. Comments are allowed, as in Apache Avro.

    Args:
        text: the document.
        unique_keys: refuse an object with two members of one name; otherwise the last one counts.

    Raises:
        JsonTextError: no JSON, nested deeper than `MAX_DEPTH`, or with characters that UTF-8 cannot carry.
    """
    _check_depth(text)
    decoder = _UNIQUE if unique_keys else _LAST_WINS
    try:
        try:
            value = decoder.decode(text)
        except json.JSONDecodeError:
            if "/" not in text:
                raise
            value = decoder.decode(_COMMENT.sub(_blanked, text))
    except json.JSONDecodeError as error:
        raise _syntax_error(text, error) from None
    except ValueError:
        raise JsonTextError("syntax", _EXCEPTION + "Number value length exceeds the maximum allowed") from None
    if not text.isascii() or "\\u" in text:
        _check_characters(value)
    return value


def written(value: Any) -> str:
    """The compact text of a JSON value as Jackson writes it."""
    if type(value) is str:
        return quoted(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is dict:
        return "{" + ",".join([f"{quoted(key)}:{written(item)}" for key, item in value.items()]) + "}"
    if type(value) is list:
        return "[" + ",".join([written(item) for item in value]) + "]"
    if type(value) is float:
        return java_double(value)
    return str(value)


def quoted(text: str) -> str:
    """A JSON string: only quotes, backslashes and control characters are escaped, the latter in upper case."""
    result = encode_basestring(text)
    if "\\u" in result:
        return _CONTROL.sub(lambda found: _upper(found.group()), result)
    return result


def java_double(number: float) -> str:
    """A double as Java prints it: `0.001` to below ten million in plain digits, others as `1.0E10`."""
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    return _scientific(repr(number), number)


def java_float(number: float) -> str:
    """A number as Java prints it once it is a 32-bit float: the fewest digits that name that float."""
    try:
        single: float = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        single = float("inf") if number > 0 else float("-inf")
    if single != single or single in (float("inf"), float("-inf")):
        return _scientific("", single)
    digits = next(text for text in (f"{single:.{n}g}" for n in range(1, 18)) if _same_single(float(text), single))
    if single == 0 or 1e-3 <= abs(single) < 1e7:
        return repr(float(digits))
    return _scientific(digits, single)


def _same_single(number: float, single: float) -> bool:
    try:
        return bool(struct.unpack("<f", struct.pack("<f", number))[0] == single)
    except OverflowError:
        return False


def _scientific(digits: str, number: float) -> str:
    if number != number:
        return '"NaN"'
    if number in (float("inf"), float("-inf")):
        return '"Infinity"' if number > 0 else '"-Infinity"'
    sign, figures, exponent = Decimal(digits).normalize().as_tuple()
    text = "".join(map(str, figures))
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{int(exponent) + len(text) - 1}"


def _upper(escape: str) -> str:
    return "\\u" + escape[2:].upper() if len(escape) == 6 else escape


def _blanked(found: re.Match[str]) -> str:
    part = found.group()
    return part if part[0] == '"' else re.sub(r"[^\r\n]", " ", part)


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _BRACKET.finditer(text):
        bracket = text[found.start()]
        if bracket in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonTextError("too deep", f"Schema is nested deeper than {MAX_DEPTH} levels")
        elif bracket in "]}":
            depth -= 1


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise JsonTextError("unicode", "Schema contains an unpaired surrogate, which UTF-8 cannot carry") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        name = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise JsonTextError("duplicate key", f"Duplicate key {quoted(name)} in one JSON object")
    return result


def _no_constant(token: str) -> Any:
    raise JsonTextError("syntax", f"{_EXCEPTION}Non-standard token '{token}': not allowed in JSON")


_UNIQUE = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
_LAST_WINS = json.JSONDecoder(parse_constant=_no_constant)


def _syntax_error(text: str, error: json.JSONDecodeError) -> JsonTextError:
    position = error.pos
    if error.msg == "Extra data":
        message = "dangling content after end of schema: " + text[position:].strip()
        return JsonTextError("syntax", message, error.lineno, error.colno)
    column = error.colno
    token = _TOKEN.match(text, position)
    if not text.strip():
        return JsonTextError("syntax", "Cannot parse <null> schema", 1, 1)
    if position >= len(text) or error.msg.startswith("Unterminated string"):
        message = _END_OF_INPUT
    elif token and error.msg not in _EXPECTED:
        column += len(token.group())
        message = f"{_EXCEPTION}Unrecognized token '{token.group()}': was expecting {_VALUES}"
    else:
        character = text[position]
        expected = _EXPECTED.get(error.msg, f"expected a valid value {_VALUES}")
        message = f"{_EXCEPTION}Unexpected character ('{character}' (code {ord(character)})): {expected}"
    return JsonTextError("syntax", f"{message}\n{_SOURCE.format(error.lineno, column)}", error.lineno, column)
