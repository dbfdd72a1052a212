"""The registry's own surface: validation, plans, settings, health, metrics."""

from llm_schema_registry.server.http.v1 import health, outlines, plan, scopes, validation

NATIVE_OPERATIONS = [
    operation for family in (validation, outlines, plan, scopes, health) for operation in family.operations.table
]

__all__ = ["NATIVE_OPERATIONS"]
