"""`lsr plan` and `lsr apply` against a registry that runs as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_schema_registry.cli.demo import RegistryProcess

Lsr = Callable[..., subprocess.CompletedProcess[str]]
COST = '{"type":"record","name":"Cost","fields":[{"name":"usd","type":"double"}]}'
USAGE = '{"type":"record","name":"Usage","fields":[{"name":"cost","type":"Cost"}]}'


@pytest.fixture
def registry() -> Iterator[str]:
    with RegistryProcess() as process:
        yield process.url


@pytest.fixture
def lsr(registry: str, tmp_path: Path) -> Lsr:
    (tmp_path / "schemas" / "team").mkdir(parents=True)
    (tmp_path / "schemas" / "cost.avsc").write_text(COST)
    (tmp_path / "schemas" / "team" / "usage.avsc").write_text(USAGE)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm_schema_registry.cli", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {"LSR_REGISTRY": registry},
            timeout=60,
            check=False,
        )

    return run


def test_a_set_is_planned_kept_and_applied(lsr: Lsr, tmp_path: Path) -> None:
    planned = lsr("plan", "schemas", "--out", "plan.json")
    assert (planned.returncode, planned.stderr) == (0, "")
    assert "cost (schemas/cost.avsc): new: version 1, id 1" in planned.stdout
    assert "team/usage (schemas/team/usage.avsc): new: version 1, id 2" in planned.stdout
    assert lsr("list", "--json").stdout.strip() == "[]"

    (tmp_path / "schemas" / "cost.avsc").write_text("changed since the plan was made")
    for _ in range(2):  # again does no harm
        applied = lsr("apply", "plan.json")
        assert applied.returncode == 0, applied.stdout + applied.stderr
    assert json.loads(lsr("get", "team/usage", "--json").stdout)["references"] == [
        {"name": "Cost", "subject": "cost", "version": 1}
    ]


def test_a_plan_that_no_longer_holds_is_not_applied(lsr: Lsr, tmp_path: Path) -> None:
    assert lsr("plan", "schemas", "--out", "plan.json").returncode == 0
    (tmp_path / "cost.avsc").write_text(COST.replace("usd", "eur"))
    assert lsr("register", "cost.avsc").returncode == 0
    (tmp_path / "other.avsc").write_text('"int"')
    late = lsr("apply", "plan.json", "--format", "json")
    assert late.returncode == 1
    assert [item["status"] for item in json.loads(late.stdout)["items"]] == ["failed", "skipped"]
    assert [one["subject"] for one in json.loads(lsr("list", "--json").stdout)] == ["cost"]

    assert lsr("register", "other.avsc", "--subject", "team/usage").returncode == 0
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "new.avsc").write_text(COST)
    assert lsr("plan", "only", "--out", "new.json").returncode == 0
    (tmp_path / "new.avsc").write_text(COST.replace('"name":"usd"', '"name":"usd","default":0'))
    assert lsr("register", "new.avsc").returncode == 0
    changed = lsr("apply", "new.json")
    assert changed.returncode == 1
    assert "nothing was done" in changed.stderr


def test_refusals_say_why_and_keep_everything_out(lsr: Lsr, tmp_path: Path) -> None:
    assert lsr("apply", "schemas").returncode == 0
    (tmp_path / "schemas" / "cost.avsc").write_text(COST.replace('"double"', '"string"'))
    (tmp_path / "schemas" / "new.avsc").write_text('"string"')
    planned = lsr("plan", "schemas", "--witness", "--out", "plan.json")
    assert planned.returncode == 1
    assert "avro.TYPE_MISMATCH" in planned.stdout
    assert "This payload, valid under version 1, is refused by the new schema" in planned.stdout
    assert not (tmp_path / "plan.json").exists()
    applied = lsr("apply", "schemas")
    assert applied.returncode == 1
    assert "not registered: all or nothing" in applied.stdout
    assert len(json.loads(lsr("list", "--json").stdout)) == 2
    report = json.loads(lsr("plan", "schemas", "--format", "sarif").stdout)
    assert report["runs"][0]["results"][0]["ruleId"] == "avro.TYPE_MISMATCH"


@pytest.mark.parametrize("content", ["", "{}", '{"formatVersion":9,"digest":"","schemas":[],"files":[]}'])
def test_what_is_no_plan_exits_2(lsr: Lsr, tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    done = lsr("apply", "plan.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "plan.json is no plan" in done.stderr
