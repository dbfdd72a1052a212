"""The table of output formats: a further one is a module with a `render` and one line here."""

import enum
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_schema_registry.cli.reporting.report import Report


class OutputFormat(enum.StrEnum):
    """The names of the formats on the command line."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    MARKDOWN = "markdown"


_MODULES = {
    OutputFormat.TEXT: "text",
    OutputFormat.JSON: "json_report",
    OutputFormat.SARIF: "sarif",
    OutputFormat.JUNIT: "junit",
    OutputFormat.GITHUB: "github",
    OutputFormat.MARKDOWN: "markdown",
}


def render(report: "Report", output_format: OutputFormat) -> str:
    """The report as text in one format, ending with a line break unless it is empty."""
    module = importlib.import_module(f"{__package__}.{_MODULES[output_format]}")
    rendered: str = module.render(report)
    return rendered
