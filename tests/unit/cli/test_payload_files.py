"""Events in files."""

import io
import sys
from pathlib import Path

import pytest

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.payload_files import Encoding, read_events


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_one_json_value_is_one_event_named_by_its_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", b'{"id": "x1", "n": 1}')
    (event,) = read_events(path, None)
    assert (event.value, event.line, event.name) == ({"id": "x1", "n": 1}, None, f"{path.as_posix()} (id x1)")


@pytest.mark.parametrize("suffix", ["ndjson", "jsonl"])
def test_one_a_line_keeps_the_line_numbers(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"a.{suffix}", b'{"a": 1}\n\n{"a": \r\n3\n')
    events = read_events(path, None)
    assert [(event.index, event.line, event.value) for event in events] == [(1, 1, {"a": 1}), (2, 3, None), (3, 4, 3)]
    assert [event.name for event in events] == ["event 1", "event 2", "event 3"]
    problem = events[1].problem
    assert problem is not None
    assert (problem.code, problem.line) == ("payload.SYNTAX", 3)
    assert problem.message.startswith("This is no JSON: ")


def test_an_array_is_many_events(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", b'[{"event_id": "e"}, 2]')
    assert [event.name for event in read_events(path, Encoding.ARRAY)] == ["event 1 (event_id e)", "event 2"]
    with pytest.raises(CliError, match="is no JSON array"):
        read_events(written(path, b"{}"), Encoding.ARRAY)


@pytest.mark.parametrize("suffix", ["avro", "bin", "pb"])
def test_binary_is_one_event(tmp_path: Path, suffix: str) -> None:
    (event,) = read_events(written(tmp_path / f"a.{suffix}", b"\x02\x00"), None)
    assert (event.value, event.problem) == (b"\x02\x00", None)


def test_a_container_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="carries its own schema"):
        read_events(written(tmp_path / "a.avro", b"Obj\x01\x04"), None)


@pytest.mark.parametrize("content", [b"[" * 100_000, b'"\xff"', b"", b"1e999"])
def test_hostile_json_is_a_finding(tmp_path: Path, content: bytes) -> None:
    (event,) = read_events(written(tmp_path / "a.json", content), None)
    assert event.problem is not None


def test_stdin_is_one_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1\n2\n")))
    assert [event.value for event in read_events(Path("-"), None)] == [1, 2]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="cannot tell the encoding"):
        read_events(tmp_path / "a.txt", None)
    with pytest.raises(CliError, match="cannot be read: No such file"):
        read_events(tmp_path / "a.json", None)


@pytest.mark.parametrize(("suffix", "content"), [(".json", b"{}"), (".ndjson", b"{}\n{}"), (".json", b"[]")])
def test_a_byte_order_mark_is_dropped(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"\xef\xbb\xbf" + content)
    assert all(event.problem is None for event in read_events(path, None))


def test_a_binary_event_may_begin_like_one(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"\xef\xbb\xbf")
    assert read_events(path, None)[0].value == b"\xef\xbb\xbf"
