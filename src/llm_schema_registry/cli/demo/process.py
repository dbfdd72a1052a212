"""A registry as a process of its own, with a store that is gone afterwards."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.registry_session import with_client

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
_LOG_LINES = 15


class RegistryProcess:
    """Runs `lsr serve` on a free port of loopback while the context lasts.

    Attributes:
        url: where it answers.
        started_in: seconds from the start to the first answer.

    Raises:
        CliError: on entering, if it ends or does not answer in time; with the end of its log.
    """

    def __init__(self) -> None:
        self.url = ""
        self.started_in = 0.0

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="lsr-demo-")
        folder = Path(self._directory.name)
        self._log = folder / "registry.log"
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "llm_schema_registry.cli", "serve", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--store", f"sqlite:///{folder / 'registry.db'}", "--workers", "1"]
        began = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=_environment()
            )
        try:
            self._wait(began + _START_SECONDS)
        except BaseException:
            self._stop()
            raise
        self.started_in = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _wait(self, until: float) -> None:
        while True:
            try:
                with_client(self.url, lambda client: client.server_version())
            except CliError:
                if self._process.poll() is not None or time.monotonic() > until:
                    log = "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
                    raise CliError(
                        f"the registry did not start; the end of its log:\n{log}",
                        "Run `lsr doctor`.",
                        exit_code=ExitCode.UNREACHABLE,
                    ) from None
                time.sleep(_POLL_SECONDS)
            else:
                return

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._directory.cleanup()


def _environment() -> dict[str, str]:
    """This environment without settings that were meant for another registry."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LSR_")}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
