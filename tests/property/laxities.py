"""Where the reference's rules call compatible what real payloads contradict, and how to tell such a case again.

`tests/vectors/<format>/laxities.json` lists them with a payload that shows each. A counter-example falls under a laxity
if it is none any more once what the laxity is about is taken out of it.
"""

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llm_schema_registry.compatibility import Policy, breaking_differences
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import InvalidSchemaError, Outcome, ParsedSchema, SchemaType, format_of
from llm_schema_registry.formats.containment import Answer
from llm_schema_registry.formats.json_schema.containment import containment
from llm_schema_registry.formats.json_schema.schema import JsonSchema

VECTORS = Path(__file__).parents[1] / "vectors"
BROKEN = (Outcome.REFUSED, Outcome.MISREAD)
Case = tuple[str, str, Any]
"""The texts of the writer's and the reader's schema, and the payload."""


@functools.cache
def listed(schema_type: SchemaType) -> tuple[dict[str, Any], ...]:
    """The rows of a format's file; several may show one laxity."""
    return tuple(json.loads((VECTORS / schema_type.lower() / "laxities.json").read_text(encoding="utf-8")))


def laxity(schema_type: SchemaType, writer: str, reader: str, payload: Any) -> str | None:
    """The name of the listed laxity that a counter-example falls under."""
    names = {row["name"] for row in listed(schema_type)}
    for name, neutral in _NEUTRAL[schema_type].items():
        case = neutral(writer, reader, payload)
        if name in names and case != (writer, reader, payload) and _explained(schema_type, case, payload):
            return name
    return None


def _explained(schema_type: SchemaType, case: Case, payload: Any) -> bool:
    if case[2] == payload:
        return not contradicted(schema_type, *case)
    format_ = format_of(schema_type)
    return format_.read(format_.parse(case[1]), format_.parse(case[0]), case[2]).outcome is Outcome.READ


def is_compatible(reader: ParsedSchema, writer: ParsedSchema, policy: Policy) -> bool:
    """Whether a policy calls it compatible to read with one schema what the other wrote."""
    if policy is Policy.EXACT and isinstance(reader, JsonSchema) and isinstance(writer, JsonSchema):
        if format_of(SchemaType.JSON).equivalent(reader, writer):
            return True
        return containment(reader, writer, Budget(what="The proof of containment")).answer is Answer.YES
    return not any(breaking_differences(reader, writer, policy, Budget(what="The compatibility check")))


def contradicted(
    schema_type: SchemaType, writer: str, reader: str, payload: Any, policy: Policy = Policy.STRICT
) -> bool:
    """Whether two schemas are called compatible, and the reader does not read a valid payload of the writer."""
    format_ = format_of(schema_type)
    try:
        one, other = format_.parse(writer), format_.parse(reader)
        if not is_compatible(other, one, policy):
            return False
        return format_.read(other, one, payload).outcome in BROKEN
    except (InvalidSchemaError, BudgetExceededError):
        return False


def _mapped(node: Any, change: Callable[[Any], Any]) -> Any:
    """The JSON value with `change` applied to every part of it, inner parts first."""
    if isinstance(node, dict):
        node = {key: _mapped(value, change) for key, value in node.items()}
    elif isinstance(node, list):
        node = [_mapped(value, change) for value in node]
    return change(node)


def _in_payload(change: Callable[[Any], Any]) -> Callable[[str, str, Any], Case]:
    return lambda writer, reader, payload: (writer, reader, _mapped(payload, change))


def _ascii(part: Any) -> Any:
    return part.encode("ascii", "replace").decode() if isinstance(part, str) else part


def _one_for_numbers(part: Any) -> Any:
    if isinstance(part, str):
        return "1" if part.removeprefix("-").isdigit() else part
    return 1 if type(part) is int else part


def _in_schemas(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[str, str, Any], Case]:
    def neutral(writer: str, reader: str, payload: Any) -> Case:
        sides = [
            json.dumps(_mapped(json.loads(side), lambda part: change(part) if isinstance(part, dict) else part))
            for side in (writer, reader)
        ]
        return sides[0], sides[1], payload

    return neutral


def _without(*keywords: str) -> Callable[[str, str, Any], Case]:
    return _in_schemas(lambda schema: {key: value for key, value in schema.items() if key not in keywords})


def _any_for_one(schema: dict[str, Any]) -> dict[str, Any]:
    if "oneOf" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "oneOf"}
    return {**rest, "allOf": [*rest.get("allOf", ()), {"anyOf": schema["oneOf"]}]}


def _optional_with_default(schema: dict[str, Any]) -> dict[str, Any]:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return schema
    filled = {name for name, value in properties.items() if isinstance(value, dict) and "default" in value}
    return {**schema, "required": [name for name in required if name not in filled]}


def _contains_anything(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "contains": {}} if "contains" in schema else schema


def _patterns_of_anything(schema: dict[str, Any]) -> dict[str, Any]:
    patterns = schema.get("patternProperties")
    return {**schema, "patternProperties": dict.fromkeys(patterns, True)} if isinstance(patterns, dict) else schema


_NEUTRAL: dict[SchemaType, dict[str, Callable[[str, str, Any], Case]]] = {
    SchemaType.AVRO: {"bytes that are no text": _in_payload(_ascii)},
    SchemaType.JSON: {
        "a required property with a default": _in_schemas(_optional_with_default),
        "overlapping branches of oneOf": _in_schemas(_any_for_one),
        "patternProperties": _in_schemas(_patterns_of_anything),
        "a property beside patternProperties that do not match it": _without("patternProperties"),
        "propertyNames": _without("propertyNames"),
        "if, then and else": _without("if", "then", "else"),
        "the schema of contains": _in_schemas(_contains_anything),
        "format": _without("format"),
        "unevaluatedProperties beside other branches": _without("unevaluatedProperties"),
        "unevaluatedItems beside contains": _without("unevaluatedItems"),
        "bytes of Kafka Connect": _without("connect.type"),
    },
    SchemaType.PROTOBUF: {
        "numbers that do not fit": _in_payload(_one_for_numbers),
        "enum values as booleans": _in_payload(lambda part: 1 if part in ("A", "B") else part),
        "bytes that are no text": _in_payload(lambda part: "dGV4dA==" if isinstance(part, str) else part),
        "lists read as one value": _in_payload(lambda part: part[-1:] if isinstance(part, list) else part),
        "packed numbers read as one value": _in_payload(lambda part: [] if isinstance(part, list) else part),
        "texts that become required": lambda writer, reader, payload: (
            writer,
            re.sub(r"\brequired (?=string\b|bytes\b)", "optional ", reader),
            payload,
        ),
        "constants of a closed enum": _in_payload(lambda part: 0 if part == "A" or type(part) is int else part),
    },
}
