"""`lsr check` on directories: files that refer to each other, and files that cannot be judged."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Check = Callable[..., subprocess.CompletedProcess[str]]
_PROTO = 'syntax = "proto3";\npackage {package};\n{imports}\nmessage {name} {{ {field} }}\n'


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Runs `lsr check old new` with more arguments."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LSR_")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm_schema_registry.cli", "check", "old", "new", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )

    return run


def _write(directory: Path, files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def _json(output: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert "Traceback" not in output.stderr, output.stderr
    return {item["name"]: item for item in json.loads(output.stdout)["items"]}


def _proto(name: str, field: str, imports: str = "") -> str:
    return _PROTO.format(package="p", imports=imports, name=name, field=field)


_LINKED: dict[str, str | bytes] = {
    "common/money.proto": _proto("Money", "int64 units = 1;"),
    "order.proto": _proto("Order", "Money total = 1;", 'import "common/money.proto";'),
    "chain.proto": _proto("Chain", "Order order = 1;", 'import "order.proto";'),
    "address.avsc": '{"type":"record","name":"Address","namespace":"a","fields":[{"name":"city","type":"string"}]}',
    "user.avsc": '{"type":"record","name":"User","namespace":"a","fields":[{"name":"home","type":"Address"}]}',
    "item.json": '{"type":"object","properties":{"sku":{"type":"string"}}}',
    "sub/cart.json": '{"type":"array","items":{"$ref":"../item.json"}}',
    "loop.json": '{"properties":{"next":{"$ref":"pool.json"}}}',
    "pool.json": '{"properties":{"next":{"$ref":"loop.json"}}}',
}


def test_files_that_refer_to_each_other_are_linked(check: Check, tmp_path: Path) -> None:
    _write(tmp_path / "old", _LINKED)
    _write(tmp_path / "new", _LINKED)
    (tmp_path / "new" / "item.json").write_text('{"type":"object","properties":{"sku":{"type":"integer"}}}')
    output = check("--format", "json")
    items = _json(output)
    failed = {name for name, item in items.items() if item["status"] == "failed"}
    assert failed - {"loop", "pool"} == {"item", "sub/cart"}, output.stdout
    assert output.returncode == 1


_BROKEN: dict[str, str | bytes] = {
    "good.avsc": '"string"',
    "binary.avsc": b'"int\xff"',
    "invalid.avsc": '{"type":"record"}',
    "invalid.json": '{"type": ',
    "invalid.proto": "message",
    "missing.proto": _proto("Missing", "Gone gone = 1;", 'import "gone.proto";'),
    "zero.avsc": "",
    "deep.json": "[" * 100_000,
}


@pytest.mark.parametrize("side", ["old", "new", "both"])
def test_a_broken_file_does_not_end_the_run(check: Check, tmp_path: Path, side: str) -> None:
    whole = {
        name: {"avsc": '"string"', "json": "{}", "proto": 'syntax = "proto3";'}[name.rpartition(".")[2]]
        for name in _BROKEN
    }
    _write(tmp_path / "old", whole if side == "new" else _BROKEN)
    _write(tmp_path / "new", whole if side == "old" else _BROKEN)
    output = check("--format", "json")
    assert output.returncode == 1, output.stderr
    items = json.loads(output.stdout)["items"]
    assert [item["file"] for item in items if item["status"] == "passed"] == ["new/good.avsc"]
    failed = [item for item in items if item["status"] == "failed"]
    assert len(failed) == len(_BROKEN) - 1
    assert all(item["findings"] for item in failed)


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github", "markdown"])
def test_every_report_is_complete(check: Check, tmp_path: Path, form: str) -> None:
    _write(tmp_path / "old", {"good.avsc": '"string"', "gone.proto": 'syntax = "proto3";'})
    _write(tmp_path / "new", _BROKEN)
    output = check("--format", form, "--profile", "SOURCE")
    assert output.returncode == 1
    assert "Traceback" not in output.stderr
    for file in ("binary.avsc", "invalid.json", "gone.proto"):
        assert file in output.stdout
    parse: dict[str, Callable[[str], Any]] = {"json": json.loads, "sarif": json.loads, "junit": ElementTree.fromstring}
    parse.get(form, str)(output.stdout)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--profile", "SOURCE"], "failed"),
        (["--profile", "WIRE_JSON"], "skipped"),
        (["--profile", "SOURCE", "--level", "NONE"], "skipped"),
        ([], "skipped"),
    ],
)
def test_a_deleted_file(check: Check, tmp_path: Path, options: list[str], status: str) -> None:
    _write(tmp_path / "old", {"a.proto": 'syntax = "proto3";', "b.proto": 'syntax = "proto3";', "c.avsc": '"int"'})
    _write(tmp_path / "new", {"a.proto": 'syntax = "proto3";'})
    output = check("--format", "json", *options)
    items = _json(output)
    assert items["b"]["status"] == status
    assert items["c"]["status"] == "skipped"
    assert output.returncode == (1 if status == "failed" else 0)
    if status == "failed":
        assert [finding["code"] for finding in items["b"]["findings"]] == ["schema.FILE_DELETED"]


def test_a_name_that_several_files_have(check: Check, tmp_path: Path) -> None:
    types = '{"type":"record","name":"Same","fields":[]}'
    files: dict[str, str | bytes] = {"a.avsc": types, "b.avsc": types, "user.avsc": '{"type":"array","items":"Same"}'}
    _write(tmp_path / "old", files)
    _write(tmp_path / "new", files)
    items = _json(check("--format", "json"))
    assert {name: item["status"] for name, item in items.items()} == {"a": "passed", "b": "passed", "user": "failed"}
    assert "refers to Same" in items["user"]["findings"][0]["message"]
