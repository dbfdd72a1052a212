"""The differences between two Avro schemas that a reader stumbles over.

Names and descriptions are those of the Confluent registry, which names the kinds of Apache Avro's
`SchemaCompatibility`. Those of logical types, and READER_FIELD_AMBIGUOUS, are types of our own.
"""

from llm_schema_registry.formats.format import Difference, DifferenceType, Impact

NAME_MISMATCH = DifferenceType(
    name="NAME_MISMATCH",
    impact=Impact.INCOMPATIBLE,
    description="The name of the schema has changed (path '{path}')",
    why="A reader finds the record, enum or fixed type of the writer by its name, and this name is not the "
    "reader's name nor one of its aliases.",
    fix="Keep the old name, or add the old full name to the aliases of the renamed type.",
)
FIXED_SIZE_MISMATCH = DifferenceType(
    name="FIXED_SIZE_MISMATCH",
    impact=Impact.INCOMPATIBLE,
    description="The size of FIXED type field at path '{path}' in the {reader} schema does not match with the "
    "{writer} schema",
    why="Fixed values are written without a length, so a reader with another size takes too few or too many bytes.",
    fix="Keep the size; for values of another size add a new field with a new fixed type and a default.",
)
MISSING_ENUM_SYMBOLS = DifferenceType(
    name="MISSING_ENUM_SYMBOLS",
    impact=Impact.INCOMPATIBLE,
    description="The {reader} schema is missing enum symbols '{detail}' at path '{path}' in the {writer} schema",
    why="Data may hold one of these symbols, and the reader has neither the symbol nor a default for unknown ones.",
    fix="Keep the symbols, or give the reader's enum a `default` symbol that stands for unknown ones.",
)
READER_FIELD_MISSING_DEFAULT_VALUE = DifferenceType(
    name="READER_FIELD_MISSING_DEFAULT_VALUE",
    impact=Impact.INCOMPATIBLE,
    description="The field '{detail}' at path '{path}' in the {reader} schema has no default value and is missing "
    "in the {writer} schema",
    why="Data written without this field gives the reader nothing to put into it.",
    fix="Give the field a default; if it was renamed, add its old name to its aliases.",
)
READER_FIELD_AMBIGUOUS = DifferenceType(
    name="READER_FIELD_AMBIGUOUS",
    impact=Impact.INCOMPATIBLE,
    description="The field '{detail}' at path '{path}' in the {reader} schema cannot be matched with exactly one "
    "field of the {writer} schema",
    why="By its name and aliases the field matches several written fields, or two fields claim the same one, so "
    "readers disagree about which value goes where.",
    fix="Remove the alias that names a field which exists in its own right.",
)
TYPE_MISMATCH = DifferenceType(
    name="TYPE_MISMATCH",
    impact=Impact.INCOMPATIBLE,
    description="The type (path '{path}') of a field in the {reader} schema does not match with the {writer} schema",
    why="Bytes written as one type cannot be read as the other; only int to long, float or double, long to float "
    "or double, float to double, and string to and from bytes can.",
    fix="Keep the type, widen it along the list above, or add a new field with the new type and a default.",
)
MISSING_UNION_BRANCH = DifferenceType(
    name="MISSING_UNION_BRANCH",
    impact=Impact.INCOMPATIBLE,
    description="The {reader} schema is missing a type inside a union field at path '{path}' in the {writer} schema",
    why="Data may hold a value of this type, and no branch of the reader's union can read it.",
    fix="Keep a branch that can read the type; if it is a record, see that it still reads the old record.",
)
LOGICAL_TYPE_CHANGED = DifferenceType(
    name="LOGICAL_TYPE_CHANGED",
    impact=Impact.LOGICAL,
    description="The logical type at path '{path}' in the {reader} schema is not that of the {writer} schema",
    why="The bytes are read, and taken for something else: a date for a number, a number for a date, an instant for a "
    "local time.",
    fix="Keep the logical type, or add a new field with the new one and a default.",
)
LOGICAL_UNIT_CHANGED = DifferenceType(
    name="LOGICAL_UNIT_CHANGED",
    impact=Impact.LOGICAL,
    description="The unit of the time at path '{path}' in the {reader} schema is not that of the {writer} schema",
    why="The number is read as it was written and counted in another unit, so every time is wrong by a factor of "
    "thousands.",
    fix="Keep the unit, or add a new field with the new one and a default.",
)
DECIMAL_SCALE_CHANGED = DifferenceType(
    name="DECIMAL_SCALE_CHANGED",
    impact=Impact.LOGICAL,
    description="The scale of the decimal at path '{path}' in the {reader} schema is not that of the {writer} schema",
    why="The digits are written without their point, which the reader puts at its own place: every amount is wrong by "
    "a power of ten.",
    fix="Keep the scale, or add a new field with the new one and a default.",
)
DECIMAL_PRECISION_CHANGED = DifferenceType(
    name="DECIMAL_PRECISION_CHANGED",
    impact=Impact.LOGICAL,
    description="The precision of the decimal at path '{path}' in the {reader} schema is not that of the {writer} "
    "schema",
    why="By the specification two decimals match only if precision and scale are equal. A reader with fewer digits "
    "rounds or refuses larger values, depending on its codec; one with more reads them all.",
    fix="Keep the precision, or add a new field with the new one and a default.",
)

DIFFERENCE_TYPES = {
    kind.name: kind
    for kind in (
        NAME_MISMATCH,
        FIXED_SIZE_MISMATCH,
        MISSING_ENUM_SYMBOLS,
        READER_FIELD_MISSING_DEFAULT_VALUE,
        READER_FIELD_AMBIGUOUS,
        TYPE_MISMATCH,
        MISSING_UNION_BRANCH,
        LOGICAL_TYPE_CHANGED,
        LOGICAL_UNIT_CHANGED,
        DECIMAL_SCALE_CHANGED,
        DECIMAL_PRECISION_CHANGED,
    )
}


def describe(difference: Difference, reader: str, writer: str) -> str:
    """The text of one difference as the Confluent registry prints it; the contract is `Format.describe`."""
    kind = difference.type
    description = kind.description.format(reader=reader, writer=writer, path=difference.path, detail=difference.detail)
    return f"{{errorType:'{kind.name}', description:'{description}', additionalInfo:'{difference.detail}'}}"
