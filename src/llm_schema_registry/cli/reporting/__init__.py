"""Every output format of a result, and nothing else writes one."""

from llm_schema_registry.cli.reporting.formats import OutputFormat, render
from llm_schema_registry.cli.reporting.report import Item, Report, Status
from llm_schema_registry.cli.reporting.text import finding_lines

__all__ = ["Item", "OutputFormat", "Report", "Status", "finding_lines", "render"]
