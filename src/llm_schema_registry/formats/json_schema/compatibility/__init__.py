"""Compatibility of JSON Schemas."""

from llm_schema_registry.formats.json_schema.compatibility.comparison import compare

__all__ = ["compare"]
