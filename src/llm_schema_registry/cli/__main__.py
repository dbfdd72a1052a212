"""`python -m llm_schema_registry.cli`: the command line without the script."""

from llm_schema_registry.cli.app import main

if __name__ == "__main__":
    main()
