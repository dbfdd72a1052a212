"""JSON Schema."""

from llm_schema_registry.formats.jsonschema.json_schema_format import FORMAT, JsonSchemaFormat
from llm_schema_registry.formats.jsonschema.parsing import JsonSchema

__all__ = ["FORMAT", "JsonSchema", "JsonSchemaFormat"]
