"""The dialects of JSON Schema: what differs between draft-04 and 2020-12, as data."""

from dataclasses import dataclass
from typing import Any

import jsonschema_rs

STRING_KEYWORDS = frozenset({"minLength", "maxLength", "pattern", "format"})
NUMBER_KEYWORDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_ARRAY_4 = frozenset({"items", "additionalItems", "minItems", "maxItems", "uniqueItems"})
_OBJECT_4 = frozenset(
    {
        "properties",
        "patternProperties",
        "additionalProperties",
        "required",
        "minProperties",
        "maxProperties",
        "dependencies",
    }
)
_OBJECT_2019 = _OBJECT_4 | {
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
}
_ARRAY_2019 = _ARRAY_4 | {"contains", "minContains", "maxContains", "unevaluatedItems"}

SCHEMA_MAPS = frozenset({"properties", "patternProperties", "definitions", "$defs", "dependencies", "dependentSchemas"})
"""Keywords whose value is an object of schemas, by names that are no keywords."""

DATA_KEYWORDS = frozenset({"enum", "const", "default", "examples"})
"""Keywords whose value is data, not schemas: an `$id` or `$ref` in there means nothing."""

_SUBSCHEMAS_4 = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "allOf",
        "anyOf",
        "definitions",
        "dependencies",
        "items",
        "not",
        "oneOf",
        "patternProperties",
        "properties",
    }
)
_SUBSCHEMAS_6 = _SUBSCHEMAS_4 | {"contains", "propertyNames"}
_SUBSCHEMAS_7 = _SUBSCHEMAS_6 | {"if", "then", "else"}
_SUBSCHEMAS_2019 = _SUBSCHEMAS_7 | {
    "$defs",
    "contentSchema",
    "dependentSchemas",
    "unevaluatedItems",
    "unevaluatedProperties",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One draft of JSON Schema.

    Attributes:
        uri: its `$schema`, without fragment.
        validator: the validator library's class of it.
        id_keyword: the keyword that names a schema.
        array_keywords: the keywords that constrain arrays.
        object_keywords: the keywords that constrain objects.
        subschemas: the keywords that hold a schema, or a list or an object of schemas.
        ref_hides_siblings: whether `$ref` makes the keywords beside it void.
        exclusive_flags: whether `exclusiveMinimum` and `exclusiveMaximum` are flags of `minimum` and `maximum`.
        has_const: whether there is `const` (and `contains`, `propertyNames`).
        has_conditional: whether there is `if`, `then`, `else`.
        prefix_items: whether tuples are written `prefixItems` with `items` for the rest.
        is_2019: whether it has the vocabulary of 2019-09 and later (`unevaluated…`, `dependent…`, `$anchor`).
        plain_patterns: whether a pattern that is invalid under the flag `u` of ECMA-262 is read without it.
    """

    uri: str
    validator: Any
    id_keyword: str = "$id"
    array_keywords: frozenset[str] = _ARRAY_4 | {"contains"}
    object_keywords: frozenset[str] = _OBJECT_4 | {"propertyNames"}
    subschemas: frozenset[str] = _SUBSCHEMAS_7
    ref_hides_siblings: bool = True
    exclusive_flags: bool = False
    has_const: bool = True
    has_conditional: bool = False
    prefix_items: bool = False
    is_2019: bool = False
    plain_patterns: bool = True


DRAFT_4 = Dialect(
    "http://json-schema.org/draft-04/schema",
    jsonschema_rs.Draft4Validator,
    id_keyword="id",
    array_keywords=_ARRAY_4,
    object_keywords=_OBJECT_4,
    subschemas=_SUBSCHEMAS_4,
    exclusive_flags=True,
    has_const=False,
)
DRAFT_6 = Dialect(
    "http://json-schema.org/draft-06/schema",
    jsonschema_rs.Draft6Validator,
    subschemas=_SUBSCHEMAS_6,
)
DRAFT_7 = Dialect(
    "http://json-schema.org/draft-07/schema",
    jsonschema_rs.Draft7Validator,
    has_conditional=True,
)
DRAFT_2019_09 = Dialect(
    "https://json-schema.org/draft/2019-09/schema",
    jsonschema_rs.Draft201909Validator,
    array_keywords=_ARRAY_2019,
    object_keywords=_OBJECT_2019,
    subschemas=_SUBSCHEMAS_2019,
    ref_hides_siblings=False,
    has_conditional=True,
    is_2019=True,
    plain_patterns=False,
)
DRAFT_2020_12 = Dialect(
    "https://json-schema.org/draft/2020-12/schema",
    jsonschema_rs.Draft202012Validator,
    array_keywords=(_ARRAY_2019 - {"additionalItems"}) | {"prefixItems"},
    object_keywords=_OBJECT_2019,
    subschemas=(_SUBSCHEMAS_2019 - {"additionalItems"}) | {"prefixItems"},
    ref_hides_siblings=False,
    has_conditional=True,
    prefix_items=True,
    is_2019=True,
    plain_patterns=False,
)

_BY_URI = {
    dialect.uri.partition("://")[2]: dialect for dialect in (DRAFT_4, DRAFT_6, DRAFT_7, DRAFT_2019_09, DRAFT_2020_12)
}


def dialect_of(schema: Any, default: Dialect = DRAFT_7) -> Dialect:
    """The dialect that `$schema` names.

    An absent or unknown one is `default`: draft-07 for a root, as the Confluent registry reads it.
    """
    if isinstance(schema, dict):
        uri = schema.get("$schema")
        if isinstance(uri, str):
            return _BY_URI.get(uri.removesuffix("#").partition("://")[2], default)
    return default
