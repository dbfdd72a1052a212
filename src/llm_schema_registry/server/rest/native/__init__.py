"""The registry's own surface: validation, plans, settings, health, metrics."""

from llm_schema_registry.server.rest.native import description, health, plan, scopes, validation

NATIVE_OPERATIONS = [
    operation for family in (validation, description, plan, scopes, health) for operation in family.operations.table
]

__all__ = ["NATIVE_OPERATIONS"]
