"""What can be wrong with an Avro schema: the codes of parse findings and the way out of each."""

from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.format import InvalidSchemaError

MAX_MESSAGE = 10_000

FIXES = {
    "avro.INVALID_JSON": "Correct the JSON text at this place.",
    "avro.DUPLICATE_KEY": "Keep one of the members; with two, readers disagree about which one counts.",
    "avro.INVALID_TEXT": "Replace the unpaired surrogate by the character that was meant.",
    "avro.TOO_DEEP": "Flatten the schema, or use a named type for the inner levels.",
    "avro.MISSING_ATTRIBUTE": "Add the attribute that this type or field needs.",
    "avro.INVALID_ATTRIBUTE": "Give the attribute a value that the Avro specification allows.",
    "avro.INVALID_NAME": "Use letters, digits and underscores only, beginning with a letter or an underscore.",
    "avro.UNDEFINED_TYPE": "Correct the name, define the type in this schema, or register a reference to it.",
    "avro.REDEFINED_TYPE": "Define each full name once and refer to it by name afterwards.",
    "avro.DUPLICATE_FIELD": "Rename or remove one of the two fields.",
    "avro.DUPLICATE_SYMBOL": "List each symbol once.",
    "avro.INVALID_UNION": "List each type once and put no union directly inside a union.",
    "avro.INVALID_DEFAULT": "Give a default that is a value of the type, or remove the default.",
}


def invalid(code: str, message: str, path: str) -> InvalidSchemaError:
    """The error for one problem.

    Args:
        code: a key of `FIXES`.
        message: the cause as Apache Avro words it.
        path: JSON pointer into the schema text.
    """
    # Messages quote the part of the schema that is wrong, which can be all of it.
    message = shortened(message, MAX_MESSAGE)
    return InvalidSchemaError(message, [Finding(code=code, message=message, path=path, fix=FIXES[code])])
