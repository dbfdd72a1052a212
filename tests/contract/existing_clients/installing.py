"""Clients in environments of their own: installed when first needed, beside what the tests run in.

They are under the environment of the tests, so that what removes it removes them. Where nothing can be installed,
e.g. without a network, the tests that need them are skipped, unless `CI` is set.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

_HOME = Path(sys.prefix) / "clients"
_INSTALL_SECONDS = 240


def python_with(*requirements: str) -> Path:
    """The interpreter of a virtual environment with these packages and nothing else."""

    def install(directory: Path) -> None:
        venv.create(directory, with_pip=False)
        pip = [sys.executable, "-m", "pip", "--python", directory / "bin" / "python", "--disable-pip-version-check"]
        _run(*pip, "install", "--quiet", "--only-binary", ":all:", *requirements)

    name = requirements[0].partition("=")[0].partition("[")[0]
    return _installed(name, "\n".join(requirements), install) / "bin" / "python"


def node_modules(project: Path) -> Path:
    """The directory in which Node.js finds what the project's package-lock.json names."""
    lock = project / "package-lock.json"

    def install(directory: Path) -> None:
        directory.mkdir()
        for file in (project / "package.json", lock):
            shutil.copy(file, directory)
        _run("npm", "ci", "--prefix", directory, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")

    return _installed(project.name, lock.read_text(encoding="utf-8"), install) / "node_modules"


def go_programs(project: Path) -> Path:
    """The directory with the programs of a Go module, one per folder of it, built with what its go.sum names."""
    sources = sorted(file for file in project.rglob("*") if file.is_file())

    def install(directory: Path) -> None:
        # Neither another toolchain nor another version of a module is taken than the one that is named.
        environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
        _run("go", "-C", project, "build", "-o", f"{directory}{os.sep}", "./...", environment=environment)

    return _installed(project.name, "\n".join(file.read_text(encoding="utf-8") for file in sources), install)


def jars(*artifacts: str) -> list[Path]:
    """The files of these artifacts of Maven, without what they depend on."""

    def install(directory: Path) -> None:
        directory.mkdir()
        for artifact in artifacts:
            _run("mvn", "-B", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={directory}")

    return sorted(_installed("java", "\n".join(artifacts), install).glob("*.jar"))


def _installed(name: str, content: str, install: Callable[[Path], None]) -> Path:
    """The directory that holds this content, installed by the first process that asks."""
    directory = _HOME / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    complete = directory / ".complete"
    _HOME.mkdir(exist_ok=True)
    with Path(f"{directory}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(directory, ignore_errors=True)
            install(directory)
            complete.touch()
    return directory


def _run(*command: str | Path, environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=_INSTALL_SECONDS, env=environment
    )
    if done.returncode == 0:
        return
    if os.environ.get("CI"):
        pytest.fail(f"cannot install a client: {done.stderr or done.stdout}")
    pytest.skip(f"cannot install a client: {(done.stderr or done.stdout).strip().rpartition(chr(10))[2]}")
