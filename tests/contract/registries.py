"""Registries as processes, for tests that need one of their own."""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_SERVE = "from llm_schema_registry.server import Settings, run; run(Settings.from_environment())"
JSON_TYPE = "application/vnd.schemaregistry.v1+json"


@dataclass(frozen=True)
class Response:
    """An answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def running(store: str, **settings: str) -> Iterator[str]:
    """The URL of a registry on a store, which ends with the block; its log is dropped."""
    with started(store, **settings) as (url, _):
        yield url


@contextmanager
def started(store: str, *, prepared_by: str = "", **settings: str) -> Iterator[tuple[str, int]]:
    """The URL of a registry as `running` has it, and its supervisor; `prepared_by` is Python code that each of its
    processes runs first.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LSR_")}
    environment |= {"LSR_PORT": "0", "LSR_STORE": store} | settings
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            env=environment | _prepared(folder, prepared_by, environment),
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        try:
            # What is wrong with the store may be logged first.
            lines = map(json.loads, process.stderr)
            yield next(line["url"] for line in lines if "url" in line), process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def _prepared(folder: str, code: str, environment: dict[str, str]) -> dict[str, str]:
    """The variables with which every process of a registry runs some code first."""
    if not code:
        return {}
    Path(folder, "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (folder, environment.get("PYTHONPATH"))))}


def limit_files(process: int, size: int) -> None:
    """Lets no file of a process and its children grow beyond so many bytes; -1 ends the limit."""
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, -1))
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        limit_files(int(child), size)


def ask(url: str, method: str = "GET", body: Any = None, **headers: str) -> Response:
    """One request on a connection of its own; `_` in the name of a header stands for `-`."""
    data = None if body is None else json.dumps(body).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        given.setdefault("Content-Type", JSON_TYPE)
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    with closing(HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request(method, target, data, given)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, found, answer.read())


def record(name: str, *fields: str) -> dict[str, str]:
    """The body of a registration: a record with text fields that have a default."""
    described = [{"name": field, "type": "string", "default": ""} for field in fields]
    return {"schema": json.dumps({"type": "record", "name": name, "fields": described})}
