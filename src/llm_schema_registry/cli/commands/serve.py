"""`lsr serve`: run the registry."""

import os
import sys
from typing import Annotated

import typer

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.options import DEFAULT_HOST, DEFAULT_PORT, DEFAULT_STORE, Host, Port, Store


def serve(
    host: Host = DEFAULT_HOST,
    port: Port = DEFAULT_PORT,
    store: Store = DEFAULT_STORE,
    workers: Annotated[
        int, typer.Option(envvar="LSR_WORKERS", min=1, help="How many processes answer; they share the store.")
    ] = 1,
) -> None:
    """Run the registry until it is stopped.

    Makes the directory of the store if it is missing. An option wins over its environment variable; further settings
    have variables only, which the reference of settings lists.
    """
    try:
        from llm_schema_registry.server import Settings, SettingsError, run
    except ModuleNotFoundError as error:
        raise CliError(
            f"the server is not installed: no module {error.name}",
            "pip install 'llm-schema-registry[server]'",
        ) from None
    _hide_password(store, host=host, port=port, workers=workers)
    _make_place(store)
    try:
        run(Settings.from_environment(host=host, port=port, store=store, workers=workers))
    except SettingsError as error:
        raise CliError(str(error)) from None


def _hide_password(store: str, **options: str | int) -> None:
    """Starts again with the store's URL in the environment if the process list shows a password in the arguments."""
    from llm_schema_registry.store.factory import has_password

    if has_password(store) and any(store in argument for argument in sys.argv):
        others = [f"--{name}={value}" for name, value in options.items()]
        command = [sys.executable, "-m", "llm_schema_registry.cli", "serve", *others]
        os.execve(sys.executable, command, os.environ | {"LSR_STORE": store})  # noqa: S606 -- our own program


def _make_place(store: str) -> None:
    from llm_schema_registry.cli.diagnostics import State, store_place

    file, place = store_place(store)
    if place.state is State.BAD:
        raise CliError(f"the store: {place.detail}", place.fix)
    if file is not None:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
