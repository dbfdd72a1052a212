"""The application: which commands there are, and how an expected error ends the process."""

import sys
import traceback
from collections.abc import Callable
from typing import Annotated

import typer

from llm_schema_registry import __version__
from llm_schema_registry.cli import terminal
from llm_schema_registry.cli.commands import (
    apply,
    catalog,
    check,
    demo,
    doctor,
    export,
    get,
    import_,
    list_,
    plan,
    register,
    repair,
    serve,
    validate,
)
from llm_schema_registry.cli.exit_codes import CliError, ExitCode

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
app = typer.Typer(
    name="lsr",
    help="The schema registry of an LLM platform: run it, ask it, and check schemas with or without it.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "serve": serve.serve,
    "check": check.check,
    "validate": validate.validate,
    "register": register.register,
    "plan": plan.plan,
    "apply": apply.apply,
    "export": export.export,
    "import": import_.import_,
    "get": get.get,
    "list": list_.list_subjects,
    "doctor": doctor.doctor,
    "repair": repair.repair,
    "demo": demo.demo,
}
_catalog = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The starter catalogue of LLM event schemas.")
app.add_typer(_catalog, name="catalog")
for _app, _commands in ((app, COMMANDS), (_catalog, catalog.COMMANDS)):
    for _name, _command in _commands.items():
        _app.command(_name)(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"llm-schema-registry {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Holds the options that stand before a command; `--version` acts in its callback."""


def main() -> None:
    """Runs the command line and ends the process with one of `ExitCode`."""
    try:
        app()
    except CliError as error:
        terminal.complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception:
        # Python itself would exit with 1, which says "findings" to a pipeline.
        traceback.print_exc()
        sys.exit(ExitCode.INTERNAL)
