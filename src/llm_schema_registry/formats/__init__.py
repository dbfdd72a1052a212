"""What a schema is, per format."""

from llm_schema_registry.formats.format import (
    Dependency,
    Difference,
    DifferenceType,
    Format,
    Impact,
    InvalidSchemaError,
    OutlineField,
    ParsedSchema,
    PayloadValidator,
    SchemaType,
)
from llm_schema_registry.formats.formats import format_of

__all__ = [
    "Dependency",
    "Difference",
    "DifferenceType",
    "Format",
    "Impact",
    "InvalidSchemaError",
    "OutlineField",
    "ParsedSchema",
    "PayloadValidator",
    "SchemaType",
    "format_of",
]
