"""Exports as directories: nothing gets lost, nothing leads out, and changes since are noticed."""

import json
from pathlib import Path

import msgspec
import pytest

from llm_schema_registry.client import ScopeSettings
from llm_schema_registry.client.migration import (
    NotAnExportError,
    Snapshot,
    VersionRecord,
    read_directory,
    write_directory,
)
from llm_schema_registry.contracts import Metadata, Reference, Rule, RuleKind, RuleMode, RuleSet
from llm_schema_registry.formats import SchemaType

NAMES = [
    "s",
    "S",
    "",
    ".",
    "..",
    "a/b",
    "a%2Fb",
    "x" * 300,
    "x" * 300 + "y",
    "é☃",
    "con:",
    ":.ctx:s",
    ":.ctx:..",
    ":.CTX:s",
]
RULE = Rule(name="r", kind=RuleKind.CONDITION, mode=RuleMode.WRITE, type="CEL", expr="true")


def snapshot(names: list[str]) -> Snapshot:
    versions = [
        VersionRecord(
            subject=name,
            version=7,
            id=index,
            schema_type=list(SchemaType)[index % 3],
            schema=f"text {index}\r\n\n\ud800 \x00",
            references=[Reference("n", "s", 1)],
            metadata=Metadata(properties={"a": "b"}) if index % 2 else Metadata(),
            rule_set=RuleSet(domain_rules=[RULE]),
            deleted=bool(index % 2),
            ts=index,
        )
        for index, name in enumerate(names, 1)
    ]
    versions = [msgspec.structs.replace(version, guid=version.identity) for version in versions]
    return Snapshot([".", ".ctx"], [ScopeSettings("", {"compatibilityLevel": "FULL"}, "IMPORT")], versions)


def test_everything_comes_back(tmp_path: Path) -> None:
    written = snapshot(NAMES)
    assert write_directory(tmp_path / "new" / "deep", written, "url") == len(NAMES)
    assert read_directory(tmp_path / "new" / "deep") == written
    files = [path.relative_to(tmp_path).as_posix().lower() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(set(files)) == len(NAMES) + 1, "files that some file system takes for one"


def test_an_earlier_export_is_replaced_without_remains(tmp_path: Path) -> None:
    write_directory(tmp_path, snapshot(["gone", "s"]), "url")
    (tmp_path / "README").write_text("mine")
    write_directory(tmp_path, snapshot(["s"]), "url")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write_directory(tmp_path, snapshot(["s"]), "url")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert {path.name for path in before} == {"README", "manifest.json", "7.json"}


def test_other_directories_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(NotAnExportError, match="not empty"):
        write_directory(tmp_path, snapshot(["s"]), "url")
    with pytest.raises(NotAnExportError, match="no readable manifest"):
        read_directory(tmp_path)


@pytest.mark.parametrize(
    "file", ["../outside.avsc", "/etc/hostname", "default/../../outside.avsc", "missing.avsc", "\0"]
)
def test_a_manifest_may_not_lead_anywhere_else(tmp_path: Path, file: str) -> None:
    (tmp_path / "outside.avsc").write_text("secret")
    directory = tmp_path / "export"
    write_directory(directory, snapshot(["s"]), "url")
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["versions"][0]["file"] = file
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(NotAnExportError):
        read_directory(directory)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"formatVersion":2,"registry":"","contexts":[],"scopes":[],"versions":[]}']
)
def test_other_manifests_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(NotAnExportError, match=r"manifest\.json"):
        read_directory(tmp_path)


def test_a_schema_that_was_edited_is_noticed(tmp_path: Path) -> None:
    write_directory(tmp_path, snapshot(["s"]), "url")
    (file,) = tmp_path.glob("default/s/*")
    file.write_text('"string"')
    with pytest.raises(NotAnExportError, match="was changed since"):
        read_directory(tmp_path)


def test_a_guid_that_never_fitted_is_left_out(tmp_path: Path) -> None:
    (version,) = snapshot(["s"]).versions
    odd = Snapshot(["."], [], [msgspec.structs.replace(version, guid="odd")])
    write_directory(tmp_path, odd, "url")
    assert read_directory(tmp_path).versions == [msgspec.structs.replace(version, guid="")]
