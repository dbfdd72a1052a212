"""`lsr demo`: the registry's main job, shown."""

from llm_schema_registry.cli.terminal import console


def demo() -> None:
    """Show the registry at work, on one of its own.

    Starts a registry on a free port with a store that is gone afterwards, and uses it: the starter catalogue, the
    unmodified Confluent client in three formats, a safe and an unsafe change, sample events, and a drift between
    modules. Exit 1 if anything is not as it should be. Needs the extra `server` and confluent-kafka.
    """
    from llm_schema_registry.catalog import Catalog
    from llm_schema_registry.cli.demo import STEPS, RegistryProcess, Stage
    from llm_schema_registry.cli.demo.confluent import require_client

    require_client()
    out = console()
    with RegistryProcess() as registry:
        out.print(f"A registry on {registry.url}, with an empty store, up in {registry.started_in:.1f} s.")
        stage = Stage(registry.url, Catalog.load())
        for number, (title, step) in enumerate(STEPS, 1):
            out.print(f"\n{number}. {title}", style="strong")
            for line in step(stage):
                out.print("   ", line, sep="")
    out.print("\nEverything is as it should be.", style="good")
