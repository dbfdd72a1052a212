"""The registry's own surface: validation, health, metrics, documentation."""

from llm_schema_registry.server.rest.native import health

NATIVE_OPERATIONS = [operation for family in (health,) for operation in family.operations.table]

__all__ = ["NATIVE_OPERATIONS"]
