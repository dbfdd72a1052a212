"""The command line, `lsr`."""

from llm_schema_registry.cli.app import app, main

__all__ = ["app", "main"]
