"""Clients that cannot stand beside what the tests run in: each in an environment of its own, as a program."""

import subprocess
import sys
from pathlib import Path

import pytest

from contract.existing_clients.installing import python_with

# Time to install what is not installed yet.
pytestmark = pytest.mark.timeout(300)

_PROGRAMS = Path(__file__).parent / "programs"
# The oldest releases with this API that have a wheel for the interpreter, and the first that executes rules.
_OLDEST = {(3, 11): "2.0.2", (3, 12): "2.3.0", (3, 13): "2.6.0"}
_RELEASES = [*dict.fromkeys((_OLDEST.get(sys.version_info[:2], "2.12.1"), "2.8.2"))]
# What these releases import without requiring it, and a protobuf as old as they are.
_FORGOTTEN = ("googleapis-common-protos", "requests")
_PROTOBUF = dict.fromkeys(_OLDEST.values(), "protobuf<5")


def _passes(interpreter: Path, program: str, *arguments: str) -> None:
    command = [interpreter, _PROGRAMS / program, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("release", _RELEASES)
def test_confluent_kafka(registry_url: str, topic: str, release: str) -> None:
    protobuf = _PROTOBUF.get(release, "protobuf")
    interpreter = python_with(f"confluent-kafka[avro,json,protobuf]=={release}", protobuf, *_FORGOTTEN)
    _passes(interpreter, "confluent_kafka_serialisers.py", registry_url, topic)


def test_python_schema_registry_client(registry_url: str, topic: str) -> None:
    interpreter = python_with("python-schema-registry-client==2.6.1")
    _passes(interpreter, "python_schema_registry_client.py", registry_url, topic)
