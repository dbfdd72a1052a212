"""The production store: a PostgreSQL database, written by any number of processes of any number of machines."""

from llm_schema_registry.store.postgresql.store import PostgresStore

__all__ = ["PostgresStore"]
