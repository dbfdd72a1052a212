"""The OpenAPI document of all operations, and the same as a page."""

from llm_schema_registry.server.http.openapi.endpoints import operations

DOCUMENTATION_OPERATIONS = operations.table

__all__ = ["DOCUMENTATION_OPERATIONS"]
