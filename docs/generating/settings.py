"""The page of settings."""

from generating.markdown import code, table
from llm_schema_registry.server import settings_reference


def page() -> str:
    """Every setting of the server."""
    rows = [(code(row.variable), row.type, code(row.default), row.description) for row in settings_reference()]
    return f"""# Settings

The server reads its settings from environment variables. `lsr serve` has options for the most common ones
([command line](cli.md)); an option wins over its variable. An unknown variable that begins with `LSR_`, or a value
that does not fit, stops the start with a message that names it.

{table(("variable", "type", "default", "what it does"), rows)}
How they work together in production: [run in production](../how-to/run-in-production.md).
"""
