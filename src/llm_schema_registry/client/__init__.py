"""The HTTP client of a registry."""

from llm_schema_registry.client.client import ALL_CONTEXTS, RegistryClient
from llm_schema_registry.client.errors import (
    ClientError,
    ImportMismatchError,
    ModeNotRestoredError,
    RegistryError,
    RegistryUnreachableError,
)
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
    ScopeSettings,
    ServerVersion,
    SubjectVersion,
    ValidationResult,
    Witness,
)

__all__ = [
    "ALL_CONTEXTS",
    "LATEST",
    "BatchResult",
    "ClientError",
    "Config",
    "ImportMismatchError",
    "ModeNotRestoredError",
    "PayloadResult",
    "PlanResult",
    "PlannedOutcome",
    "PlannedSchema",
    "RegisteredSchema",
    "RegistryClient",
    "RegistryError",
    "RegistryUnreachableError",
    "SchemaRequest",
    "ScopeSettings",
    "ServerVersion",
    "SubjectVersion",
    "ValidationResult",
    "Witness",
]
