"""Escapes texts for columns, so that every Python text survives a round trip on every engine.

UTF-8 has no lone surrogates, and a server database no U+0000; JSON can bring both. They are written with an escape:
U+0001 and four hexadecimal digits, and so is U+0001 itself.
"""

import re

_ESCAPE = "\x01"
_UNHOLDABLE = re.compile("[\x00\x01\ud800-\udfff]")
_ESCAPED = re.compile("\x01([0-9a-f]{4})")


def column_of(text: str) -> str:
    """What a column holds for a text; almost always the text itself."""
    if _ESCAPE not in text and is_holdable(text):
        return text
    return _UNHOLDABLE.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def text_of(column: str) -> str:
    """The text for which a column holds this."""
    if _ESCAPE not in column:
        return column
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), column)


def is_holdable(text: str) -> bool:
    """Whether every engine can hold a text as it is. Names have to be such: escapes would change their order."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
