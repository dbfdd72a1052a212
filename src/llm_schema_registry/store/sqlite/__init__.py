"""The embedded store: one SQLite file, read and written by any number of processes of one machine."""

from llm_schema_registry.store.sqlite.store import MEMORY, SqliteStore

__all__ = ["MEMORY", "SqliteStore"]
