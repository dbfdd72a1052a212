"""The starter catalogue: schemas of LLM events, ready to be registered."""

from llm_schema_registry.catalog.catalog import (
    Catalog,
    CatalogReference,
    CatalogRule,
    CatalogSubject,
    CatalogVersion,
    Drift,
    Evolution,
    Expectation,
    RuleLevel,
    Sample,
)

__all__ = [
    "Catalog",
    "CatalogReference",
    "CatalogRule",
    "CatalogSubject",
    "CatalogVersion",
    "Drift",
    "Evolution",
    "Expectation",
    "RuleLevel",
    "Sample",
]
