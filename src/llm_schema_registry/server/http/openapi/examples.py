"""Examples of bodies for the OpenAPI document, by their types."""

from typing import Any

from llm_schema_registry.registry.associations import AssociationRequest
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.config import Config, ConfigUpdate
from llm_schema_registry.registry.tags import TagRequest
from llm_schema_registry.server.http.confluent.associations import ResourceResponse
from llm_schema_registry.server.http.confluent.compatibility import CheckResponse
from llm_schema_registry.server.http.confluent.config import UpdatedConfig
from llm_schema_registry.server.http.confluent.mode import ModeResponse, ModeUpdate
from llm_schema_registry.server.http.confluent.responses import SchemaResponse
from llm_schema_registry.server.http.confluent.versions import RegisterResponse
from llm_schema_registry.server.http.v1.validation import (
    BatchResponse,
    ValidateRequest,
    ValidateResponse,
)

_TEXT = '{"type":"record","name":"Usage","fields":[{"name":"tokens","type":"long"}]}'
_GUID = "6ad04ba8-6c1b-5f64-71cd-5de4e35c14e4"
_SCHEMA = {"id": 1, "version": 1, "guid": _GUID, "schemaType": "AVRO", "schema": _TEXT, "ts": 1767225600000}
_TOPIC = {"resourceName": "usage", "resourceNamespace": "lkc-1", "resourceId": "t-1", "resourceType": "topic"}
_WEAK = {"associationType": "value", "subject": "cost.usage"}

EXAMPLES: dict[Any, Any] = {
    SchemaRequest: {"schemaType": "AVRO", "schema": _TEXT, "metadata": {"properties": {"owner": "cost-ops"}}},
    RegisterResponse: _SCHEMA,
    SchemaResponse: {"subject": "cost.usage", **_SCHEMA},
    CheckResponse: {"is_compatible": True, "messages": []},
    ConfigUpdate: {"compatibility": "FULL_TRANSITIVE"},
    UpdatedConfig: {"compatibility": "FULL_TRANSITIVE"},
    Config: {"compatibilityLevel": "FULL_TRANSITIVE"},
    ModeUpdate: {"mode": "READONLY"},
    ModeResponse: {"mode": "READONLY"},
    ValidateRequest: {"subject": "cost.usage", "version": "latest", "data": {"tokens": 42}},
    ValidateResponse: {
        "valid": True,
        "errors": [],
        "warnings": [],
        "id": 1,
        "schema_id": 1,
        "subject": "cost.usage",
        "version": 1,
        "validated_at": "2026-01-01T00:00:00.000Z",
        "validation_time_ms": 0.042,
    },
    AssociationRequest: {
        "resourceName": "usage",
        "resourceNamespace": "lkc-1",
        "resourceId": "t-1",
        "associations": [_WEAK],
    },
    ResourceResponse: {
        "resourceName": "usage",
        "resourceNamespace": "lkc-1",
        "resourceId": "t-1",
        "resourceType": "topic",
    },
    TagRequest: {
        "tagsToAdd": [
            {"schemaEntity": {"entityPath": "Usage.tokens", "entityType": "sr_field"}, "tags": ["COST"]},
        ]
    },
    BatchResponse: {"valid": 1, "invalid": 0, "results": [{"index": 0, "valid": True}]},
}
