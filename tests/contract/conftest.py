"""A registry as a process, one per test session and worker."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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


@pytest.fixture(scope="session")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One with narrow limits, and what it logs: it may refuse requests."""
    directory = tmp_path_factory.mktemp("registry")
    log = directory / "log"
    with _running(directory, log, **BOUNDS) as url:
        yield url, log


BOUNDS = {
    "LSR_REQUEST_TIMEOUT_SECONDS": "2",
    "LSR_IDLE_TIMEOUT_SECONDS": "4",
    "LSR_MAX_HEAD_BYTES": "8192",
    "LSR_MAX_URL_BYTES": "2048",
    "LSR_MAX_BODY_BYTES": "1048576",
    "LSR_MAX_SCHEMA_BYTES": "65536",
    "LSR_MAX_CONNECTIONS": "20",
    "LSR_MAX_BUFFERED_MB": "4",
}


@contextmanager
def _running(directory: Path, log: Path | None = None, **settings: str) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LSR_")}
    environment |= {"LSR_PORT": "0", "LSR_STORE": f"sqlite:///{directory}/registry.db"} | settings
    process = subprocess.Popen([sys.executable, "-c", _SERVE], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    urls = set()
    for _ in range(int(settings.get("LSR_WORKERS", "1"))):
        line = process.stderr.readline()
        assert line, "the server did not start"
        urls.add(json.loads(line)["url"])
    copying = None if log is None else threading.Thread(target=_copy, args=(process.stderr, log))
    if copying is not None:
        copying.start()
    try:
        yield urls.pop()
    finally:
        process.send_signal(signal.SIGTERM)
        if copying is not None:
            copying.join()
        rest = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert rest == "", f"the server logged: {rest}"


def _copy(lines: IO[str], log: Path) -> None:
    with log.open("w", buffering=1) as copy:
        copy.writelines(lines)
