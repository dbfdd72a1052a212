"""Exact arithmetic over the numbers of schemas."""

from decimal import Context, Decimal

from llm_schema_registry.formats.json_schema.model import Number

# Exact for all numbers whose digits, written out, are fewer than this.
_EXACT = Context(prec=4096)


def divides(divisor: Number, number: Number) -> bool:
    """Whether `number` is a multiple of `divisor`, exactly; where that would take huge numbers, no."""
    if not divisor or not number:
        return False
    one, other = Decimal(number), Decimal(divisor)
    if abs(one.adjusted() - other.adjusted()) > _EXACT.prec:
        return False
    return _EXACT.remainder(one, other).is_zero()
