"""Checking payloads against a JSON Schema, with findings that a newcomer understands."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.json_schema.compiled import JSON_SANDBOX
from llm_schema_registry.formats.json_schema.cost import INLINE_CHECK, UNBOUNDED, CheckCost
from llm_schema_registry.formats.json_schema.engine import Documents
from llm_schema_registry.formats.json_schema.pointers import pointer
from llm_schema_registry.formats.json_schema.schema import JsonSchema
from llm_schema_registry.formats.json_schema.subschema_cost import INLINE_COMPILING
from llm_schema_registry.formats.suggestions import begin_suggestions, similar
from llm_schema_registry.sandbox import is_sandboxed

MAX_FINDINGS = 100
"""Findings of one payload; a payload with more errors is described well enough by these."""

_TOO_DEEP = "The payload is nested too deeply"
_MAX_SHOWN = 80
_MAX_CANDIDATES = 500

# What the limit of a keyword demands, as the end of a sentence "<place> must …".
_LIMITS = {
    "minimum": "be at least {limit}",
    "maximum": "be at most {limit}",
    "exclusiveMinimum": "be greater than {limit}",
    "exclusiveMaximum": "be less than {limit}",
    "minLength": "have at least {limit} characters",
    "maxLength": "have at most {limit} characters",
    "minItems": "have at least {limit} items",
    "maxItems": "have at most {limit} items",
    "minProperties": "have at least {limit} properties",
    "maxProperties": "have at most {limit} properties",
    "multipleOf": "be a multiple of {multiple_of}",
    "pattern": "match the pattern {pattern}",
    "format": "be a valid {format}",
    "const": "be {expected_value}",
    "uniqueItems": "have no two equal items",
    "contains": "hold the items that 'contains' demands, in the number it demands",
    "not": "not match the schema under 'not'",
    "falseSchema": "be absent: the schema allows no value here",
    "additionalItems": "have at most {limit} items",
    "contentEncoding": "be encoded as {content_encoding}",
    "contentMediaType": "be of the media type {content_media_type}",
}
_JSON_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}

_decode = msgspec.json.Decoder().decode


class JsonValidator:
    """Checks payloads against one schema; fulfils `PayloadValidator`.

    Formats are asserted, `$ref`s are never fetched. A check that is not provably cheap is made in a sandbox.

    Args:
        schema: the schema.
        inline: whether an expensive check raises `BudgetExceededError` instead.

    Raises:
        InvalidSchemaError: the schema breaks its metaschema.
        BudgetExceededError: compiling the schema is expensive, and `inline` is asked for.
    """

    __slots__ = ("_cost", "_dependencies", "_documents", "_inline_bytes", "_is_inline", "_text", "_validator", "size")

    def __init__(self, schema: JsonSchema, *, inline: bool = False) -> None:
        self._documents = schema.documents()
        self._text = schema.canonical
        self._dependencies = schema.dependencies
        self._is_inline = inline
        self._cost = CheckCost()
        self._validator: Any = None
        self.size = schema.compilation.size
        if is_sandboxed():
            self._validator = schema.compiled()
            self._cost = UNBOUNDED
        elif inline or schema.compilation.nanoseconds <= INLINE_COMPILING:
            self._validator = schema.compiled()
            self._cost = schema.check_cost
        else:
            JSON_SANDBOX.compile(self._text, self._dependencies)
        self._inline_bytes = self._cost.inline_bytes

    def check_value(self, value: Any, text: bytes | None = None) -> list[Finding]:
        """See `PayloadValidator.check_value`; at most `MAX_FINDINGS` findings."""
        try:
            text = _text_of(value) if text is None else text
            if len(text) > self._inline_bytes and self._cost.checking(text) > INLINE_CHECK:
                return self._check_elsewhere(value)
            if self._validator.is_valid(value):
                return []
            if self._cost.explaining(text) > INLINE_CHECK:
                return self._check_elsewhere(value)
            errors = list(itertools.islice(self._validator.iter_errors(value), MAX_FINDINGS))
        except RecursionError:
            return [_unreadable(_TOO_DEEP)]
        except (ValueError, TypeError) as error:
            return [_unreadable(f"The payload is no JSON value that can be checked: {shortened(str(error))}")]
        begin_suggestions()
        # What is left out is not explained.
        findings = itertools.chain.from_iterable(map(self._findings, errors))
        return list(itertools.islice(findings, MAX_FINDINGS))

    def accepts(self, value: Any) -> bool:
        """Whether a payload is valid; raises as `check_value` does."""
        if self._cost.checking(_text_of(value)) > INLINE_CHECK:
            return not self._check_elsewhere(value)
        return bool(self._validator.is_valid(value))

    def check_bytes(self, data: bytes) -> list[Finding]:
        """See `PayloadValidator.check_bytes`; the encoding is JSON text in UTF-8."""
        try:
            value = _decode(data)
        except RecursionError:
            return [_unreadable(_TOO_DEEP)]
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return [_syntax(data, error)]
        return self.check_value(value, data)

    def _check_elsewhere(self, value: Any) -> list[Finding]:
        if self._is_inline:
            raise BudgetExceededError("Checking the payload")
        return JSON_SANDBOX.check(self._text, self._dependencies, value)

    def _findings(self, error: Any) -> Iterable[Finding]:
        explain = _EXPLANATIONS.get(error.kind.name, _explain_limit)
        return explain(error, self._documents)


def _text_of(value: Any) -> bytes:
    """The JSON text of a payload, or for what has none a text with as many commas and brackets."""
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError):
        return repr(value).encode(errors="replace")


def encoded(value: Any) -> bytes:
    """The JSON text of a payload, in UTF-8."""
    return msgspec.json.encode(value)


def _unreadable(message: str) -> Finding:
    return Finding(code="json.UNREADABLE", message=message)


def _syntax(data: bytes, error: Exception) -> Finding:
    """A finding with line and column, counted in bytes as the decoder does."""
    _, _, tail = str(error).rpartition("(byte ")
    offset = int(tail[:-1]) if tail[:-1].isdigit() else len(data)
    line = data.count(b"\n", 0, offset) + 1
    column = offset - (data.rfind(b"\n", 0, offset) + 1) + 1
    message = f"The payload is not valid JSON at line {line}, column {column}: {str(error).partition(' (byte')[0]}"
    return Finding(code="json.SYNTAX", message=message, line=line, column=column)


def _shown(value: Any) -> str:
    try:
        return shortened(msgspec.json.encode(value, order=None).decode(), _MAX_SHOWN)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return shortened(repr(value), _MAX_SHOWN)


def _place(path: str) -> str:
    return f"The value at {path}" if path else "The payload"


def _type_of(value: Any) -> str:
    return _JSON_TYPES.get(type(value), "number")


def _similar(name: str, candidates: Iterable[str]) -> str | None:
    pool = list(itertools.islice(candidates, _MAX_CANDIDATES))
    found = similar(name, pool)
    if found is not None:
        return found
    # The same words written another way: session_id, sessionId, session-id.
    plain = _plain(name)
    return next((candidate for candidate in pool if _plain(candidate) == plain), None)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def _properties_at(raw: Any, schema_path: list[str | int]) -> dict[str, Any]:
    """The properties declared beside the keyword at a path into the schema, as far as the path stays inside it."""
    value = raw
    for step in schema_path[:-1]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return {}
    properties = value.get("properties") if isinstance(value, dict) else None
    return properties if isinstance(properties, dict) else {}


def _explain_limit(error: Any, documents: Documents) -> Iterable[Finding]:
    path = pointer(error.instance_path)
    quoted = error.kind.name == "const"
    values = {
        key: value if isinstance(value, str) and not quoted else _shown(value)
        for key, value in error.kind.as_dict().items()
    }
    # A match that was given up after the engine's limit of steps comes without the pattern.
    if "pattern" in values:
        values["pattern"] = documents.written.get(values["pattern"], values["pattern"])
    template = None if "error" in values else _LIMITS.get(error.kind.name)
    demand = template.format(**values) if template else f"fulfil '{error.kind.name}'"
    yield Finding(
        code=f"json.{error.kind.name}",
        path=path,
        message=f"{_place(path)} must {demand}, but it is {_shown(error.instance)}",
        old=next(iter(values.values()), None),
        new=_shown(error.instance),
    )


def _explain_type(error: Any, documents: Documents) -> Iterable[Finding]:
    path = pointer(error.instance_path)
    expected, actual = " or ".join(error.kind.types), _type_of(error.instance)
    yield Finding(
        code="json.type",
        path=path,
        message=f"{_place(path)} must be {expected}, but it is {actual}: {_shown(error.instance)}",
        old=expected,
        new=f"{actual}: {_shown(error.instance)}",
    )


def _explain_enum(error: Any, documents: Documents) -> Iterable[Finding]:
    path = pointer(error.instance_path)
    options = error.kind.options
    meant = None
    if isinstance(error.instance, str):
        meant = _similar(error.instance, (option for option in options if isinstance(option, str)))
    listed = shortened(", ".join(map(_shown, options)))
    yield Finding(
        code="json.enum",
        path=path,
        message=f"{_place(path)} must be one of {listed}, but it is {_shown(error.instance)}",
        old=listed,
        new=_shown(error.instance),
        fix=f"Did you mean '{meant}'?" if meant else None,
    )


def _explain_required(error: Any, documents: Documents) -> Iterable[Finding]:
    path = pointer(error.instance_path)
    name = error.kind.property
    present = error.instance if isinstance(error.instance, dict) else {}
    declared = _properties_at(documents.root, error.schema_path)
    meant = _similar(name, (key for key in present if key not in declared))
    where = f" in the object at {path}" if path else ""
    yield Finding(
        code="json.required",
        path=path,
        message=f"The required property '{name}' is missing{where}",
        old=f"property '{name}'",
        fix=f"Rename '{meant}' to '{name}'." if meant else f"Add the property '{name}'.",
    )


def _explain_unexpected(error: Any, documents: Documents) -> Iterable[Finding]:
    declared = _properties_at(documents.root, error.schema_path)
    for name in error.kind.unexpected:
        path = pointer([*error.instance_path, name])
        meant = _similar(str(name), declared)
        yield Finding(
            code=f"json.{error.kind.name}",
            path=path,
            message=f"The value at {path} is not declared in the schema, which allows no others there",
            old=shortened(", ".join(declared)) or None,
            new=shortened(str(name), _MAX_SHOWN),
            fix=f"Did you mean '{meant}'?" if meant else "Remove it, or declare it in the schema.",
        )


def _explain_nothing_allowed(error: Any, documents: Documents) -> Iterable[Finding]:
    if error.schema_path[-1:] != ["additionalProperties"]:
        yield from _explain_limit(error, documents)
        return
    # Without declared properties the library tells the object and one value, not the names.
    path = pointer(error.instance_path)
    yield Finding(
        code="json.additionalProperties",
        path=path,
        message=f"{_place(path)} must be an empty object: the schema declares no property and allows no others",
        new=_shown(error.instance),
        fix="Remove the properties, or declare them in the schema.",
    )


def _explain_property_name(error: Any, documents: Documents) -> Iterable[Finding]:
    path = pointer(error.instance_path)
    cause = error.kind.error
    yield Finding(
        code="json.propertyNames",
        path=path,
        message=f"A property name{f' in the object at {path}' if path else ''} is not allowed: {cause.message}",
        new=_shown(cause.instance),
    )


def _explain_alternatives(error: Any, documents: Documents) -> Iterable[Finding]:
    path = pointer(error.instance_path)
    branches = error.kind.context
    keyword = error.kind.name
    failed = [branch for branch in branches if branch]
    if len(failed) < len(branches):
        fits = len(branches) - len(failed)
        yield Finding(
            code=f"json.{keyword}",
            path=path,
            message=f"{_place(path)} fits {fits} of the {len(branches)} alternatives of '{keyword}', but must fit one",
            old="exactly one alternative",
            new=f"{fits} alternatives",
        )
        return
    causes = _closest(failed, len(error.instance_path))
    told = [
        finding for cause in causes for finding in _EXPLANATIONS.get(cause.kind.name, _explain_limit)(cause, documents)
    ]
    hint = f"; the closest one fails because: {told[0].message}" if told else ""
    yield Finding(
        code=f"json.{keyword}",
        path=path,
        message=f"{_place(path)} fits none of the {len(branches)} alternatives of '{keyword}'{hint}",
        old=f"one of {len(branches)} alternatives",
        new=_shown(error.instance),
        fix=told[0].fix if told else None,
    )


def _closest(branches: list[list[Any]], depth: int) -> list[Any]:
    """The errors of the branch that comes nearest: of the value's own type first, then the fewest errors."""

    def distance(errors: list[Any]) -> tuple[bool, int]:
        wrong_type = any(error.kind.name == "type" and len(error.instance_path) == depth for error in errors)
        return (wrong_type, len(errors))

    return min(branches, key=distance, default=[])


_EXPLANATIONS: dict[str, Callable[[Any, Documents], Iterable[Finding]]] = {
    "type": _explain_type,
    "enum": _explain_enum,
    "required": _explain_required,
    "additionalProperties": _explain_unexpected,
    "unevaluatedProperties": _explain_unexpected,
    "unevaluatedItems": _explain_unexpected,
    "falseSchema": _explain_nothing_allowed,
    "propertyNames": _explain_property_name,
    "anyOf": _explain_alternatives,
    "oneOf": _explain_alternatives,
}
