"""Logical types that change what a value looks like: decimal and uuid (Avro specification, "Logical Types").

A logical type that breaks its own rules is ignored, as the specification asks. Dates and times stay numbers.
"""

import re
from dataclasses import dataclass
from decimal import Decimal as PythonDecimal

from llm_schema_registry.formats.avro.model import AvroType, Fixed

# Larger decimals stay raw bytes: converting them costs quadratic time.
_MAX_PRECISION = 1000
_DECIMAL_TEXT = re.compile(r"[+-]?\d{1,1100}(?:\.\d{0,1100})?", re.ASCII)
_UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Decimal:
    """The decimal logical type: at most `precision` digits, `scale` of them behind the point."""

    precision: int
    scale: int

    def unscaled(self, value: str | int | float) -> int | str | None:
        """The integer that is written for a decimal text or number.

        A `str` is the problem in words; `None` means that a text is no decimal at all.
        """
        if type(value) is str:
            if not _DECIMAL_TEXT.fullmatch(value):
                return None
            number = PythonDecimal(value)
        else:
            number = PythonDecimal(repr(value))
            if not number.is_finite():
                return "is not a finite number"
        sign, digits, exponent = number.as_tuple()
        figures = "".join(map(str, digits)).lstrip("0")
        if not figures:
            return 0
        shift = int(exponent) + self.scale
        if shift < 0:
            if figures[shift:].strip("0"):
                return f"has more than {self.scale} digits behind the point"
            figures, shift = figures[:shift], 0
        if len(figures) + shift > self.precision:
            return f"needs more than {self.precision} digits with {self.scale} behind the point"
        result = int(figures + "0" * shift)
        return -result if sign else result

    def text(self, data: bytes) -> str | None:
        """The decimal text of two's-complement bytes; `None` if they hold no number of this precision."""
        # A number of n digits needs at most n bytes, which bounds the conversion.
        if not 0 < len(data) <= _MAX_PRECISION:
            return None
        number = int.from_bytes(data, "big", signed=True)
        digits = str(abs(number))
        if len(digits) > self.precision:
            return None
        if self.scale:
            digits = digits.rjust(self.scale + 1, "0")
            digits = f"{digits[: -self.scale]}.{digits[-self.scale :]}"
        return "-" + digits if number < 0 else digits


def decimal_of(node: AvroType) -> Decimal | None:
    """The decimal logical type of `bytes` or a fixed type, if it carries a valid one."""
    props = node.props
    if props.get("logicalType") != "decimal" or node.kind not in ("bytes", "fixed"):
        return None
    precision, scale = props.get("precision"), props.get("scale", 0)
    if type(precision) is not int or type(scale) is not int:
        return None
    if not 0 < precision <= _MAX_PRECISION or not 0 <= scale <= precision:
        return None
    if isinstance(node, Fixed) and (node.size > _MAX_PRECISION or 10**precision > 1 << max(node.size * 8 - 1, 0)):
        return None
    return Decimal(precision, scale)


def is_uuid(node: AvroType) -> bool:
    """Whether a type is a uuid: a `string`, or a fixed type of 16 bytes."""
    if node.props.get("logicalType") != "uuid":
        return False
    return node.kind == "string" or (isinstance(node, Fixed) and node.size == 16)


def is_uuid_text(text: str) -> bool:
    """Whether a text is a UUID as RFC 9562 writes it."""
    return _UUID_TEXT.fullmatch(text) is not None
