"""Clients for Node.js, where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from contract.existing_clients.installing import node_modules

pytestmark = [
    # One process installs, and none waits for it.
    pytest.mark.xdist_group("javascript"),
    # Time to install what is not installed yet.
    pytest.mark.timeout(300),
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node or npm is not on this machine"),
]

_PROJECT = Path(__file__).parent / "javascript"


@pytest.mark.parametrize("program", ["confluent.mjs", "kafkajs.mjs"])
def test_program(registry_url: str, topic: str, program: str) -> None:
    command = ["node", _PROJECT / program, node_modules(_PROJECT), registry_url, topic]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
