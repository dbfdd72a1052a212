"""`lsr doctor`: is everything as it should be?"""

import typer

from llm_schema_registry.cli.exit_codes import ExitCode
from llm_schema_registry.cli.options import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_REGISTRY,
    DEFAULT_STORE,
    AsJson,
    Host,
    OptionalRegistry,
    Port,
    Store,
)


def doctor(
    registry: OptionalRegistry = None,
    host: Host = DEFAULT_HOST,
    port: Port = DEFAULT_PORT,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Diagnose the setup and suggest fixes.

    Checks the installation, the clock, the store, its key, object storage, the port and the registry.

    Exit 1 if a check fails. A registry that does not run is a failure only if you name one.
    """
    from datetime import UTC, datetime

    import msgspec

    from llm_schema_registry.cli import diagnostics
    from llm_schema_registry.cli.terminal import console

    found = [
        diagnostics.python(),
        diagnostics.libraries(),
        *diagnostics.extras(),
        diagnostics.clock(datetime.now(UTC)),
        diagnostics.store(store),
        diagnostics.metadata_key(),
        diagnostics.object_storage(),
        diagnostics.port(host, port),
        diagnostics.reachable(registry or DEFAULT_REGISTRY, asked=registry is not None),
    ]
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        out = console()
        styles = {diagnostics.State.GOOD: "good", diagnostics.State.WARN: "doubt", diagnostics.State.BAD: "bad"}
        for probe in found:
            out.print(f"{probe.state:<5}", style=styles[probe.state], end="")
            out.print(f"{probe.name}: {probe.detail}")
            if probe.fix:
                out.print(f"     fix: {probe.fix}")
    if any(probe.state is diagnostics.State.BAD for probe in found):
        raise typer.Exit(ExitCode.FINDINGS)
