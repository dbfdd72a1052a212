r"""Regular expressions of ECMA-262, translated for the validator library's engine with their meaning kept.

Two grammars of ECMA-262 (section 22.2.1 and annex B.1.2): the one under the flag `u`, and the plain one. Both are read
over code points. The engine differs in what `.`, `\b`, `$`, empty classes, backreferences and quantified lookaheads
mean, and in the escapes it knows; a pattern in which it reads everything alike is returned as it is. The engine runs a
linear automaton where it can, and else backtracks with a limit on its steps. An automaton has a copy of an atom for
each of its repetitions: where that is too large, repetitions are written so that the engine counts them.
"""

import re

from llm_schema_registry.formats.json_schema.ecma.escapes import ANY, DIGITS, GROUP_NAME, Cursor
from llm_schema_registry.formats.json_schema.ecma.grammar import Grammar, PatternError
from llm_schema_registry.formats.json_schema.ecma.pieces import Back, Close, Open, Piece, rendered
from llm_schema_registry.formats.json_schema.pattern_cost import COUNTED, is_too_large

MAX_GROUP_DEPTH = 100
"""Levels of nested groups; deeper patterns are refused."""

MAX_GROUPS = 1000
"""Capturing groups of a pattern with backreferences; more are refused."""

_WORD = "[0-9A-Za-z_]"
_LINE_ENDS = "\\n\\r\\u{2028}\\u{2029}"
_BOUNDARY = f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_NO_BOUNDARY = f"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))"
_QUANTIFIER = re.compile(r"(?:[*+?]|\{([0-9]+)(?:(,)([0-9]*))?\})\??")
_NUMBER = re.compile("[0-9]+")
_BACKREFERENCE = re.compile(r"\\[1-9k]")
_MODIFIERS = re.compile(r"\?([ims]*)(?:-([ims]*))?:")
_LEADING_FLAGS = re.compile(r"\(\?([ims]+)\)")
_LOOKAROUND = re.compile(r"\?<?[=!]")
_GROUPS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]?|(\((?!\?))|(\(\?<(?![=!]))", re.DOTALL)
# Most patterns: literal characters, plain classes and escapes, each with at most one quantifier.
_SAME_FOR_BOTH = re.compile(
    r"\^?(?:(?:[A-Za-z0-9_ :;,@/#%&=~<>!\"'-]|\\[dDsSwW.\\/$^|()\[\]{}*+?]|\[\^?(?:[A-Za-z]-[A-Za-z]|[0-9]-[0-9]"
    r"|[A-Za-z0-9_ :;,@/.+])+-?\])(?:[*+?]|\{[0-9]{1,3}\})?)*\$?"
)
_RANGE = re.compile(r"([A-Za-z0-9])-([A-Za-z0-9])")
# No text is as long as a number with more digits.
_MAX_DIGITS = 8


def is_same_for_both(pattern: str) -> bool:
    """Whether a pattern is simple: valid in every grammar, and the engine reads it as ECMA-262 does."""
    return _SAME_FOR_BOTH.fullmatch(pattern) is not None and all(start <= end for start, end in _RANGE.findall(pattern))


def translate(pattern: str, grammar: Grammar) -> str:
    """The pattern in the engine's syntax.

    The flags `i`, `m` and `s` may stand at the start, as `(?i)`: ECMA-262 has them only for groups, other engines that
    schemas are written for allow it.

    Raises:
        PatternError: the grammar does not allow the pattern, or the engine has nothing of the same meaning.
    """
    if is_same_for_both(pattern):
        return pattern
    text = _Reader(pattern, grammar).read()
    return _Reader(pattern, grammar, counts=True).read() if "{" in text and is_too_large(text) else text


class _Reader(Cursor):
    """Reads one pattern by recursive descent. Used once.

    Args:
        pattern: the pattern.
        grammar: the grammar.
        counts: whether the engine is to count repetitions.
    """

    def __init__(self, pattern: str, grammar: Grammar, *, counts: bool = False) -> None:
        super().__init__(pattern, grammar)
        self._depth = 0
        # Not in look-behinds, whose length the engine has to know.
        self._counts = counts
        self.unchanged = not counts
        self._multiline = self._dot_all = False
        self._group_count = 0
        self._opened = 0
        self._closed: set[int] = set()
        self._refers = _BACKREFERENCE.search(pattern) is not None
        # Groups that have matched, whatever the text, at the place read now; kept if there are backreferences.
        self._sure: frozenset[int] = frozenset()

    def read(self) -> str:
        """The whole pattern, translated."""
        self._survey()
        prefix = self._leading_flags()
        pieces, _ = self._disjunction()
        if self.at < len(self.text):
            raise PatternError(self.text[self.at], "this parenthesis closes no group")
        if self.unchanged:
            return self.text
        body = rendered(pieces)
        return f"(?{prefix}:{body})" if prefix else body

    def _survey(self) -> None:
        """Counts the capturing groups and collects their names: an escape may refer to a group that comes later."""
        for token in _GROUPS.finditer(self.text):
            self._group_count += token.lastindex is not None
            if token[2]:
                name = self.name(token.end() - 1)
                if name in self.names:
                    raise PatternError(f"(?<{name}>", "there are two groups of this name")
                self.names[name] = self._group_count
        if self._refers and self._group_count > MAX_GROUPS:
            raise PatternError("(", f"a pattern with backreferences may have {MAX_GROUPS} groups")

    def _leading_flags(self) -> str:
        flags = _LEADING_FLAGS.match(self.text)
        if flags is None:
            return ""
        self.at = flags.end()
        self.unchanged = False
        self._multiline = "m" in flags[1]
        self._dot_all = "s" in flags[1]
        return "i" if "i" in flags[1] else ""

    def _disjunction(self) -> tuple[list[Piece], bool]:
        """Alternatives up to the end of the group, and whether they match nothing but the empty string."""
        before = self._sure
        pieces, empty = self._alternative()
        sure = self._sure
        while self.peek() == "|":
            self.at += 1
            self._sure = before
            more, more_empty = self._alternative()
            pieces += ["|", *more]
            empty = empty and more_empty
            sure &= self._sure
        self._sure = sure
        return pieces, empty

    def _alternative(self) -> tuple[list[Piece], bool]:
        pieces: list[Piece] = []
        empty = True
        while self.peek() not in ("", "|", ")"):
            term, term_empty = self._term()
            pieces += term
            empty = empty and term_empty
        return pieces, empty

    def _term(self) -> tuple[list[Piece], bool]:
        start, before = self.at, self._sure
        pieces, empty, quantifiable = self._atom()
        quantifier = self._quantifier(start, quantifiable=quantifiable)
        if quantifier is None:
            return pieces, empty
        required, text = quantifier
        if not required:
            self._sure = before
        if not empty:
            return _counted(pieces, text) if self._counts else [*pieces, text], False
        # ECMA-262 ends a repetition that consumes nothing; the engine refuses to repeat some of these at all.
        self.unchanged = False
        if required:
            return pieces, True
        self._closed -= {piece.group for piece in pieces if isinstance(piece, Close)}
        return [], True

    def _quantifier(self, start: int, *, quantifiable: bool) -> tuple[bool, str] | None:
        """Whether the atom has to match at least once, and the quantifier; `None` if there is none."""
        at = self.at
        found = self.match(_QUANTIFIER)
        if found is None:
            return None
        if not quantifiable:
            raise PatternError(self.text[start : self.at], "an assertion cannot be repeated")
        if found[1] and found[3] and _value(found[1]) > _value(found[3]):
            raise PatternError(found[0], "the numbers are out of order")
        if self.match(_QUANTIFIER):
            raise PatternError(self.text[at : self.at], "there is nothing to repeat before the second quantifier")
        least = any(_value(found[1])) if found[1] else found[0][0] == "+"
        return least, found[0]

    def _atom(self) -> tuple[list[Piece], bool, bool]:
        """One atom or assertion: pieces, whether it matches only the empty string, whether it may be quantified."""
        character = self.peek()
        if character == "(":
            return self._group()
        if character == "\\":
            return self._escaped()
        if character == "[":
            return [self.character_class()], False, True
        quantifier = self.match(_QUANTIFIER)
        if quantifier is not None:
            raise PatternError(quantifier[0], "there is nothing to repeat")
        self.at += 1
        if character in "^$":
            if not self._multiline:
                return [character], True, False
            side = "<=" if character == "^" else "="
            return [f"(?:{character}|(?{side}[{_LINE_ENDS}]))"], True, False
        if character == ".":
            self.unchanged = False
            return [ANY if self._dot_all else f"[^{_LINE_ENDS}]"], False, True
        if character in "{}]":
            if self.unicode:
                raise PatternError(character, f"it needs a backslash: '\\{character}'")
            self.unchanged = False
        return [self.literal(ord(character))], False, True

    def _group(self) -> tuple[list[Piece], bool, bool]:
        start, before = self.at, self._sure
        self.at += 1
        self._depth += 1
        if self._depth > MAX_GROUP_DEPTH:
            raise PatternError("(", f"groups are nested more than {MAX_GROUP_DEPTH} deep")
        lookaround = self.match(_LOOKAROUND)
        outer = self._multiline, self._dot_all, self._counts
        if lookaround is not None and "<" in lookaround[0]:
            self._counts = False
        group = 0
        opening = f"({lookaround[0]}" if lookaround else ""
        if lookaround is None:
            group, opening = self._opening(start)
        pieces, empty = self._disjunction()
        if self.peek() != ")":
            raise PatternError(self.text[start : start + 20], "this group is not closed")
        self.at += 1
        self._depth -= 1
        self._multiline, self._dot_all, self._counts = outer
        if group:
            self._closed.add(group)
            if self._refers:
                self._sure |= {group}
            return [Open(group), *pieces, Close(group)], empty, True
        if lookaround is None:
            return [opening, *pieces, ")"], empty, True
        if "!" in opening:
            self._sure = before
        quantifiable = not self.unicode and "<" not in opening
        return [opening, *pieces, ")"], True, quantifiable

    def _opening(self, start: int) -> tuple[int, str]:
        """The number of a capturing group, or 0 and how the engine writes the start of another one."""
        if self.peek() != "?":
            self._opened += 1
            return self._opened, ""
        modifiers = self.match(_MODIFIERS)
        if modifiers is not None:
            return 0, self._modified(modifiers)
        if self.text.startswith("?<", self.at):
            self.at += 1
            self.match(GROUP_NAME)
            self._opened += 1
            self.unchanged = False
            return self._opened, ""
        raise PatternError(self.text[start : self.at + 2], "no group of ECMA-262 begins like this")

    def _modified(self, modifiers: re.Match[str]) -> str:
        on, off = modifiers[1], modifiers[2]
        if off is not None or on:
            self.unchanged = False
            flags = on + (off or "")
            if not flags or len(set(flags)) < len(flags):
                raise PatternError(f"({modifiers[0]}", "each flag may be named once, and one must be")
        off = off or ""
        self._multiline = "m" in on or (self._multiline and "m" not in off)
        self._dot_all = "s" in on or (self._dot_all and "s" not in off)
        return "(?i:" if "i" in on else "(?-i:" if "i" in off else "(?:"

    def _escaped(self) -> tuple[list[Piece], bool, bool]:
        """An escape outside of a class."""
        start = self.at
        self.at += 1
        character = self.peek()
        if character in ("b", "B"):
            self.at += 1
            self.unchanged = False
            return [_BOUNDARY if character == "b" else _NO_BOUNDARY], True, False
        if character == "k" and (self.unicode or self.names):
            self.at += 1
            name = self.name(self.at)
            self.match(GROUP_NAME)
            if name not in self.names:
                raise PatternError(self.text[start : self.at], "there is no group of this name")
            return self._backreference(self.names[name])
        if character in DIGITS and character != "0":
            number = _NUMBER.match(self.text, self.at)
            if number is not None and int(number[0][:9]) <= self._group_count:
                self.at = number.end()
                return self._backreference(int(number[0]))
            if self.unicode:
                raise PatternError(f"\\{number[0] if number else ''}", "there is no group of this number")
        value = self.escape(start, in_class=False)
        return [value if isinstance(value, str) else self.literal(value)], False, True

    def _backreference(self, group: int) -> tuple[list[Piece], bool, bool]:
        self.unchanged = False
        if group not in self._closed:
            # What has not matched yet is the empty string.
            return [], True, True
        return [Back(group, group in self._sure)], False, True


def _counted(pieces: list[Piece], quantifier: str) -> list[Piece]:
    """A repetition that the engine counts, or for numbers that no text reaches one that needs no counting."""
    found = _QUANTIFIER.fullmatch(quantifier)
    if found is None or not found[1]:
        return [*pieces, quantifier]
    least = found[1].lstrip("0") or "0"
    most = found[3] or ""
    most = most if _value(most)[0] <= _MAX_DIGITS else ""
    lazy = "?" if quantifier.endswith("?") else ""
    if found[2] and not most and least in ("0", "1"):
        return [*pieces, f"{'*' if least == '0' else '+'}{lazy}"]
    least = least if len(least) <= _MAX_DIGITS else "9" * _MAX_DIGITS
    return [COUNTED, *pieces, ")", f"{{{least}{found[2] or ''}{most}}}{lazy}"]


def _value(digits: str) -> tuple[int, str]:
    """A number of any length, as something that compares as it does; false throughout for zero."""
    significant = digits.lstrip("0")
    return len(significant), significant
