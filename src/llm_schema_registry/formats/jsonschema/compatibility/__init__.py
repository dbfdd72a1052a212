"""Compatibility of JSON Schemas."""

from llm_schema_registry.formats.jsonschema.compatibility.comparing import compare

__all__ = ["compare"]
