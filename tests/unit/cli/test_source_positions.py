"""Lines of JSON pointers."""

import json
from typing import Any

import pytest

from llm_schema_registry.catalog import Catalog
from llm_schema_registry.cli.source_positions import with_lines
from llm_schema_registry.core.findings import Finding

TEXT = """{
 "a": [1,
   {"b": 2,
    "c/d": {"~": "}:,"}, "e": []}, "x", [[3,
  4]]],
 "f": "g"
}"""
LINES = {"/a": 2, "/a/0": 2, "/a/1": 3, "/a/1/b": 3, "/a/1/c~1d/~0": 4, "/a/1/e": 4, "/a/3/0/1": 5, "/f": 6}


def line_of(path: str, text: str = TEXT, **fields: Any) -> int | None:
    (placed,) = with_lines([Finding(code="c", message="m", path=path, **fields)], text)
    return placed.line


@pytest.mark.parametrize(("path", "line"), LINES.items())
def test_a_pointer_has_a_line(path: str, line: int) -> None:
    assert line_of(path) == line
    assert line_of(f"#{path}") == line


def test_what_is_not_there_is_at_its_nearest_parent() -> None:
    assert line_of("/a/1/nothing/here") == 3
    assert line_of("/nothing") == 1


def test_some_findings_have_no_place_in_this_text() -> None:
    assert line_of("") is None
    assert line_of("/f", direction="FORWARD") is None
    assert line_of("/f", line=99) == 99
    assert line_of("/f", text="3") == 1
    assert line_of("#/Message/2", text='syntax = "proto3"; message A {}') is None
    assert line_of("/f", text="[" * 100_000) is None


def pointers(value: Any, path: str = "") -> list[str]:
    found = [path]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += pointers(member, f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}")
    return found


def test_every_pointer_of_the_catalogue_is_found() -> None:
    catalog = Catalog.load()
    for sample in catalog.samples:
        text = json.dumps(sample.value, indent=2)
        placed = with_lines([Finding(code="c", message="m", path=path) for path in pointers(sample.value)[1:]], text)
        for finding in placed:
            assert finding.line is not None
            last = finding.path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            assert last.isdigit() or f'"{last}"' in text.splitlines()[finding.line - 1]
