"""The structural rules: what a premise must say so that a keyword of the conclusion follows.

Every rule is conservative: `True` is proved, `False` means unknown. A rule may rely on other claims, which must be
about the same value along the combinations of the schemas, or about values inside it. Rules are monotone: a claim that
is refuted later never made another one true.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs

from llm_schema_registry.formats.json_schema.compatibility.numbers import divides
from llm_schema_registry.formats.json_schema.containment.bundle import Schema
from llm_schema_registry.formats.json_schema.containment.claims import Claims, Flat, Premise, Rule, types_of
from llm_schema_registry.formats.json_schema.containment.unevaluated import closing
from llm_schema_registry.formats.json_schema.model import comparable

_NUMBERS = frozenset({"integer", "fraction"})
_FINITE = {"null": (None,), "boolean": (True, False)}
# With these beside it, what `unevaluatedItems` applies to depends on more than the tuple.
_EVALUATING = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "not", "contains"})
_INFINITY = math.inf


@functools.lru_cache(maxsize=4096)
def _pattern(pattern: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, offline=True)


def _matches(pattern: str, text: str) -> bool:
    return bool(_pattern(pattern).is_valid(text))


def _of_type(name: str) -> Callable[[Rule], Rule]:
    """The keyword says nothing about values of other types."""

    def decorated(rule: Rule) -> Rule:
        def applied(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
            return name not in premise.types or rule(claims, premise, value, schema)

        return applied

    return decorated


# Combinations


def _reference(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    return claims.holds(premise.flats, claims.bundle.target(value))


def _all_of(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    return all(claims.holds(premise.flats, branch) for branch in value)


def _any_of(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    return any(claims.holds(premise.flats, branch) for branch in value)


def _one_of(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    """For each branch of a `oneOf` of the premise, or without one, exactly one branch follows."""
    flat = next((each for each in premise.flats if "oneOf" in each), None)
    if flat is None:
        return _follows_alone(claims, premise.flats, value, (), 0)
    rest = (*(each for each in premise.flats if each is not flat), claims.without(flat, "oneOf"))
    branches = flat["oneOf"]
    return all(
        _follows_alone(claims, (*rest, branch), value, (*branches[:index], *branches[index + 1 :]), index)
        for index, branch in enumerate(branches)
    )


def _follows_alone(
    claims: Claims, premise: tuple[Schema, ...], branches: list[Schema], excluded: tuple[Schema, ...], likely: int
) -> bool:
    """Whether exactly one branch follows from a premise and from schemas that the value is not valid under.

    The branch at the index `likely` is tried first.
    """

    def is_excluded(branch: Schema) -> bool:
        return claims.holds((*premise, branch), False) or any(claims.holds((branch,), each) for each in excluded)

    indexes = sorted(range(len(branches)), key=lambda index: index != likely)
    return any(
        claims.holds(premise, branches[index]) and all(map(is_excluded, (*branches[:index], *branches[index + 1 :])))
        for index in indexes
    )


def _not(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    if any(claims.holds((value,), each) for each in premise.all("not")):
        return True
    return claims.holds((*premise.flats, value), False)


def _if(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    met: list[Schema] = [value]
    unmet: list[Schema] = [claims.derived(("not", id(value)), lambda: {"not": value})]
    for flat in premise.flats:
        if "if" in flat:
            if "then" in flat and claims.holds((value,), flat["if"]):
                met.append(flat["then"])
            if "else" in flat and claims.holds((flat["if"],), value):
                unmet.append(flat["else"])
    return claims.holds((*premise.flats, *met), schema.get("then", True)) and claims.holds(
        (*premise.flats, *unmet), schema.get("else", True)
    )


def _false(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    """A value that is an object lacks a required property, since none of its values would be valid."""
    if premise.types != {"object"}:
        return False
    names = {name for required in premise.all("required") for name in required}
    return any(claims.holds(_property(premise, name), False) for name in sorted(names))


# Values of any type


def _type(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    return premise.types <= types_of(value)


def _enum(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    known = premise.values
    if known is None and premise.types <= _FINITE.keys():
        known = {comparable(each): each for name in premise.types for each in _FINITE[name]}
    return known is not None and known.keys() <= {comparable(each) for each in value}


def _const(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    return _enum(claims, premise, [value], schema)


# Strings and numbers


def _same(keyword: str) -> Rule:
    """The premise has the same value of the keyword."""

    def rule(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
        return "string" not in premise.types or value in premise.all(keyword)

    return rule


def _at_least(keyword: str, least: Callable[[Premise], Any], name: str) -> Rule:
    def rule(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
        return name not in premise.types or value <= max((0, least(premise), *premise.all(keyword)))

    return rule


def _at_most(keyword: str, most: Callable[[Premise], Any], name: str) -> Rule:
    def rule(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
        return name not in premise.types or value >= min((most(premise), *premise.all(keyword)))

    return rule


def _bound(keyword: str, exclusive: str, sign: int, *, strict: bool) -> Rule:
    """A limit of numbers, on the number line as it is or mirrored."""

    def rule(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
        if premise.types.isdisjoint(_NUMBERS):
            return True
        limit = sign * value
        return any(
            sign * each > limit or (not strict and sign * each == limit) for each in premise.all(keyword)
        ) or any(sign * each >= limit for each in premise.all(exclusive))

    return rule


def _multiple_of(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    numbers = premise.types & _NUMBERS
    return (
        not numbers
        or (numbers == {"integer"} and divides(value, 1))
        or any(divides(value, each) for each in premise.all("multipleOf"))
    )


# Arrays


def _item(premise: Premise, index: int) -> list[Schema]:
    """The schemas of the item at an index."""
    found = []
    for flat in premise.flats:
        prefix = flat.get("prefixItems", ())
        if index < len(prefix):
            found.append(prefix[index])
        elif "items" in flat:
            found.append(flat["items"])
    return found


def _tuple_length(premise: Premise) -> int:
    return max((len(prefix) for prefix in premise.all("prefixItems")), default=0)


def _most_items(premise: Premise) -> float:
    limit = min((_INFINITY, *premise.all("maxItems")))
    closed = (
        index for index in range(_tuple_length(premise) + 1) if any(each is False for each in _item(premise, index))
    )
    return float(min(limit, next(closed, _INFINITY)))


def _least_items(premise: Premise) -> Any:
    return max((flat.get("minContains", 1) for flat in premise.flats if "contains" in flat), default=0)


@_of_type("array")
def _prefix_items(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    most = _most_items(premise)
    return all(claims.holds(_item(premise, index), item) for index, item in enumerate(value) if index < most)


@_of_type("array")
def _items(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    most, start, end = _most_items(premise), len(schema.get("prefixItems", ())), _tuple_length(premise)
    # Behind all tuples one item is like another.
    places = range(start, max(start, end) + 1)
    return all(claims.holds(_item(premise, index), value) for index in places if index < most)


@_of_type("array")
def _unevaluated_items(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    if "items" in schema and _EVALUATING.isdisjoint(schema):
        return True
    return _EVALUATING.isdisjoint(schema) and _items(claims, premise, value, schema)


@_of_type("array")
def _unique_items(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    return value is False or any(premise.all("uniqueItems")) or _most_items(premise) <= 1


@_of_type("array")
def _contains(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    least, most = schema.get("minContains", 1), schema.get("maxContains", _INFINITY)
    others = [flat for flat in premise.flats if "contains" in flat]
    enough = least == 0 or any(
        flat.get("minContains", 1) >= least and claims.holds((flat["contains"],), value) for flat in others
    )
    few = most >= _most_items(premise) or any(
        flat.get("maxContains", _INFINITY) <= most and claims.holds((value,), flat["contains"]) for flat in others
    )
    return enough and few


# Objects


def _property(premise: Premise, name: str) -> list[Schema]:
    """The schemas of the property of a name."""
    found: list[Schema] = []
    for flat in premise.flats:
        own = [flat["properties"][name]] if name in flat.get("properties", ()) else []
        own += [schema for pattern, schema in flat.get("patternProperties", {}).items() if _matches(pattern, name)]
        found += own or ([flat["additionalProperties"]] if "additionalProperties" in flat else [])
    return found


def _names(premise: Premise) -> dict[str, None]:
    """The names of declared properties."""
    return dict.fromkeys(name for properties in premise.all("properties") for name in properties)


def _patterns(premise: Premise) -> Iterator[tuple[str, Schema]]:
    return ((pattern, schema) for patterns in premise.all("patternProperties") for pattern, schema in patterns.items())


def _required(premise: Premise) -> set[str]:
    return {name for required in premise.all("required") for name in required}


def _most_properties(premise: Premise) -> float:
    closed = [
        len(flat.get("properties", ()))
        for flat in premise.flats
        if flat.get("additionalProperties") is False and not flat.get("patternProperties")
    ]
    return min((_INFINITY, *closed))


def _least_properties(premise: Premise) -> int:
    return len(_required(premise))


@_of_type("object")
def _required_names(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    return _required(premise).issuperset(value)


@_of_type("object")
def _properties(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    return all(claims.holds(_property(premise, name), inner) for name, inner in value.items())


@_of_type("object")
def _pattern_properties(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    known = dict(_patterns(premise))
    for pattern, inner in value.items():
        if pattern in known and claims.holds((known[pattern],), inner):
            continue
        named = all(
            claims.holds(_property(premise, name), inner) for name in _names(premise) if _matches(pattern, name)
        )
        if not named or not all(claims.holds((each,), inner) for each in known.values()):
            return False
        if pattern not in known and not claims.holds(premise.all("additionalProperties"), inner):
            return False
    return True


@_of_type("object")
def _additional_properties(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    declared, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    for name in _names(premise):
        if name in declared or any(_matches(pattern, name) for pattern in patterns):
            continue
        if not claims.holds(_property(premise, name), value):
            return False
    others = [inner for pattern, inner in _patterns(premise) if pattern not in patterns]
    if not all(claims.holds((inner,), value) for inner in others):
        return False
    return claims.holds(premise.all("additionalProperties"), value)


@_of_type("object")
def _unevaluated_properties(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    closed = claims.derived(("closing", id(schema)), lambda: closing(claims.bundle, schema))
    return claims.holds(premise.flats, closed)


@_of_type("object")
def _property_names(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    if any(claims.holds((each,), value) for each in premise.all("propertyNames")):
        return True
    if _most_properties(premise) == _INFINITY:
        return False
    names = [claims.derived(("name", name), functools.partial(_constant, name)) for name in _names(premise)]
    return all(claims.holds((name,), value) for name in names)


def _constant(value: Any) -> Flat:
    return {"const": value}


@_of_type("object")
def _dependent_required(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    required = _required(premise)
    for trigger, names in value.items():
        known = required.union({trigger}, *(each.get(trigger, ()) for each in premise.all("dependentRequired")))
        if not known.issuperset(names) and not claims.holds(_property(premise, trigger), False):
            return False
    return True


@_of_type("object")
def _dependent_schemas(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    for trigger, inner in value.items():
        given = [each[trigger] for each in premise.all("dependentSchemas") if trigger in each]
        if not claims.holds((*premise.flats, *given), inner) and not claims.holds(_property(premise, trigger), False):
            return False
    return True


def _nothing(claims: Claims, premise: Premise, value: Any, schema: Flat) -> bool:
    """The keyword belongs to another one, whose rule reads it."""
    return True


def _zero(premise: Premise) -> int:
    return 0


def _infinity(premise: Premise) -> float:
    return _INFINITY


RULES: dict[str, Rule] = {
    "false": _false,
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
    **dict.fromkeys(("then", "else", "minContains", "maxContains"), _nothing),
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _same("pattern"),
    "format": _same("format"),
    "contentEncoding": _same("contentEncoding"),
    "contentMediaType": _same("contentMediaType"),
    "minLength": _at_least("minLength", _zero, "string"),
    "maxLength": _at_most("maxLength", _infinity, "string"),
    "minimum": _bound("minimum", "exclusiveMinimum", 1, strict=False),
    "exclusiveMinimum": _bound("minimum", "exclusiveMinimum", 1, strict=True),
    "maximum": _bound("maximum", "exclusiveMaximum", -1, strict=False),
    "exclusiveMaximum": _bound("maximum", "exclusiveMaximum", -1, strict=True),
    "multipleOf": _multiple_of,
    "prefixItems": _prefix_items,
    "items": _items,
    "unevaluatedItems": _unevaluated_items,
    "minItems": _at_least("minItems", _least_items, "array"),
    "maxItems": _at_most("maxItems", _most_items, "array"),
    "uniqueItems": _unique_items,
    "contains": _contains,
    "required": _required_names,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "unevaluatedProperties": _unevaluated_properties,
    "propertyNames": _property_names,
    "minProperties": _at_least("minProperties", _least_properties, "object"),
    "maxProperties": _at_most("maxProperties", _most_properties, "object"),
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
}
"""The rule of each keyword of the conclusion; `false` is that of the schema `false`."""
