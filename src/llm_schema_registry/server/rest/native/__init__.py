"""The registry's own surface: validation, health, metrics, documentation."""

from llm_schema_registry.server.rest.native import description, health, validation

NATIVE_OPERATIONS = [operation for family in (validation, description, health) for operation in family.operations.table]

__all__ = ["NATIVE_OPERATIONS"]
