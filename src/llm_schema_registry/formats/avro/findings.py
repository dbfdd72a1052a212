"""What can be wrong with a payload, as findings.

Values of the payload are not repeated in messages: they may be personal data. An enum symbol is, since it is
meant to be a word of the schema.
"""

from collections.abc import Iterable
from typing import Any

from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.avro.model import AvroType, Field
from llm_schema_registry.formats.avro.names import type_label
from llm_schema_registry.formats.suggestions import similar

# A place in a payload: the place around it and the key in there. `None` is the whole payload.
Place = tuple[Any, str | int] | None

_JSON_NAMES = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number with a fraction",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def pointer(keys: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of the keys from the root."""
    return "".join([f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys])


def pointer_of(place: Place) -> str:
    """The JSON pointer of a place."""
    keys: list[str | int] = []
    while place is not None:
        place, key = place
        keys.append(key)
    return pointer(reversed(keys))


def wrong_type(path: str, node: AvroType, value: Any) -> Finding:
    """A value of another JSON type than `node` takes."""
    expected, actual = type_label(node), _JSON_NAMES.get(type(value), type(value).__name__)
    return _finding(
        "avro.WRONG_TYPE",
        path,
        f"is {actual}, but the schema says {expected}",
        "Send a value of the type that the schema says.",
        expected,
        actual,
    )


def out_of_range(path: str, node: AvroType, _value: Any) -> Finding:
    """A number that the type cannot hold."""
    message = f"is outside the range of {node.kind}"
    return _finding("avro.OUT_OF_RANGE", path, message, "Send a smaller number, or widen the type.", node.kind)


def missing_field(path: str, node: AvroType, _value: Any) -> Finding:
    """A field without default that is not there."""
    message = "is missing and has no default"
    return _finding("avro.MISSING_FIELD", path, message, "Send the field.", type_label(node))


def unknown_field(path: str, names: Iterable[str], name: str) -> Finding:
    """A member that the record does not have."""
    message = f"is no field of the record{_did_you_mean(name, names)}"
    return _finding("avro.UNKNOWN_FIELD", path, message, "Remove it, correct its name, or add it to the schema.")


def unknown_symbol(path: str, symbols: tuple[str, ...], symbol: str) -> Finding:
    """A text that is no symbol of the enum."""
    shown = shortened(symbol, 40)
    message = f"is '{shown}', which is no symbol of the enum{_did_you_mean(symbol, symbols)}"
    fix = "Send one of the symbols: " + shortened(", ".join(symbols)) + "."
    return _finding("avro.UNKNOWN_SYMBOL", path, message, fix, shortened(", ".join(symbols)), shown)


def wrong_text(path: str, what: str, fix: str) -> Finding:
    """A text that its type or logical type does not take; `what` goes on from "The value at …"."""
    return _finding("avro.INVALID_VALUE", path, what, fix)


def wrong_default(path: str, member: Field) -> Finding:
    """A field is absent and its default, which stands in for it, is no value of its type."""
    message = f"lacks the field '{member.name}', whose default does not fit its type"
    return _finding("avro.MISSING_FIELD", path, message, "Send the field.", type_label(member.type))


def malformed(path: str, code: str, what: str) -> Finding:
    """Bytes that are no Avro binary encoding of the schema; `what` goes on from "The value at …"."""
    fix = "Encode the payload with exactly this schema, without header or framing."
    return _finding(code, path, what, fix)


def too_deep(path: str, limit: int) -> Finding:
    """A value of a recursive type that goes on for too long."""
    message = f"is nested deeper than {limit} records of a recursive type"
    return _finding("avro.PAYLOAD_TOO_DEEP", path, message, "Send a flatter value.")


def too_complex(path: str) -> Finding:
    """Checking was given up after its budget."""
    return _finding("avro.PAYLOAD_TOO_COMPLEX", path, "takes too much work to check", "Send a smaller payload.")


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    close = similar(name, names, cutoff=0.6)
    return f"; did you mean '{close}'?" if close is not None else ""


def _finding(code: str, path: str, what: str, fix: str, old: str | None = None, new: str | None = None) -> Finding:
    where = f"The value at {shortened(path)}" if path else "The payload"
    return Finding(code=code, path=path, message=f"{where} {what}", fix=fix, old=old, new=new)
