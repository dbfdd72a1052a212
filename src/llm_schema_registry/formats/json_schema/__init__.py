"""JSON Schema."""

from llm_schema_registry.formats.json_schema.format import FORMAT, JsonSchemaFormat
from llm_schema_registry.formats.json_schema.schema import JsonSchema

__all__ = ["FORMAT", "JsonSchema", "JsonSchemaFormat"]
