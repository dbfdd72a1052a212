"""The demonstration, as a process."""

import os
import subprocess
import sys

import pytest

from llm_schema_registry.cli.demo import STEPS, RegistryProcess
from llm_schema_registry.cli.exit_codes import CliError, ExitCode


def test_the_demonstration_ends_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llm_schema_registry.cli", "demo"],
        capture_output=True,
        text=True,
        timeout=110,
        # A setting that was meant for another registry does not reach the one of the demonstration.
        env=os.environ | {"LSR_PORT": "1", "LSR_REGISTRY": "http://127.0.0.1:1"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    for number, (title, _) in enumerate(STEPS, 1):
        assert f"{number}. {title}\n" in done.stdout
    for part in (
        "29 subjects, 30 schemas",
        "AVRO      telemetry.inference.refs",
        "JSON      telemetry.inference.wire",
        "PROTOBUF  telemetry.metric",
        "version 2",
        "refused (40901)",
        "avro.READER_FIELD_MISSING_DEFAULT_VALUE at /fields/18",
        "37 good events pass, 21 bad ones are located",
        "incompatible differences",
    ):
        assert part in done.stdout
    assert done.stdout.endswith("Everything is as it should be.\n")


def test_a_registry_that_does_not_start_is_said_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_schema_registry.cli.demo.process._free_port", lambda: 99_999)
    with pytest.raises(CliError, match="did not start") as caught, RegistryProcess():
        pass
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert "Invalid value for '--port'" in caught.value.message
