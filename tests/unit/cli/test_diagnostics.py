"""What the doctor finds."""

import base64
import socket
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_schema_registry.cli import diagnostics
from llm_schema_registry.cli.diagnostics import State
from servers import s3


def test_this_environment_is_good() -> None:
    assert diagnostics.python().state is State.GOOD
    libraries = diagnostics.libraries()
    assert libraries.state is State.GOOD
    assert "msgspec" in libraries.detail


def test_a_missing_library_is_bad_and_a_missing_extra_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["no-such>=1", 'no-other>=1; extra == "server"'])
    libraries = diagnostics.libraries()
    assert (libraries.state, libraries.detail) == (State.BAD, "missing: no-such")
    assert "pip install" in libraries.fix
    (extra,) = diagnostics.extras()
    assert (extra.name, extra.state, extra.detail) == ("extra server", State.WARN, "missing: no-other")
    assert "llm-schema-registry[server]" in extra.fix


def test_a_clock_in_the_past() -> None:
    assert diagnostics.clock(datetime(1970, 1, 2, tzinfo=UTC)).state is State.BAD
    assert diagnostics.clock(datetime(2027, 1, 1, tzinfo=UTC)).state is State.GOOD


def test_stores(tmp_path: Path) -> None:
    whole, damaged = tmp_path / "whole.db", tmp_path / "damaged.db"
    connection = sqlite3.connect(whole)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    damaged.write_bytes(b"no database" * 1000)
    expected = {
        f"sqlite:///{whole}": (State.GOOD, "is whole"),
        f"sqlite:///{tmp_path / 'new.db'}": (State.GOOD, "will be created"),
        f"sqlite:///{damaged}": (State.BAD, "no SQLite database"),
        f"sqlite:///{tmp_path}/none/new.db": (State.GOOD, "will be created"),
        f"sqlite:///{whole}/new.db": (State.BAD, "cannot be created"),
        f"sqlite:///{tmp_path}": (State.BAD, "is no file"),
        "sqlite://": (State.WARN, "in memory"),
        "mysql://user:secret@host/db": (State.BAD, "names no store"),
    }
    for url, (state, detail) in expected.items():
        probe = diagnostics.store(url)
        assert (probe.state, detail in probe.detail) == (state, True), url
        assert probe.fix or state is State.GOOD
        assert "secret" not in probe.detail + probe.fix
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.db", "whole.db"]


def test_ports() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        probe = diagnostics.port("127.0.0.1", number)
    assert probe.state is State.WARN
    assert f"--port {number + 1}" in probe.fix
    assert diagnostics.port("127.0.0.1", number).state is State.GOOD


def test_an_unreachable_registry_is_bad_only_if_asked_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert diagnostics.reachable(url, asked=True).state is State.BAD
        probe = diagnostics.reachable(url, asked=False)
    assert probe.state is State.WARN
    assert "lsr serve" in probe.fix


@pytest.mark.parametrize(
    ("key", "state"),
    [
        ("", State.WARN),
        (base64.b64encode(b"k" * 32).decode(), State.GOOD),
        ("not a key", State.BAD),
    ],
)
def test_the_key_of_sensitive_metadata(monkeypatch: pytest.MonkeyPatch, key: str, state: State) -> None:
    monkeypatch.setenv("LSR_METADATA_KEY", key)
    probe = diagnostics.metadata_key()
    assert probe.state is state
    assert not key or key not in probe.detail
    assert bool(probe.fix) == (state is not State.GOOD)


def test_object_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    url = s3().fresh_bucket()
    for value, state, detail in (
        ("", State.GOOD, "not set"),
        (url, State.GOOD, "answers"),
        (url.replace("bucket", "nowhere", 1), State.BAD, "the bucket does not exist"),
        ("s3://me:secret@bucket", State.BAD, "holds credentials"),
    ):
        monkeypatch.setenv("LSR_BLOBS", value)
        probe = diagnostics.object_storage()
        assert (probe.state, detail in probe.detail, "me:" in probe.detail) == (state, True, False)
        assert bool(probe.fix) == (state is State.BAD)
