"""What a schema is, per format."""

from llm_schema_registry.formats.format import (
    Certainty,
    Dependency,
    Difference,
    DifferenceType,
    Entity,
    EntityKind,
    Format,
    Impact,
    InvalidSchemaError,
    Outcome,
    OutlineField,
    ParsedSchema,
    PayloadValidator,
    Reading,
    SchemaType,
)
from llm_schema_registry.formats.formats import format_of

__all__ = [
    "Certainty",
    "Dependency",
    "Difference",
    "DifferenceType",
    "Entity",
    "EntityKind",
    "Format",
    "Impact",
    "InvalidSchemaError",
    "Outcome",
    "OutlineField",
    "ParsedSchema",
    "PayloadValidator",
    "Reading",
    "SchemaType",
    "format_of",
]
