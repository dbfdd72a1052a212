"""The use cases: check, then write, then announce. One module per family of verbs."""

from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.registry import Registry, RegistryOptions

__all__ = ["ErrorCode", "Registry", "RegistryError", "RegistryOptions"]
