"""The HTTP client of a registry."""

from llm_schema_registry.client.client import RegistryClient
from llm_schema_registry.client.errors import ClientError, RegistryError, RegistryUnreachableError
from llm_schema_registry.client.model import (
    LATEST,
    BatchResult,
    Config,
    PayloadResult,
    PlannedOutcome,
    PlannedSchema,
    PlanResult,
    RegisteredSchema,
    SchemaRequest,
    ServerVersion,
    SubjectVersion,
    ValidationResult,
    Witness,
)

__all__ = [
    "LATEST",
    "BatchResult",
    "ClientError",
    "Config",
    "PayloadResult",
    "PlanResult",
    "PlannedOutcome",
    "PlannedSchema",
    "RegisteredSchema",
    "RegistryClient",
    "RegistryError",
    "RegistryUnreachableError",
    "SchemaRequest",
    "ServerVersion",
    "SubjectVersion",
    "ValidationResult",
    "Witness",
]
