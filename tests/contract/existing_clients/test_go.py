"""Clients for Go, where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from contract.existing_clients.installing import go_programs

pytestmark = [
    # One process builds, and none waits for it.
    pytest.mark.xdist_group("go"),
    # Time to build what is not built yet.
    pytest.mark.timeout(300),
    pytest.mark.skipif(not shutil.which("go"), reason="go is not on this machine"),
]

_PROJECT = Path(__file__).parent / "go"


@pytest.mark.parametrize("program", ["confluent", "franz"])
def test_program(registry_url: str, topic: str, program: str) -> None:
    command = [go_programs(_PROJECT) / program, registry_url, topic]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
