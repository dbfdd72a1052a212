"""The reference page of the command line agrees with the commands."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llm_schema_registry.cli import app
from llm_schema_registry.cli.reference import cli_reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
COMMANDS = re.findall(r"^## lsr (.+)$", cli_reference(), re.MULTILINE)


def test_the_page_is_up_to_date() -> None:
    page = re.sub(r"\A<!--.*?-->\n\n", "", PAGE.read_text(encoding="utf-8"))
    assert page == cli_reference(), "python -m llm_schema_registry.cli.reference > docs/reference/cli.md"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_names_the_options_that_the_command_has(command: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 0
    section = cli_reference().partition(f"## lsr {command}\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE))
    assert documented == set(re.findall(r"^\s+(--[a-z-]+)", shown.stdout, re.MULTILINE)) - {"--help"}


def test_every_command_is_on_the_page() -> None:
    listed = CliRunner().invoke(app, ["--help"]).stdout.partition("Commands:")[2].split("\n")
    names = {line.split()[0] for line in listed if line.strip()}
    assert names == {command.split()[0] for command in COMMANDS}
