r"""Characters, escapes and classes of a pattern.

The engine reads classes and literal characters alike, but knows other escapes, and reads sets such as `\w` by Unicode
beside lookarounds.
"""

import re

from llm_schema_registry.formats.json_schema.ecma.grammar import Grammar, PatternError
from llm_schema_registry.formats.json_schema.unicode_properties import BINARY_PROPERTIES, GENERAL_CATEGORIES, SCRIPTS

_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
_CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
# The engine knows these sets, but beside lookarounds and some escapes it reads them by Unicode.
_SETS = {
    "d": "0-9",
    "D": "\\u{0}-\\u{2F}\\u{3A}-\\u{10FFFF}",
    "s": "\\t-\\r \\u{A0}\\u{1680}\\u{2000}-\\u{200A}\\u{2028}\\u{2029}\\u{202F}\\u{205F}\\u{3000}\\u{FEFF}",
    "S": "\\u{0}-\\u{8}\\u{E}-\\u{1F}!-\\u{9F}\\u{A1}-\\u{167F}\\u{1681}-\\u{1FFF}\\u{200B}-\\u{2027}\\u{202A}"
    "-\\u{202E}\\u{2030}-\\u{205E}\\u{2060}-\\u{2FFF}\\u{3001}-\\u{FEFE}\\u{FF00}-\\u{10FFFF}",
    "w": "0-9A-Za-z_",
    "W": "\\u{0}-\\u{2F}\\u{3A}-\\u{40}\\u{5B}-\\u{5E}\\u{60}\\u{7B}-\\u{10FFFF}",
}
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
# Without their backslash these mean the same in and out of classes, for ECMA-262 and for the engine.
_PLAIN_IN_CLASS = frozenset(" !\"#$%'()*+,./:;<=>?@_`{|}")
DIGITS = frozenset("0123456789")
NEVER = "[^\\u{0}-\\u{10FFFF}]"
ANY = "[\\u{0}-\\u{10FFFF}]"
GROUP_NAME = re.compile(r"<((?:[^>\\]|\\u\{[0-9A-Fa-f]+\}|\\u[0-9A-Fa-f]{4})*)>")
_NAME_ESCAPE = re.compile(r"\\u(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{4}))")
_UNICODE_ESCAPE = re.compile(r"u\{([0-9A-Fa-f]+)\}")
_PAIR_ESCAPE = re.compile(r"u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})")
_HEX = {"u": re.compile(r"u([0-9A-Fa-f]{4})"), "x": re.compile(r"x([0-9A-Fa-f]{2})")}
_OCTAL = re.compile(r"[0-3][0-7]{0,2}|[4-7][0-7]?")
_PROPERTY = re.compile(r"[pP]\{(?:([A-Za-z_]+)=)?([A-Za-z0-9_]+)\}")


class Cursor:
    """A place in a pattern, from which characters are read and translated.

    Attributes:
        text: the pattern.
        at: the place.
        unicode: whether it is read under the flag `u`.
        unchanged: whether the engine reads everything so far as it stands.
        names: the numbers of the named groups.
    """

    def __init__(self, pattern: str, grammar: Grammar) -> None:
        self.text = pattern
        self.at = 0
        self.unicode = grammar is not Grammar.PLAIN
        self.unchanged = True
        self.names: dict[str, int] = {}
        self._tolerant = grammar is Grammar.TOLERANT

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at] if self.at < len(self.text) else ""

    def match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        """Reads what the expression matches at this place, if it does."""
        found = expression.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def literal(self, code: int) -> str:
        """A code point outside of classes, as the engine writes it."""
        if 0xD800 <= code <= 0xDFFF:
            self.unchanged = False
            return NEVER
        character = chr(code)
        if character in _SYNTAX:
            return "\\" + character
        return character if character.isprintable() else f"\\u{{{code:X}}}"

    def name(self, at: int) -> str:
        """The group name in angle brackets at a place in the pattern."""
        found = GROUP_NAME.match(self.text, at)
        name = _NAME_ESCAPE.sub(lambda code: chr(int(code[1] or code[2], 16)), found[1]) if found else ""
        if not name.replace("$", "_").replace("\u200c", "").replace("\u200d", "").isidentifier():
            raise PatternError(self.text[max(at - 2, 0) : at + 20], "a group needs a name that is an identifier")
        return name

    def escape(self, start: int, *, in_class: bool) -> int | str:
        """What an escape means after its backslash: a code point, or a set as the engine writes it."""
        character = self.peek()
        if character == "":
            raise PatternError("\\", "a backslash at the end escapes nothing")
        if character in _SETS:
            self.at += 1
            self.unchanged = False
            return _SETS[character] if in_class else f"[{_SETS[character]}]"
        if character in _CONTROLS:
            self.at += 1
            return _CONTROLS[character]
        if character in "pP" and self.unicode:
            return self._property(start)
        if character in _SYNTAX or (character == "-" and in_class):
            self.at += 1
            return ord(character)
        self.unchanged = False
        for read in (self._hexadecimal, self._control, self._octal):
            code = read(in_class=in_class)
            if code is not None:
                return code
        return self._identity(start)

    def _identity(self, start: int) -> int:
        """A character that stands for itself after a backslash."""
        character = self.peek()
        forbidden = self.unicode and not (self._tolerant and character in _PUNCTUATION)
        if forbidden or (character == "k" and self.names):
            part = self.text[start : self.at + 1]
            raise PatternError(part, "no escape of ECMA-262; a character that needs none is written without")
        if character == "c":
            # The backslash stands for itself, and what follows too.
            return ord("\\")
        self.at += 1
        return ord(character)

    def _hexadecimal(self, *, in_class: bool) -> int | None:
        r"""`\x`, `\u` and `\u{}`; two escapes of a surrogate pair are one code point."""
        character = self.peek()
        if character not in _HEX:
            return None
        pair = self.match(_PAIR_ESCAPE)
        if pair is not None:
            return 0x10000 + ((int(pair[1], 16) - 0xD800) << 10) + int(pair[2], 16) - 0xDC00
        found = self.match(_HEX[character])
        if found is None and self.unicode and character == "u":
            found = self.match(_UNICODE_ESCAPE)
        if found is not None and int(found[1], 16) <= 0x10FFFF:
            return int(found[1], 16)
        if self.unicode:
            wanted = "two hexadecimal digits" if character == "x" else "four hexadecimal digits, or a code point in {}"
            raise PatternError(f"\\{character}", f"it needs {wanted}")
        return None

    def _control(self, *, in_class: bool) -> int | None:
        r"""`\cX`, and the backspace in classes."""
        character = self.peek()
        if character == "b" and in_class:
            self.at += 1
            return 0x08
        letter = self.text[self.at + 1 : self.at + 2]
        legacy = in_class and not self.unicode and (letter in DIGITS or letter == "_")
        if character != "c" or not letter or not ((letter.isascii() and letter.isalpha()) or legacy):
            return None
        self.at += 2
        return ord(letter) % 32

    def _octal(self, *, in_class: bool) -> int | None:
        r"""`\0`, and the octal escapes of annex B."""
        first = self.peek()
        if first not in DIGITS:
            return None
        if self.unicode:
            if first != "0" or self.text[self.at + 1 : self.at + 2] in DIGITS - {""}:
                raise PatternError(f"\\{self.text[self.at : self.at + 2]}", "octal escapes are not allowed")
            self.at += 1
            return 0
        octal = self.match(_OCTAL)
        return None if octal is None else int(octal[0], 8)

    def _property(self, start: int) -> str:
        found = self.match(_PROPERTY)
        if found is None:
            raise PatternError(self.text[start : start + 2], "it needs the name of a Unicode property in braces")
        name, value = found[1], found[2]
        negated = found[0][0] == "P"
        if name in (None, "General_Category", "gc") and value in ("Surrogate", "Cs"):
            self.unchanged = False
            return _property_text("Any", negated=not negated)
        known = value in GENERAL_CATEGORIES
        if name is None:
            known = known or value in BINARY_PROPERTIES
        elif name in ("Script", "sc", "Script_Extensions", "scx"):
            known = value in SCRIPTS
        elif name not in ("General_Category", "gc"):
            known = False
        if not known:
            raise PatternError(self.text[start : self.at], "not a Unicode property of ECMA-262 that can be checked")
        return _property_text(f"{name}={value}" if name else value, negated=negated)

    def character_class(self) -> str:
        """A character class; the position is at its bracket."""
        start = self.at
        self.at += 1
        negated = self.peek() == "^"
        self.at += negated
        items: list[str] = []
        first = True
        while self.peek() != "]":
            if self.at >= len(self.text):
                raise PatternError(self.text[start : start + 20], "this class is not closed")
            items.append(self._class_item(first=first))
            first = False
        self.at += 1
        content = "".join(items)
        if content:
            return f"[{'^' if negated else ''}{content}]"
        self.unchanged = False
        return ANY if negated else NEVER

    def _class_item(self, *, first: bool) -> str:
        """One character, set or range of a class."""
        at = self.at
        low = self._class_atom()
        is_range = self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", "")
        if not is_range:
            # At an edge of the class the engine takes the hyphen for itself, too.
            if self.text[at] == "-" and not first and self.peek() != "]":
                self.unchanged = False
            return _ranged(low, low)
        self.at += 1
        high = self._class_atom()
        part = self.text[at : self.at]
        if isinstance(low, str) or isinstance(high, str):
            if self.unicode:
                raise PatternError(part, "a range needs a character at both ends; write a literal hyphen as '\\-'")
            self.unchanged = False
            return _ranged(low, low) + "\\-" + _ranged(high, high)
        if low > high:
            raise PatternError(part, "the range is out of order")
        if "-" in (self.text[at], part[-1]):
            self.unchanged = False
        return _ranged(low, high)

    def _class_atom(self) -> int | str:
        start = self.at
        character = self.peek()
        if character == "\\":
            self.at += 1
            return self.escape(start, in_class=True)
        self.at += 1
        if not (character.isalnum() or character in _PLAIN_IN_CLASS or character == "-"):
            self.unchanged = False
        return ord(character)


def _property_text(name: str, *, negated: bool) -> str:
    return f"\\{'P' if negated else 'p'}{{{name}}}"


def _ranged(low: int | str, high: int | str) -> str:
    """A range as the engine writes it, without surrogates, which no text holds; a set stays as it is."""
    if isinstance(low, str) or isinstance(high, str):
        return str(low)
    if 0xD800 <= low <= 0xDFFF:
        low = 0xE000
    if 0xD800 <= high <= 0xDFFF:
        high = 0xD7FF
    if low > high:
        return ""
    return _in_class(low) if low == high else f"{_in_class(low)}-{_in_class(high)}"


def _in_class(code: int) -> str:
    character = chr(code)
    return character if character.isascii() and (character.isalnum() or character == "_") else f"\\u{{{code:X}}}"
