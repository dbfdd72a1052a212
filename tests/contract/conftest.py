"""A registry as a process, one per test session and worker."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SERVE = "from llm_schema_registry.server import Settings, run; run(Settings.from_environment())"


@pytest.fixture(scope="session")
def registry_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with _running(tmp_path_factory.mktemp("registry")) as url:
        yield url


@pytest.fixture(scope="session")
def two_workers_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with _running(tmp_path_factory.mktemp("registry"), LSR_WORKERS="2") as url:
        yield url


@pytest.fixture(scope="module")
def fuzzed_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One of its own: modes and configs that come by chance are in nobody's way."""
    with _running(tmp_path_factory.mktemp("registry")) as url:
        yield url


@contextmanager
def _running(directory: Path, **settings: str) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LSR_")}
    environment |= {"LSR_PORT": "0", "LSR_STORE": f"sqlite:///{directory}/registry.db"} | settings
    process = subprocess.Popen([sys.executable, "-c", _SERVE], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    urls = set()
    for _ in range(int(settings.get("LSR_WORKERS", "1"))):
        line = process.stderr.readline()
        assert line, "the server did not start"
        urls.add(json.loads(line)["url"])
    try:
        yield urls.pop()
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert rest == "", f"the server logged: {rest}"
