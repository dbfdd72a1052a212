"""The HTTP client of a registry."""

from llm_schema_registry.client.client import RegistryClient
from llm_schema_registry.client.errors import ClientError, RegistryError, RegistryUnreachableError
from llm_schema_registry.client.model import (
    LATEST,
    BatchResult,
    Config,
    PayloadResult,
    RegisteredSchema,
    SchemaRequest,
    ServerVersion,
    SubjectVersion,
    ValidationResult,
)

__all__ = [
    "LATEST",
    "BatchResult",
    "ClientError",
    "Config",
    "PayloadResult",
    "RegisteredSchema",
    "RegistryClient",
    "RegistryError",
    "RegistryUnreachableError",
    "SchemaRequest",
    "ServerVersion",
    "SubjectVersion",
    "ValidationResult",
]
