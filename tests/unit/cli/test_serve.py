"""`lsr serve` hands its options to the server."""

import inspect
import sys
from pathlib import Path

import pytest

from llm_schema_registry import server
from llm_schema_registry.cli.commands.serve import serve
from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.server import Settings


def test_the_defaults_are_those_of_the_settings() -> None:
    defaults = {name: parameter.default for name, parameter in inspect.signature(serve).parameters.items()}
    assert defaults == {name: getattr(Settings(), name) for name in defaults}


def test_options_win_over_the_environment_which_gives_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[Settings] = []
    monkeypatch.setattr(server, "run", ran.append)
    monkeypatch.setenv("LSR_PORT", "1")
    monkeypatch.setenv("LSR_LOG_LEVEL", "debug")
    serve(host="127.0.0.1", port=2, store=f"sqlite:///{tmp_path}/new/registry.db", workers=3)
    (settings,) = ran
    assert (settings.port, settings.workers, settings.log_level) == (2, 3, "debug")
    assert (tmp_path / "new").is_dir()


def test_without_the_server_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llm_schema_registry.server", None)
    with pytest.raises(CliError, match="the server is not installed") as caught:
        serve(store="sqlite://")
    assert "llm-schema-registry[server]" in caught.value.fix
