"""`lsr check --witness` says in words what would happen to a payload."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from llm_schema_registry.cli import app

STRING, NUMBER = {"type": "string"}, {"type": "integer"}
ENVIRONMENT = {"NO_COLOR": "1", "LSR_REGISTRY": "", "COLUMNS": "1000"}


def check(directory: Path, old: Any, new: Any, *options: str, suffix: str = ".json") -> str:
    paths = [directory / f"{name}{suffix}" for name in ("old", "new")]
    for path, schema in zip(paths, (old, new), strict=True):
        path.write_text(json.dumps(schema))
    result = CliRunner().invoke(app, ["check", *map(str, paths), *options], env=ENVIRONMENT)
    return " ".join(result.stdout.split())


def test_backward_names_the_old_file_as_the_writer(tmp_path: Path) -> None:
    said = check(tmp_path, STRING, NUMBER, "--witness")
    assert f'This payload, valid under {tmp_path.as_posix()}/old.json, is refused by the new schema: "' in said


def test_forward_names_the_new_schema_as_the_writer(tmp_path: Path) -> None:
    said = check(tmp_path, STRING, NUMBER, "--witness", "--level", "FORWARD")
    assert f"This payload, valid under the new schema, is refused by {tmp_path.as_posix()}/old.json: 1" in said


def test_none_is_said_to_be_none(tmp_path: Path) -> None:
    """Between two formats there is no payload that both could be asked about."""
    old, new = tmp_path / "old.avsc", tmp_path / "new.json"
    for path in (old, new):
        path.write_text(json.dumps(STRING))
    result = CliRunner().invoke(app, ["check", str(old), str(new), "--witness"], env=ENVIRONMENT)
    assert "No witness found" in result.stdout


def test_it_is_a_note_in_reports_and_absent_unless_asked_for(tmp_path: Path) -> None:
    report = json.loads(check(tmp_path, STRING, NUMBER, "--witness", "--format", "json"))
    finding = report["items"][0]["findings"][-1]
    assert (finding["code"], finding["severity"]) == ("schema.WITNESS", "info")
    assert "WITNESS" not in check(tmp_path, STRING, NUMBER)
    assert "WITNESS" not in check(tmp_path, STRING, STRING, "--witness")
