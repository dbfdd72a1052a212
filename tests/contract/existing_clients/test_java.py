"""The client for Java, where a JDK and Maven are installed.

Its own artifact is not on Maven Central. Flink ships it there, under the Apache License, with the Avro part only.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from contract.existing_clients.installing import jars

pytestmark = [
    # One process installs, and none waits for it.
    pytest.mark.xdist_group("java"),
    # Time to install what is not installed yet.
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not (shutil.which("javac") and shutil.which("mvn")), reason="javac or mvn is not on this machine"
    ),
]

_PROGRAM = Path(__file__).parent / "java" / "AvroClient.java"
_ARTIFACTS = ("org.apache.flink:flink-sql-avro-confluent-registry:1.20.0", "org.slf4j:slf4j-api:2.0.16")


def test_program(registry_url: str, topic: str) -> None:
    classpath = os.pathsep.join(map(str, jars(*_ARTIFACTS)))
    command = ["java", "-cp", classpath, _PROGRAM, registry_url, topic]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
