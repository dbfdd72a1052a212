"""Reading JSON text exactly and writing it in the canonical and the normal form.

Numbers keep their written value: integers as `int`, everything with a point or an exponent as `Decimal`, printed the
way the reference prints its exact decimals (`1e5` -> `1E+5`, `0.10` stays `0.10`, `1e-7` -> `1E-7`).
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from llm_schema_registry.core.budget import MAX_DEPTH
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.format import InvalidSchemaError

MAX_NUMBER_LENGTH = 4300
"""Characters of one number; the interpreter converts no longer integers."""

_TOO_DEEP = f"The JSON text is nested too deeply: at most {MAX_DEPTH} levels are read"
_WHITESPACE = " \t\r\n"
_AFTER_NUMBER = frozenset(_WHITESPACE + ",]}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LOWER_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u00(1[a-f]|0[a-f])")
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH:
        raise InvalidSchemaError(f"A number has {len(text)} characters; at most {MAX_NUMBER_LENGTH} are read")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidSchemaError("A number has an exponent that is too large to be read") from None
    # The reference's decimals have no negative zero.
    return number.copy_abs() if number.is_zero() else number


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_LENGTH:
        raise InvalidSchemaError(f"A number has {len(text)} characters; at most {MAX_NUMBER_LENGTH} are read")
    return int(text)


def _constant(text: str) -> str:
    return text


_decode = msgspec.json.Decoder(float_hook=_decimal).decode
_tolerant = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=_constant)


def read_json(text: str, *, whole: bool = False) -> Any:
    """The value of the first JSON document in `text`.

    As the reference's reader does: duplicate keys keep the first position and the last value, text after the document
    is ignored unless it must be the `whole` text, `NaN` and the infinities are accepted and become strings.

    Raises:
        InvalidSchemaError: no JSON document at the start of `text`, or not the whole; the finding has line and column.
    """
    try:
        return _decode(text)
    except RecursionError:
        raise InvalidSchemaError(_TOO_DEEP) from None
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return _read_tolerantly(text, whole=whole)


def _read_tolerantly(text: str, *, whole: bool) -> Any:
    start = len(text) - len(text.lstrip(_WHITESPACE))
    if start == len(text):
        raise InvalidSchemaError("Empty schema")
    try:
        value, end = _tolerant.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _syntax(error) from None
    except RecursionError:
        raise InvalidSchemaError(_TOO_DEEP) from None
    if isinstance(value, (int, Decimal)) and end < len(text) and text[end] not in _AFTER_NUMBER:
        raise InvalidSchemaError(f"Not valid JSON: the number ends in {text[end]!r}")
    rest = text[end:].lstrip(_WHITESPACE)
    if whole and rest:
        raise _syntax(json.JSONDecodeError("Text after the end of the schema", text, len(text) - len(rest)))
    if _SURROGATE.search(json.dumps(value, ensure_ascii=False, default=str)):
        raise InvalidSchemaError("A string holds half of a surrogate pair, which has no UTF-8 form")
    return value


def _syntax(error: json.JSONDecodeError) -> InvalidSchemaError:
    message = f"Not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    finding = Finding(code="json.SYNTAX", message=message, line=error.lineno, column=error.colno)
    return InvalidSchemaError(message, [finding])


def canonical_text(value: Any) -> str:
    """The canonical text of a value of `read_json`: compact, keys in their order, non-ASCII characters as they are."""
    try:
        encoded = _encode(value)
    except RecursionError:
        raise InvalidSchemaError(_TOO_DEEP) from None
    if b"\\u00" in encoded:
        encoded = _LOWER_ESCAPE.sub(lambda match: match[1] + b"\\u00" + match[2].upper(), encoded)
    return encoded.decode()


def _utf16(item: tuple[str, Any]) -> bytes:
    return item[0].encode("utf-16-be")


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        order = sorted(value.items()) if all(map(str.isascii, value)) else sorted(value.items(), key=_utf16)
        return {key: _sorted(child) for key, child in order}
    if isinstance(value, list):
        return [_sorted(child) for child in value]
    return value


def normalized_text(value: Any) -> str:
    """The normal form: canonical, with the keys of every object sorted by UTF-16 code unit; arrays keep their order."""
    try:
        ordered = _sorted(value)
    except RecursionError:
        raise InvalidSchemaError(_TOO_DEEP) from None
    return canonical_text(ordered)
