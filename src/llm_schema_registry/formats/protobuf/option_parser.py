"""The token cursor and the parser of options, with the text-format aggregates that are their values."""

from typing import NoReturn

from llm_schema_registry.formats.protobuf.ast import (
    Aggregate,
    ListValue,
    Literal,
    LiteralKind,
    Option,
    OptionValue,
)
from llm_schema_registry.formats.protobuf.lexer import Kind, refuse, string_value, tokens_of

# libprotoc dies on aggregates of about a hundred levels; nothing nested deeper than this ever reaches it.
MAX_NESTING = 63
_MAX_DIGITS = 20
_CLOSING = {"{": "}", "<": ">"}


class Cursor:
    """A position in the tokens of a text, with the steps every rule of the grammar is made of."""

    __slots__ = ("_at", "_depth", "_kinds", "_offsets", "_text", "_texts")

    def __init__(self, text: str) -> None:
        self._text = text
        self._kinds, self._texts, self._offsets = tokens_of(text)
        # Two more ends, so that looking ahead needs no bounds check.
        self._kinds += (Kind.END, Kind.END)
        self._texts += ("", "")
        self._offsets += (len(text), len(text))
        self._at = 0
        self._depth = 0

    def peek(self, ahead: int = 0) -> str:
        """The text of the token `ahead` (0 to 2) tokens from here."""
        return self._texts[self._at + ahead]

    def skip(self, count: int = 1) -> None:
        """Steps over `count` tokens that were looked at."""
        self._at += count

    def accept(self, word: str) -> bool:
        """Steps over the next token if it is `word`."""
        if self._texts[self._at] == word:
            self._at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        """Steps over the next token, which has to be `word`."""
        if self._texts[self._at] != word:
            self.refuse_here(f'Expected "{word}", found {self.found()}.')
        self._at += 1

    def at_end(self) -> bool:
        """Whether all tokens are used."""
        return self._kinds[self._at] == Kind.END

    def at_number(self) -> bool:
        """Whether a number or its sign is next."""
        return self._kinds[self._at] == Kind.NUMBER or self._texts[self._at] == "-"

    def at_string(self) -> bool:
        """Whether a string is next."""
        return self._kinds[self._at] == Kind.STRING

    def offset(self) -> int:
        """Where the next token starts in the text."""
        return self._offsets[self._at]

    def found(self) -> str:
        """The next token as an error names it."""
        if self.at_end():
            return "the end of the file"
        text = self._texts[self._at]
        return f'"{text}"' if len(text) <= 40 else f'"{text[:40]}…"'

    def refuse_here(self, message: str) -> NoReturn:
        """Raises `InvalidSchemaError` at the next token."""
        refuse(self._text, self._offsets[self._at], message)

    def name(self) -> str:
        """A name, also a dotted one; white space around the dots is legal and dropped."""
        if self._kinds[self._at] != Kind.NAME:
            if self._texts[self._at] == "." and self._kinds[self._at + 1] == Kind.NAME:
                self._at += 1
                return "." + self.name()
            self.refuse_here(f"Expected a name, found {self.found()}.")
        name = self._texts[self._at]
        self._at += 1
        while True:
            following = self._texts[self._at]
            if following == "." and self._kinds[self._at + 1] == Kind.NAME:
                self._at += 1
                name += "." + self._texts[self._at]
            elif following[:1] == "." and self._kinds[self._at] == Kind.NAME:
                name += following
            else:
                return name
            self._at += 1

    def string(self) -> str:
        """The value of one string or of several that stand side by side."""
        if self._kinds[self._at] != Kind.STRING:
            self.refuse_here(f"Expected a string, found {self.found()}.")
        parts = []
        while self._kinds[self._at] == Kind.STRING:
            parts.append(string_value(self._texts[self._at]))
            self._at += 1
        return "".join(parts)

    def integer(self) -> int:
        """An integer, decimal, hexadecimal or octal."""
        negative = self.accept("-")
        digits = self._texts[self._at]
        if self._kinds[self._at] != Kind.NUMBER or len(digits) > _MAX_DIGITS:
            self.refuse_here(f"Expected an integer, found {self.found()}.")
        try:
            if digits[:2] in {"0x", "0X"}:
                value = int(digits, 16)
            else:
                value = int(digits, 8 if digits[0] == "0" and digits != "0" else 10)
        except ValueError:
            self.refuse_here(f"Expected an integer, found {self.found()}.")
        self._at += 1
        return -value if negative else value

    def open_brace(self, brace: str = "{") -> None:
        """Steps into a block."""
        self.expect(brace)
        self._depth += 1
        if self._depth > MAX_NESTING:
            self.refuse_here(f"Nested too deeply: at most {MAX_NESTING} levels of braces are accepted.")

    def close_brace(self, brace: str = "}") -> bool:
        """Steps out of a block if it ends here."""
        if self._texts[self._at] == brace:
            self._at += 1
            self._depth -= 1
            return True
        if self._kinds[self._at] == Kind.END:
            self.refuse_here(f'Expected "{brace}", found the end of the file.')
        return False


class OptionParser(Cursor):
    """Options in their two notations, as statement and in brackets."""

    __slots__ = ()

    def option_statement(self) -> Option:
        """`option name = value;`."""
        self.expect("option")
        option = self._option()
        self.expect(";")
        return option

    def option_list(self) -> tuple[Option, ...]:
        """`[name = value, …]`."""
        self.expect("[")
        options = [self._option()]
        while self.accept(","):
            options.append(self._option())
        self.expect("]")
        return tuple(options)

    def _option(self) -> Option:
        parts: list[str] = []
        while True:
            if self.accept("("):
                parts.append(f"({self.name()})")
                self.expect(")")
            else:
                parts.extend(self.name().removeprefix(".").split("."))
            following = self.peek()
            if following == "=":
                break
            if following == ".":
                self.skip()
            elif following[:1] != ".":
                self.expect("=")
        self.expect("=")
        return Option(tuple(parts), self._value())

    def _value(self) -> OptionValue:
        kind = self._kinds[self._at]
        if kind == Kind.STRING:
            return Literal(LiteralKind.STRING, self.string())
        text = self.peek()
        if kind == Kind.NUMBER:
            self.skip()
            return Literal(LiteralKind.NUMBER, text)
        if kind == Kind.NAME:
            return Literal(LiteralKind.IDENTIFIER, self.name())
        if text in {"+", "-"}:
            self.skip()
            if self._kinds[self._at] not in {Kind.NUMBER, Kind.NAME}:
                self.refuse_here(f"Expected a number, found {self.found()}.")
            sign = "-" if text == "-" else ""
            text = sign + self.peek()
            self.skip()
            return Literal(LiteralKind.NUMBER, text)
        if text in {"{", "<"}:
            return self._aggregate(text)
        if text != "[":
            self.refuse_here(f"Expected an option value, found {self.found()}.")
        return self._list()

    def _aggregate(self, brace: str) -> Aggregate:
        closing = _CLOSING[brace]
        entries: dict[str, OptionValue] = {}
        self.open_brace(brace)
        while not self.close_brace(closing):
            key = self._aggregate_key()
            if not self.accept(":") and self.peek() not in {"{", "<"}:
                self.expect(":")
            value = self._value()
            before = entries.get(key)
            entries[key] = value if before is None else ListValue(_items(before) + _items(value))
            if not self.accept(","):
                self.accept(";")
        return Aggregate(tuple(entries.items()))

    def _aggregate_key(self) -> str:
        if not self.accept("["):
            return self.name()
        key = self.name()
        while self.accept("/"):
            key += "/" + self.name()
        self.expect("]")
        return f"[{key}]"

    def _list(self) -> ListValue:
        items: list[OptionValue] = []
        self.open_brace("[")
        while not self.close_brace("]"):
            items.append(self._value())
            if not self.accept(",") and self.peek() != "]":
                self.expect("]")
        return ListValue(tuple(items))


def _items(value: OptionValue) -> tuple[OptionValue, ...]:
    return value.items if isinstance(value, ListValue) else (value,)
