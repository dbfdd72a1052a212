"""The differences between two JSON Schemas: one table, the single place where a rule stands.

Names, impacts and sentences are those of the Confluent registry; `why` and `fix` are ours. "The writer's schema" is the
one the data was written with, "the reader's schema" the one it is read with: under BACKWARD the old and the new one.
"""

import dataclasses
from types import MappingProxyType

from llm_schema_registry.formats.format import Certainty, DifferenceType, Impact

_COMPATIBLE, _LENIENT, _INCOMPATIBLE = Impact.COMPATIBLE, Impact.LENIENT, Impact.INCOMPATIBLE

_ADDED = "The keyword at path '{path}' in the {reader} schema is not present in the {writer} schema"
_MORE = "The value at path '{path}' in the {reader} schema is more than its value in the {writer} schema"
_LESS = "The value at path '{path}' in the {reader} schema is less than its value in the {writer} schema"
_CHANGED = "The value at path '{path}' is different between the {reader} and {writer} schema"
_FEWER_ELEMENTS = (
    "An array or combined type at path '{path}' has fewer elements in the {reader} schema than the {writer} schema"
)
_MORE_ELEMENTS = (
    "An array or combined type at path '{path}' has more elements in the {reader} schema than the {writer} schema"
)
_TYPE = "A type at path '{path}' is different between the {reader} schema and the {writer} schema"
_OPEN = (
    "The {reader} schema has an open content model and has a property or item at path '{path}' which is missing in "
    "the {writer} schema"
)
_UNOPEN_REQUIRED = (
    "The {reader} schema has an unopen content model and has a required property at path '{path}' which is missing in "
    "the {writer} schema"
)
_CLOSED = (
    "The {reader} has a closed content model and is missing a property or item present at path '{path}' in the "
    "{writer} schema"
)
_REMOVED_NOT_COVERED = (
    "The {reader} schema has a partially open content model that does not cover the property or item at path '{path}' "
    "in the {writer} schema"
)
_ADDED_NOT_COVERED = (
    "The {reader} schema has a property or item at path '{path}' that the partially open content model of the "
    "{writer} schema does not cover"
)

_OPEN_MODEL = "The writer's content model is open because additionalProperties is absent or true"
_CLOSE_OR_LENIENT = (
    'Close the model before data relies on it ("additionalProperties": false in the writer\'s schema), or set '
    "compatibilityPolicy to LENIENT if no producer uses undeclared properties."
)
_OPEN_ITEMS = "The writer's content model of items is open because additionalItems is absent or true"


def _ok(name: str, why: str) -> DifferenceType:
    return DifferenceType(name, _COMPATIBLE, "", why)


def _bad(name: str, description: str, why: str, fix: str) -> DifferenceType:
    return DifferenceType(name, _INCOMPATIBLE, description, why, fix, Certainty.POSSIBLE)


def _lenient(name: str, description: str, why: str, fix: str) -> DifferenceType:
    return DifferenceType(name, _LENIENT, description, why, fix, Certainty.POSSIBLE)


def _limit(name: str, keyword: str, *, upper: bool) -> tuple[DifferenceType, ...]:
    """The four rows of a limit: an upper one breaks when it falls, a lower one when it rises, both when added."""
    wider, narrower = ("INCREASED", "DECREASED") if upper else ("DECREASED", "INCREASED")
    side = "above" if upper else "below"
    return (
        _bad(
            f"{name}_ADDED",
            _ADDED,
            f"The writer had no {keyword}, so data {side} the new limit may exist and would be refused.",
            f"Leave out {keyword}, or add it only where no data can be {side} it.",
        ),
        _ok(f"{name}_REMOVED", f"Without {keyword} the reader accepts more."),
        _bad(
            f"{name}_{narrower}",
            _LESS if upper else _MORE,
            f"Data that satisfied the writer's {keyword} may be {side} the reader's.",
            f"Keep {keyword} at the writer's value, or move it the other way.",
        ),
        _ok(f"{name}_{wider}", f"Whatever satisfies the writer's {keyword} satisfies the reader's."),
    )


_LIMITS = (
    *_limit("MAX_LENGTH", "maxLength", upper=True),
    *_limit("MIN_LENGTH", "minLength", upper=False),
    *_limit("MAXIMUM", "maximum", upper=True),
    *_limit("MINIMUM", "minimum", upper=False),
    *_limit("EXCLUSIVE_MAXIMUM", "exclusiveMaximum", upper=True),
    *_limit("EXCLUSIVE_MINIMUM", "exclusiveMinimum", upper=False),
    *_limit("MAX_PROPERTIES", "maxProperties", upper=True),
    *_limit("MIN_PROPERTIES", "minProperties", upper=False),
    *_limit("MAX_ITEMS", "maxItems", upper=True),
    *_limit("MIN_ITEMS", "minItems", upper=False),
    *_limit("MAX_CONTAINS", "maxContains", upper=True),
    *_limit("MIN_CONTAINS", "minContains", upper=False),
)

_ANNOTATIONS = (
    _ok("ID_CHANGED", "The identifier names the schema and constrains no data."),
    _ok("TITLE_CHANGED", "The title is documentation and constrains no data."),
    _ok("DESCRIPTION_CHANGED", "The description is documentation and constrains no data."),
    _ok("DEFAULT_CHANGED", "A default constrains no data that is there."),
)

_TYPES = (
    _bad(
        "SCHEMA_ADDED",
        _ADDED,
        "The writer's schema says nothing here, the reader's does.",
        "Leave the place without a schema, or put the schema into a new subject.",
    ),
    _ok("SCHEMA_REMOVED", "Without a schema at this place every value is accepted."),
    _ok("TYPE_EXTENDED", "Every integer is a number."),
    _bad(
        "TYPE_NARROWED",
        _TYPE,
        "The writer's schema allows values of more types here than the reader's.",
        "Keep the wider type, or add a property of the narrower type beside it.",
    ),
    _bad(
        "TYPE_CHANGED",
        _TYPE,
        "The reader's schema is of another kind, and need not accept the values that the writer's allows.",
        "Keep the type, or accept both with anyOf; add a property of the new type if the meaning changes.",
    ),
    _bad(
        "PATTERN_ADDED",
        _ADDED,
        "Strings that do not match the new pattern may exist.",
        "Leave out the pattern, or check it where data is produced.",
    ),
    _ok("PATTERN_REMOVED", "Without a pattern the reader accepts more strings."),
    _bad(
        "PATTERN_CHANGED",
        _CHANGED,
        "Whether every string of one pattern matches another is not decided, so a change counts as breaking.",
        "Keep the pattern, or remove it.",
    ),
    _bad(
        "MULTIPLE_OF_ADDED",
        _ADDED,
        "Numbers that are no multiple may exist.",
        "Leave out multipleOf.",
    ),
    _ok("MULTIPLE_OF_REMOVED", "Without multipleOf the reader accepts more numbers."),
    _bad(
        "MULTIPLE_OF_EXPANDED",
        _MORE,
        "A multiple of the writer's step need not be one of the reader's larger step.",
        "Keep multipleOf, or use a divisor of it.",
    ),
    _ok("MULTIPLE_OF_REDUCED", "A multiple of the writer's step is one of every divisor of it."),
    _bad(
        "MULTIPLE_OF_CHANGED",
        _CHANGED,
        "A multiple of the writer's step need not be one of the reader's.",
        "Keep multipleOf, or use a divisor of it.",
    ),
    _ok("ENUM_ARRAY_EXTENDED", "The reader knows every value of the writer, and more."),
    _bad(
        "ENUM_ARRAY_NARROWED",
        _FEWER_ELEMENTS,
        "The writer may have written a value that the reader does not know any more.",
        "Keep the removed values in the enum, and mark them as deprecated in the description.",
    ),
    _bad(
        "ENUM_ARRAY_CHANGED",
        _CHANGED,
        "The writer may have written a value that the reader does not know.",
        "Keep the writer's values and only add new ones.",
    ),
)

_COMBINATIONS = (
    _ok("COMBINED_TYPE_EXTENDED", "anyOf accepts whatever one branch accepts, so it is the widest combination."),
    _bad(
        "COMBINED_TYPE_CHANGED",
        _TYPE,
        "allOf, anyOf and oneOf accept different data even over the same branches.",
        "Keep the keyword, or widen it to anyOf.",
    ),
    _bad(
        "COMBINED_TYPE_SUBSCHEMAS_CHANGED",
        _TYPE,
        "Not every branch has a compatible counterpart of its own in the other schema: {detail}.",
        "Change the branches one at a time and compatibly, or add a branch to anyOf or oneOf instead.",
    ),
    _bad(
        "PRODUCT_TYPE_EXTENDED",
        _MORE_ELEMENTS,
        "Each branch of allOf is one more condition, and the writer's data need not fulfil the added one.",
        "Leave out the added branch of allOf.",
    ),
    _ok("PRODUCT_TYPE_NARROWED", "Fewer branches of allOf are fewer conditions."),
    _ok("SUM_TYPE_EXTENDED", "More branches of anyOf or oneOf are more choices."),
    _bad(
        "SUM_TYPE_NARROWED",
        _FEWER_ELEMENTS,
        "The writer may have used a branch that the reader no longer has.",
        "Keep the removed branch.",
    ),
    _ok("NOT_TYPE_NARROWED", "The reader excludes no more than the writer did."),
    _bad(
        "NOT_TYPE_EXTENDED",
        _MORE_ELEMENTS,
        "The reader may exclude values that the writer could write.",
        "Exclude no more than the writer's schema does.",
    ),
)

_REQUIRED = (
    _bad(
        "REQUIRED_ATTRIBUTE_ADDED",
        _ADDED,
        "The property was optional, so data without it may exist and would be refused.",
        "Leave the property optional, or give it a default.",
    ),
    _ok("REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED", "Where the property is missing, readers fill in its default."),
    _ok("REQUIRED_ATTRIBUTE_REMOVED", "The reader accepts data with and without the property."),
    _bad(
        "DEPENDENCY_ARRAY_ADDED",
        _ADDED,
        "Data that has the property but not the ones it now demands may exist.",
        "Leave out the dependency.",
    ),
    _ok("DEPENDENCY_ARRAY_REMOVED", "Without the dependency the reader accepts more."),
    _bad(
        "DEPENDENCY_ARRAY_EXTENDED",
        _MORE_ELEMENTS,
        "The property now demands properties that the writer's data need not have.",
        "Leave out the added names.",
    ),
    _ok("DEPENDENCY_ARRAY_NARROWED", "The property demands fewer others."),
    _bad(
        "DEPENDENCY_ARRAY_CHANGED",
        _CHANGED,
        "The property now demands properties that the writer's data need not have.",
        "Keep the names, or only remove some.",
    ),
    _bad(
        "DEPENDENCY_SCHEMA_ADDED",
        _ADDED,
        "Data that has the property but does not fulfil the schema it now demands may exist.",
        "Leave out the dependency.",
    ),
    _ok("DEPENDENCY_SCHEMA_REMOVED", "Without the dependency the reader accepts more."),
)

_PROPERTIES = (
    _ok("PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL", "The property accepts every value, as before."),
    _lenient(
        "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        _OPEN,
        f"{_OPEN_MODEL}, so a producer may have sent a property of this name with any value.",
        _CLOSE_OR_LENIENT,
    ),
    _lenient(
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
        _OPEN,
        f"{_OPEN_MODEL}, so a producer may have sent a property of this name with any value.",
        _CLOSE_OR_LENIENT,
    ),
    _bad(
        "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        _OPEN,
        f"Data without the property exists and would be refused. {_OPEN_MODEL}.",
        "Make the property optional, or give it a default; then close the model or use LENIENT.",
    ),
    _bad(
        "PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        _OPEN,
        f"{_OPEN_MODEL}. Replaced by the types that say whether the property is required.",
        _CLOSE_OR_LENIENT,
    ),
    _ok("OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", "No producer could have sent a property of this name."),
    _ok(
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL",
        "No producer could have sent a property of this name, and readers fill in its default.",
    ),
    _bad(
        "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
        _UNOPEN_REQUIRED,
        "Data without the property exists and would be refused.",
        "Make the property optional, or give it a default.",
    ),
    _ok("PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL", "The reader's model is open and still accepts the property."),
    _lenient(
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        _CLOSED,
        "The reader's content model is closed because additionalProperties is false, so data with the property is "
        "refused.",
        "Keep the property (and mark it as deprecated), or open the reader's model by removing "
        '"additionalProperties": false; or set compatibilityPolicy to LENIENT if no data has it.',
    ),
    _ok("PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL", "No data could have the property."),
    _ok(
        "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "The schema that the reader has for other properties accepts it.",
    ),
    _lenient(
        "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        _REMOVED_NOT_COVERED,
        "The schema that the reader has for other properties (patternProperties, additionalProperties) refuses it.",
        "Keep the property, or widen the schema of the other properties.",
    ),
    _ok(
        "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "The schema that the writer had for other properties already demanded what the property demands.",
    ),
    _lenient(
        "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        _ADDED_NOT_COVERED,
        "The schema that the writer had for other properties (patternProperties, additionalProperties) allowed values "
        "that the property refuses.",
        "Give the property a schema that accepts whatever the writer's other properties accept.",
    ),
    _bad(
        "RESERVED_PROPERTY_REMOVED",
        "The {reader} schema lacks the reserved property at path '{path}' which is present in the {writer} schema",
        "A reserved name must stay reserved.",
        "Keep the name among the reserved ones.",
    ),
    _bad(
        "RESERVED_PROPERTY_CONFLICTS_WITH_PROPERTY",
        "The {reader} schema has a property at path '{path}' that conflicts with a reserved property",
        "A reserved name must not be used.",
        "Choose another name for the property.",
    ),
)


def _rest(name: str, narrowing: Impact, keyword: str, things: str) -> tuple[DifferenceType, ...]:
    """The four rows of a keyword that speaks of all undeclared properties or items."""
    bad = _lenient if narrowing is _LENIENT else _bad
    fix = f"Leave {keyword} as wide as in the writer's schema."
    return (
        _ok(f"{name}_ADDED", f"The reader accepts {things} that the writer's schema forbade."),
        _ok(f"{name}_EXTENDED", f"The reader accepts {things} of any kind."),
        bad(f"{name}_REMOVED", _CHANGED, f"The reader forbids {things} that the writer's {keyword} left free.", fix),
        bad(f"{name}_NARROWED", _CHANGED, f"The reader restricts {things} that the writer's {keyword} left free.", fix),
    )


_RESTS = (
    *_rest("ADDITIONAL_PROPERTIES", _LENIENT, "additionalProperties", "undeclared properties"),
    *_rest("UNEVALUATED_PROPERTIES", _LENIENT, "unevaluatedProperties", "undeclared properties"),
    *_rest("ADDITIONAL_ITEMS", _INCOMPATIBLE, "additionalItems", "items after the declared ones"),
    *_rest("UNEVALUATED_ITEMS", _INCOMPATIBLE, "unevaluatedItems", "items after the declared ones"),
)

_ITEMS = (
    _bad("UNIQUE_ITEMS_ADDED", _ADDED, "Arrays with equal items may exist.", "Leave out uniqueItems."),
    _ok("UNIQUE_ITEMS_REMOVED", "The reader accepts arrays with and without equal items."),
    _ok("ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL", "The item accepts every value, as before."),
    _bad(
        "ITEM_ADDED_TO_OPEN_CONTENT_MODEL",
        _OPEN,
        f"{_OPEN_ITEMS}, so a producer may have sent any value at this place.",
        'Close the tuple before data relies on it ("additionalItems": false), or add the item without a schema.',
    ),
    _ok("ITEM_ADDED_TO_CLOSED_CONTENT_MODEL", "No producer could have sent an item at this place."),
    _ok("ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL", "The reader's model is open and still accepts the item."),
    _bad(
        "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        _CLOSED,
        "The reader's tuple is closed, so data with the item is refused.",
        "Keep the item, or allow additional items.",
    ),
    _ok("ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL", "No data could have the item."),
    _ok(
        "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "The schema that the reader has for further items accepts it.",
    ),
    _bad(
        "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        _REMOVED_NOT_COVERED,
        "The schema that the reader has for further items refuses it.",
        "Keep the item, or widen the schema of further items.",
    ),
    _ok(
        "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "The schema that the writer had for further items already demanded what the item demands.",
    ),
    _bad(
        "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        _ADDED_NOT_COVERED,
        "The schema that the writer had for further items allowed values that the item refuses.",
        "Give the item a schema that accepts whatever the writer's further items accept.",
    ),
)

DIFFERENCE_TYPES = MappingProxyType(
    {
        row.name: row
        for rows in (_ANNOTATIONS, _TYPES, _COMBINATIONS, _LIMITS, _REQUIRED, _PROPERTIES, _RESTS, _ITEMS)
        for row in rows
    }
)
"""Every difference by its name."""

_HARMLESS = " without effect"
_SAME_DATA = "The reader's schema provably accepts every value here that the writer's allows."

ROWS = MappingProxyType(
    DIFFERENCE_TYPES
    | {
        name + _HARMLESS: dataclasses.replace(row, why=_SAME_DATA, certainty=Certainty.NONE)
        for name, row in DIFFERENCE_TYPES.items()
        if row.impact is not _COMPATIBLE
    }
)
"""The rows as a comparison notes them: those of `DIFFERENCE_TYPES`, and for each incompatible one its harmless form."""


def harmless(name: str) -> str:
    """The key in `ROWS` of an incompatible difference that provably breaks no data."""
    return name + _HARMLESS


def is_harmless(key: str) -> bool:
    """Whether a key of `ROWS` is that of a harmless form."""
    return key.endswith(_HARMLESS)
