"""The tokens of a `.proto` file (Protocol Buffers language specification, Lexical elements)."""

import enum
import re
from typing import NoReturn

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.format import InvalidSchemaError

# Possessive throughout: a hostile text costs one pass, no backtracking.
_GAP_PATTERN = r"(?:\s++|//[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/)*+"
_TOKEN = re.compile(
    _GAP_PATTERN
    + r"""(?:
      (\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    | ((?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fF]?)
    | ("[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+')
    | ([{}()\[\]<>;,=.:+\-]|/(?!\*))
    | (\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_GAP = re.compile(_GAP_PATTERN, re.ASCII)
_ESCAPE = re.compile(
    rb"\\(?:([abfnrtv\\'\"?])|[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))"
)
_SIMPLE_ESCAPES = dict(zip(b"abfnrtv\\'\"?", b"\a\b\f\n\r\t\v\\'\"?", strict=True))


class Kind(enum.IntEnum):
    """What a token is; the numbers are the groups of the token pattern."""

    NAME = 1
    NUMBER = 2
    STRING = 3
    SYMBOL = 4
    END = 5


def refuse(text: str, offset: int, message: str) -> NoReturn:
    """Raises the `InvalidSchemaError` for a problem at `offset` of `text`, with 1-based line and column."""
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    finding = Finding(code="protobuf.SYNTAX", message=message, line=line, column=column)
    raise InvalidSchemaError(f"{line}:{column}: {message}", (finding,))


def tokens_of(text: str) -> tuple[list[int], list[str], list[int]]:
    """Kinds, texts and offsets of all tokens of `text`; the last one is `Kind.END`.

    Raises:
        InvalidSchemaError: a character that has no place, or a string or comment that never ends.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            refuse(text, error.start, "This character is half of a surrogate pair; the text is not Unicode.")
    kinds: list[int] = []
    texts: list[str] = []
    offsets: list[int] = []
    match = _TOKEN.match
    position = 1 if text.startswith("\ufeff") else 0
    while True:
        found = match(text, position)
        if found is None:
            _refuse_character(text, position)
        kind = found.lastindex
        if kind is None:
            _refuse_character(text, position)
        kinds.append(kind)
        texts.append(found[kind])
        offsets.append(found.start(kind))
        if kind == Kind.END:
            return kinds, texts, offsets
        position = found.end()


def _refuse_character(text: str, position: int) -> NoReturn:
    gap = _GAP.match(text, position)
    at = gap.end() if gap else position
    if text.startswith("/*", at):
        refuse(text, at, "This block comment never ends.")
    if text[at] in "\"'":
        refuse(text, at, "This string never ends on its line.")
    refuse(text, at, f"Unexpected character {text[at]!r}.")


def string_value(quoted: str) -> str:
    """The value of a quoted string token; bytes that are not UTF-8 become surrogate escapes."""
    inner = quoted[1:-1]
    if "\\" not in inner:
        return inner
    raw = _ESCAPE.sub(_unescaped, inner.encode("utf-8", "surrogatepass"))
    return raw.decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[bytes]) -> bytes:
    simple, hexadecimal, octal, short, long = match.groups()
    if simple is not None:
        return bytes((_SIMPLE_ESCAPES[simple[0]],))
    if hexadecimal is not None:
        return bytes((int(hexadecimal, 16),))
    if octal is not None:
        return bytes((int(octal, 8) & 0xFF,))
    point = int(short or long, 16)
    return chr(point).encode("utf-8", "surrogatepass") if point <= 0x10FFFF else match[0]
