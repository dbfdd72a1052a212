"""`lsr export` and `lsr import` between registries that run as processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from llm_schema_registry.cli.demo import RegistryProcess
from llm_schema_registry.cli.registry_session import with_client
from llm_schema_registry.client import RegistryClient, ScopeSettings
from llm_schema_registry.client.migration import Snapshot, VersionRecord, take_snapshot, write_directory
from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.contracts import Reference

Lsr = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def old() -> Iterator[str]:
    """A registry with the starter catalogue and a few things that are easily lost."""

    async def more(client: RegistryClient) -> None:
        await client.set_compatibility(":.team:x", CompatibilityLevel.FULL)
        await client.put_mode("telemetry.log", "READONLY")
        await client.delete_version("cost.usage-record", 1)

    with RegistryProcess() as process:
        assert _run(Path.cwd(), "catalog", "install", "--registry", process.url).returncode == 0
        with_client(process.url, more)
        yield process.url


@pytest.fixture
def new() -> Iterator[str]:
    with RegistryProcess() as process:
        yield process.url


def _run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llm_schema_registry.cli", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("LSR_")},
        timeout=120,
        check=False,
    )


@pytest.fixture
def lsr(tmp_path: Path) -> Lsr:
    return lambda *arguments: _run(tmp_path, *arguments)


def _snapshot(url: str) -> Snapshot:
    found = with_client(url, take_snapshot)
    versions = [msgspec.structs.replace(version, ts=None) for version in found.versions]
    return Snapshot(found.contexts, found.scopes, versions)


def test_a_registry_moves_by_url(lsr: Lsr, old: str, new: str) -> None:
    dry = lsr("import", "--from", old, "--registry", new, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.startswith("would be: 30 versions: 30 registered, 0 were there already; 1 soft-deleted")
    assert with_client(new, take_snapshot).versions == []

    done = lsr("import", "--from", old, "--registry", new)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == dry.stdout.removeprefix("would be: ")
    assert _snapshot(new) == _snapshot(old)
    again = json.loads(lsr("import", "--from", old, "--registry", new, "--json").stdout)
    assert (again["registered"], again["present"], again["configs"], again["modes"]) == (0, 30, 0, 0)


def test_a_registry_moves_through_a_directory(lsr: Lsr, old: str, new: str, tmp_path: Path) -> None:
    exported = lsr("export", "backup", "--registry", old)
    assert exported.stdout == "backup: 30 versions of 29 subjects\n", exported.stderr
    assert (tmp_path / "backup" / "default" / "common.cost" / "1.avsc").is_file()
    done = lsr("import", "--from", "backup", "--registry", new)
    assert done.returncode == 0, done.stderr
    assert _snapshot(new) == _snapshot(old)
    (tmp_path / "backup" / "default" / "common.cost" / "1.avsc").write_text("{}")
    tampered = lsr("import", "--from", "backup", "--registry", new)
    assert tampered.returncode == 2
    assert "was changed since" in tampered.stderr


def test_collisions_are_told_and_nothing_is_imported(lsr: Lsr, old: str, new: str, tmp_path: Path) -> None:
    (tmp_path / "mine.avsc").write_text('"bytes"')
    assert lsr("register", "mine.avsc", "--registry", new).returncode == 0
    done = lsr("import", "--from", old, "--registry", new)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing was imported: 1 collisions" in done.stderr
    assert "the id is taken by other content: mine version 1, id 1" in done.stderr
    assert [version.subject for version in with_client(new, take_snapshot).versions] == ["mine"]
    report = json.loads(lsr("import", "--from", old, "--registry", new, "--json", "--dry-run").stdout)
    assert len(report["collisions"]) == 1


def _interrupted(old: str, new: str, number: signal.Signals) -> tuple[int, str]:
    """How an import ends that gets a signal in the middle, and what it says."""
    command = [sys.executable, "-m", "llm_schema_registry.cli", "import", "--from", old, "--registry", new]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while with_client(new, _own_mode) != "IMPORT" and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    return process.returncode, errors


def test_sigterm_puts_the_mode_back(old: str, new: str) -> None:
    code, errors = _interrupted(old, new, signal.SIGTERM)
    assert code in (0, 128 + signal.SIGTERM), errors
    assert with_client(new, _own_mode) is None


def test_what_a_killed_import_leaves_is_told_and_can_be_ended(lsr: Lsr, old: str, new: str) -> None:
    assert _interrupted(old, new, signal.SIGKILL)[0] == -signal.SIGKILL
    assert with_client(new, _own_mode) == "IMPORT"
    resumed = lsr("import", "--from", old, "--registry", new)
    assert resumed.returncode == 0, resumed.stderr
    assert "note: the default context is in IMPORT mode already" in resumed.stderr
    assert with_client(new, _own_mode) == "IMPORT"
    ended = lsr("import", "--from", old, "--registry", new, "--end-import-mode")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert _snapshot(new) == _snapshot(old)


_PART = '{"type":"record","name":"Part","fields":[]}'
_WHOLE = '{"type":"record","name":"Whole","fields":[{"name":"p","type":"Part"}]}'
_TOO_FAR = 2_000_000_000


def _export(directory: Path, *, broken: int) -> None:
    """Versions of which the first ones have ids that no registry takes, and what depends on them or does not."""
    versions = [
        VersionRecord(
            subject=f"part{number}",
            version=2,
            id=number + 1 + _TOO_FAR * (number < broken),
            schema=_PART.replace("Part", f"Part{number}"),
        )
        for number in range(30)
    ]
    for number, name in enumerate(("first", "last")):
        part = f"Part{29 * number}"
        reference = Reference(part, part.lower(), 2)
        versions.append(
            VersionRecord(
                subject=name, version=1, id=40 + number, schema=_WHOLE.replace("Part", part), references=[reference]
            )
        )
    # The context `.c` would hold soft-deleted versions alone.
    versions.append(VersionRecord(subject=":.c:gone", version=1, id=1, schema='"int"', deleted=True))
    versions.append(VersionRecord(subject=":.c:there", version=1, id=2 + _TOO_FAR * (broken > 0), schema='"long"'))
    scopes = [
        ScopeSettings("", None, "READONLY"),
        ScopeSettings("part0", {"alias": "part1"}, "READONLY"),
        ScopeSettings("part1", {"compatibilityLevel": "FULL"}, None),
    ]
    versions.sort(key=lambda version: version.place)
    write_directory(directory, Snapshot([".", ".c"], scopes, versions), "test")


def test_an_import_names_what_is_refused_and_continues(lsr: Lsr, new: str, tmp_path: Path) -> None:
    _export(tmp_path / "broken", broken=25)
    _export(tmp_path / "mended", broken=0)
    done = lsr("import", "--from", "broken", "--registry", new)
    assert (done.returncode, done.stdout) == (
        1,
        "7 versions: 7 registered, 0 were there already; 0 soft-deleted, 3 settings changed\n",
    )
    assert "error: the import is incomplete: 26 steps were refused, 3 that depend on them were skipped" in done.stderr
    assert "import.REFUSED at part0 version 2" in done.stderr
    assert f"Import of schema with id {_TOO_FAR + 1} in context" in done.stderr
    assert done.stderr.count("import.REFUSED") == 20
    assert "9 more are omitted: --json lists all of them." in done.stderr
    assert "meanwhile" not in done.stderr
    assert with_client(new, _own_mode) == "READONLY"

    again = lsr("import", "--from", "broken", "--registry", new, "--json")
    report = json.loads(again.stdout)
    assert (again.returncode, report["registered"], report["present"]) == (1, 0, 6)
    assert [failure["name"] for failure in report["failures"] if failure["skipped"]] == [
        "first version 1",
        ":.c:gone version 1",
        "config of part0",
    ]
    refused = report["failures"][0]
    assert "Import of schema with id" in refused.pop("why")
    assert refused == {
        "step": "register",
        "name": "part0 version 2",
        "subject": "part0",
        "version": 2,
        "errorCode": 42205,
        "skipped": False,
    }

    mended = lsr("import", "--from", "mended", "--registry", new)
    assert (mended.returncode, mended.stderr) == (0, "")
    assert mended.stdout == "33 versions: 27 registered, 6 were there already; 1 soft-deleted, 1 settings changed\n"
    with RegistryProcess() as untroubled:
        assert lsr("import", "--from", "mended", "--registry", untroubled.url).returncode == 0
        assert _snapshot(new) == _snapshot(untroubled.url)


async def _own_mode(client: RegistryClient) -> str | None:
    return next((each.mode for each in await client.scopes() if each.scope == ""), None)


@pytest.mark.parametrize(("source", "code"), [("nothing-here", 2), ("http://127.0.0.1:1", 3)])
def test_sources_that_are_none(lsr: Lsr, source: str, code: int) -> None:
    done = lsr("import", "--from", source)
    assert (done.returncode, done.stdout) == (code, "")


def test_without_settings(lsr: Lsr, old: str, new: str) -> None:
    assert lsr("import", "--from", old, "--registry", new, "--no-settings").returncode == 0
    assert with_client(new, take_snapshot).scopes == []
