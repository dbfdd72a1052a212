"""Schemas in files: what is read, how it is paired, and what is said when it cannot be."""

from pathlib import Path

import pytest

from llm_schema_registry.cli import schema_files
from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.contracts import Reference
from llm_schema_registry.core.budget import MAX_SCHEMA_BYTES
from llm_schema_registry.formats import Dependency, SchemaType


@pytest.mark.parametrize(
    ("name", "schema_type"),
    [("a.avsc", SchemaType.AVRO), ("a.json", SchemaType.JSON), ("a.proto", SchemaType.PROTOBUF)],
)
def test_the_suffix_tells_the_format(tmp_path: Path, name: str, schema_type: SchemaType) -> None:
    (tmp_path / name).write_text("text")
    read = schema_files.read_schema(tmp_path / name)
    assert (read.name, read.schema_type, read.text) == ("a", schema_type, "text")


def test_a_given_format_and_name_win(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    read = schema_files.read_schema(tmp_path / "a.txt", SchemaType.JSON, "subject")
    assert (read.name, read.schema_type) == ("subject", SchemaType.JSON)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    binary, large = tmp_path / "binary.avsc", tmp_path / "large.avsc"
    binary.write_bytes(b'"int\xff"')
    large.write_text(" " * (MAX_SCHEMA_BYTES + 1))
    cases = {
        tmp_path / "none.avsc": "No such file",
        tmp_path / "a.txt": "any format",
        binary: r"not UTF-8 text \(byte 4\)",
        large: "larger than the 4194304 bytes",
    }
    for path, message in cases.items():
        with pytest.raises(CliError, match=message) as caught:
            schema_files.read_schema(path)
        assert caught.value.exit_code is ExitCode.USAGE


def test_the_limit_is_that_of_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.avsc"
    path.write_text('"string"')
    monkeypatch.setenv("LSR_MAX_SCHEMA_BYTES", "8")
    assert schema_files.read_schema(path).text == '"string"'
    monkeypatch.setenv("LSR_MAX_SCHEMA_BYTES", "7")
    with pytest.raises(CliError, match="larger than the 7 bytes") as caught:
        schema_files.read_schema(path)
    assert "LSR_MAX_SCHEMA_BYTES" in caught.value.fix
    monkeypatch.setenv("LSR_MAX_SCHEMA_BYTES", "many")
    with pytest.raises(CliError, match="not a number of bytes: many"):
        schema_files.read_schema(path)


def test_a_byte_order_mark_is_no_part_of_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.avsc"
    path.write_bytes(b'\xef\xbb\xbf"int"')
    assert schema_files.read_schema(path).text == '"int"'


def test_a_directory_gives_names_below_it(tmp_path: Path) -> None:
    (tmp_path / "cost").mkdir()
    for name in ("cost/usage.v1.avsc", "b.proto", "a.json", "notes.md"):
        (tmp_path / name).write_text("text")
    found = schema_files.schemas_below(tmp_path)
    assert {path: file.name for path, file in found.items()} == {
        "a.json": "a",
        "b.proto": "b",
        "cost/usage.v1.avsc": "cost/usage.v1",
    }
    assert found["cost/usage.v1.avsc"].path == (tmp_path / "cost/usage.v1.avsc").as_posix()
    assert schema_files.subjects_below(tmp_path) == list(found.values())


def test_two_files_for_one_subject_are_refused(tmp_path: Path) -> None:
    for name in ("a.json", "a.avsc"):
        (tmp_path / name).write_text("text")
    assert len(schema_files.schemas_below(tmp_path)) == 2
    with pytest.raises(CliError, match="stand for one subject"):
        schema_files.subjects_below(tmp_path)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="holds no schema"):
        schema_files.schemas_below(tmp_path)


def test_a_text_that_is_no_schema_comes_with_places() -> None:
    text = '{"type": "record", "name": "A", "fields": [\n{"name": "x",\n"type": "Nope"}]}'
    with pytest.raises(CliError, match="is not a valid AVRO schema") as caught:
        schema_files.parse("a.avsc", SchemaType.AVRO, text)
    assert [finding.line for finding in caught.value.findings] == [3]


def test_references_to_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    (found,) = schema_files.read_references([f"x=y.Name={tmp_path / 'a'}"])
    assert found == Dependency("x=y.Name", "text")


@pytest.mark.parametrize("option", ["", "a", "a=", "=b"])
def test_a_reference_needs_both_sides(option: str) -> None:
    with pytest.raises(CliError, match="is not NAME=FILE"):
        schema_files.read_references([option])


def test_references_to_subjects() -> None:
    options = ["a.B=subject@3", "c=:.ctx:other"]
    assert schema_files.registered_references(options) == [
        Reference("a.B", "subject", 3),
        Reference("c", ":.ctx:other", -1),
    ]
    for bad in ("a=s@x", "a=@1", "a=s@"):
        with pytest.raises(CliError, match="is not NAME=SUBJECT@VERSION"):
            schema_files.registered_references([bad])


def test_only_references_that_a_text_mentions_are_needed() -> None:
    base = Dependency("ns.Base", '{"name": "ns.Base"}')
    middle = Dependency("ns.Middle", '{"type": "ns.Base"}')
    other = Dependency("ns.Other", "{}")
    imported = Dependency("dir/base.proto", "syntax")
    assert schema_files.needed_by('"ns.Middle"', [base, middle, other]) == [base, middle]
    assert schema_files.needed_by('import "dir/base.proto";', [imported, other]) == [imported]
    assert schema_files.needed_by(base.text, [base]) == []
