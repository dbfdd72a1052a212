"""The architecture page names packages and files that exist, and all packages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "llm_schema_registry"
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
_PATH = re.compile(r"`([a-z_0-9]+(?:/[a-z_0-9]+)*(?:/|\.py))`")


def paths(page: str) -> list[str]:
    """The files and packages that a page names, relative to the package of the project."""
    return sorted(set(_PATH.findall(page)))


@pytest.mark.parametrize("path", paths(PAGE))
def test_every_path_exists(path: str) -> None:
    found = SOURCE / path
    assert found.is_dir() if path.endswith("/") else found.is_file()


def test_every_package_has_a_row() -> None:
    rows = re.findall(r"^\| \d+ \| `([a-z]+)/` \|", PAGE, re.MULTILINE)
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert sorted(rows) == sorted(packages)


def test_paths_are_found() -> None:
    assert paths("`server/http/` and `store/api.py`, not `/health/ready` or `X-Y`") == ["server/http/", "store/api.py"]
