"""The demonstration without what it needs."""

import importlib

import pytest

from llm_schema_registry.cli.demo.confluent import require_client
from llm_schema_registry.cli.exit_codes import CliError


def test_the_client_is_there() -> None:
    assert require_client()[0].isdigit()


def test_without_the_client_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(CliError, match="uses the Confluent client") as caught:
        require_client()
    assert "pip install 'confluent-kafka[" in caught.value.fix
