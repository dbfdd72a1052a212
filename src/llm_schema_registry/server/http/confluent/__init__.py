"""The Confluent-compatible surface, one module per resource family."""

from llm_schema_registry.server.http.confluent import (
    associations,
    compatibility,
    config,
    contexts,
    mode,
    schemas,
    server_info,
    subjects,
    tags,
    versions,
)

CONFLUENT_OPERATIONS = [
    operation
    for family in (
        server_info,
        subjects,
        versions,
        tags,
        schemas,
        compatibility,
        config,
        mode,
        contexts,
        associations,
    )
    for operation in family.operations.table
]

__all__ = ["CONFLUENT_OPERATIONS"]
