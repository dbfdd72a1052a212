"""Containment of JSON Schemas: proofs that every payload of one schema is valid under another."""

from llm_schema_registry.formats.json_schema.containment.decision import containment

__all__ = ["containment"]
