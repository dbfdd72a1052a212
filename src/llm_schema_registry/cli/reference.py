"""The reference page of the command line, generated from the commands themselves; as a program it prints it."""

import enum
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from llm_schema_registry.cli.app import COMMANDS
from llm_schema_registry.cli.commands.catalog import COMMANDS as CATALOG_COMMANDS
from llm_schema_registry.cli.exit_codes import EXIT_CODES

_HEAD = """\
# Command line

`lsr` (also `llm-schema-registry`, or `python -m llm_schema_registry.cli`). This page is generated from the commands;
`lsr COMMAND --help` says the same.

Results go to stdout, errors to stderr. Colours appear only on a terminal, and not if `NO_COLOR` is set.
An option wins over its environment variable.

## Exit codes

| code | meaning |
|---|---|
"""
_VALUES: dict[type, str] = {str: "TEXT", int: "N", Path: "FILE"}


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One parameter of a command, as the page shows it."""

    label: str
    help: str
    variable: str
    default: str
    positional: bool


def cli_reference() -> str:
    """The page as Markdown: exit codes, then every command with its arguments and options."""
    commands = COMMANDS | {f"catalog {name}": command for name, command in CATALOG_COMMANDS.items()}
    parts = [_HEAD + "".join(f"| {code.value} | {meaning} |\n" for code, meaning in EXIT_CODES.items())]
    parts += [_command(name, command) for name, command in commands.items()]
    return "\n".join(parts)


def _command(name: str, command: Callable[..., None]) -> str:
    parameters = _parameters(command)
    arguments = [parameter for parameter in parameters if parameter.positional]
    options = [parameter for parameter in parameters if not parameter.positional]
    usage = " ".join(["lsr", name, *(["[OPTIONS]"] if options else []), *(one.label for one in arguments)])
    lines = [f"## lsr {name}", "", inspect.cleandoc(command.__doc__ or ""), "", f"```text\n{usage}\n```", ""]
    lines += [f"- `{one.label}`: {one.help}" for one in arguments]
    if arguments:
        lines.append("")
    if options:
        lines += ["| option | meaning | default | variable |", "|---|---|---|---|"]
        lines += [
            " | ".join((f"| `{_cell(one.label)}`", _cell(one.help), _code(one.default), f"{_code(one.variable)} |"))
            for one in options
        ]
        lines.append("")
    return "\n".join(lines)


def _parameters(command: Callable[..., None]) -> list[_Parameter]:
    hints = get_type_hints(command, include_extras=True)
    return [
        _parameter(name, hints[name], parameter.default)
        for name, parameter in inspect.signature(command).parameters.items()
        if not get_args(hints[name])[1].hidden
    ]


def _parameter(name: str, hint: Any, default: Any) -> _Parameter:
    kind, info = get_args(hint)
    label = _value(kind, info)
    if isinstance(info, ArgumentInfo):
        many = "..." if getattr(kind, "__origin__", None) is list else ""
        return _Parameter(f"{label}{many}", info.help or "", "", "", positional=True)
    if not isinstance(info, OptionInfo):
        raise TypeError(f"parameter {name} is neither an argument nor an option")
    # Within Annotated, typer takes the first declared name in the place of the default.
    declared = [one for one in (info.default, *(info.param_decls or ())) if isinstance(one, str)]
    flag = declared[0] if declared else f"--{name.replace('_', '-')}"
    shown = "" if default is None or default is False else str(default)
    return _Parameter(f"{flag} {label}".strip(), info.help or "", str(info.envvar or ""), shown, positional=False)


def _value(kind: Any, info: ArgumentInfo | OptionInfo) -> str:
    if info.metavar:
        return info.metavar
    if isinstance(kind, types.UnionType):
        kind = next(one for one in get_args(kind) if one is not types.NoneType)
    if kind is bool:
        return ""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "|".join(str(member.value) for member in kind)
    return _VALUES[kind]


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(cli_reference(), end="")
