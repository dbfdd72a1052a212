"""Options that several commands share, so that they mean the same everywhere."""

from typing import Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.reporting.formats import OutputFormat
from llm_schema_registry.core.budget import MAX_STEPS
from llm_schema_registry.formats.format import SchemaType

DEFAULT_REGISTRY = "http://127.0.0.1:8081"
REGISTRY_VARIABLE = "LSR_REGISTRY"
STEPS_VARIABLE = "LSR_MAX_STEPS"

Registry = Annotated[
    str,
    typer.Option("--registry", metavar="URL", envvar=REGISTRY_VARIABLE, help="The registry's URL."),
]
OptionalRegistry = Annotated[
    str | None,
    typer.Option("--registry", metavar="URL", envvar=REGISTRY_VARIABLE, help="Ask the registry at this URL."),
]
Type = Annotated[
    SchemaType | None,
    typer.Option("--type", case_sensitive=False, help="The format; else .avsc, .proto and .json tell."),
]
Report = Annotated[OutputFormat, typer.Option("--format", case_sensitive=False, help="How to print the result.")]
Witness = Annotated[
    bool, typer.Option("--witness", help="Show a payload that an incompatible change would break, if one is found.")
]
SetReferences = Annotated[
    list[str] | None,
    typer.Option(
        "--reference",
        metavar="NAME=SUBJECT@VERSION",
        help="What the schemas refer to outside the directory; once for each.",
    ),
]
MaxSteps = Annotated[
    int,
    typer.Option(
        "--max-steps",
        envvar=STEPS_VARIABLE,
        min=0,
        max=MAX_STEPS,
        help="How many steps one parse or one comparison may take, as the registry's setting. 0: in proportion to "
        "LSR_MAX_SCHEMA_BYTES.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8081
DEFAULT_STORE = "sqlite:///data/registry.db"


def _store_url(text: str) -> str:
    """The URL that the option names; raises `CliError` for a file that cannot be read."""
    from llm_schema_registry.store.factory import InvalidStoreUrlError, store_url

    try:
        return store_url(text)
    except InvalidStoreUrlError as error:
        raise CliError(str(error)) from None


Host = Annotated[str, typer.Option("--host", envvar="LSR_HOST", help="The address to listen on.")]
Port = Annotated[int, typer.Option("--port", envvar="LSR_PORT", min=1, max=65535, help="The port to listen on.")]
Store = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="LSR_STORE",
        help="The store: sqlite:///FILE, sqlite:// (memory), postgresql://…, or @FILE with the URL in a file.",
        callback=_store_url,
    ),
]
