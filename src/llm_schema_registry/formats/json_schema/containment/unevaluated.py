"""`unevaluatedProperties` where the evaluated properties are known without a payload."""

from typing import Any

from llm_schema_registry.formats.json_schema.containment.bundle import Bundle

_DYNAMIC = frozenset({"anyOf", "oneOf", "if", "dependentSchemas", "not"})


def is_static(bundle: Bundle, schema: dict[str, Any]) -> bool:
    """Whether the properties that a schema evaluates do not depend on the payload."""
    own = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
    return all(
        _DYNAMIC.isdisjoint(part) and "unevaluatedProperties" not in part and "additionalProperties" not in part
        for part in _in_place(bundle, own)
    )


def closing(bundle: Bundle, schema: dict[str, Any]) -> dict[str, Any]:
    """What `unevaluatedProperties` demands if only the parts count that always apply.

    That is what it means for a static schema, and otherwise more than it means.
    """
    names: dict[str, bool] = {}
    patterns: dict[str, bool] = {}
    for part in _in_place(bundle, {key: value for key, value in schema.items() if key != "unevaluatedProperties"}):
        names |= dict.fromkeys(part.get("properties", ()), True)
        patterns |= dict.fromkeys(part.get("patternProperties", ()), True)
        if "additionalProperties" in part:
            return {}
    return {
        "properties": names,
        "patternProperties": patterns,
        "additionalProperties": schema["unevaluatedProperties"],
    }


def _in_place(bundle: Bundle, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema, and those that always apply to the same value."""
    found: dict[int, dict[str, Any]] = {}
    pending: list[Any] = [schema]
    while pending:
        part = pending.pop()
        if not isinstance(part, dict) or id(part) in found:
            continue
        found[id(part)] = part
        pending.extend(part.get("allOf", ()))
        if "$ref" in part:
            pending.append(bundle.target(part["$ref"]))
    return list(found.values())
