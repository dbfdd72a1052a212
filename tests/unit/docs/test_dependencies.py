"""Every dependency has its reason in the documentation."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def requirements() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [
        project["build-system"]["requires"],
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    names = {_NAME.match(each)[0] for texts in lists for each in texts if isinstance(each, str)}
    return names - {project["project"]["name"]}


def test_every_dependency_is_explained() -> None:
    page = (ROOT / "docs/explanation/dependencies.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([^`]+)`", page.partition("## Passed over")[0]))
    assert requirements() - explained == set()


def test_nothing_is_explained_that_was_passed_over() -> None:
    page = (ROOT / "docs/explanation/dependencies.md").read_text(encoding="utf-8")
    passed_over = set(re.findall(r"^\| `([^`]+)`", page.partition("## Passed over")[2], re.MULTILINE))
    assert passed_over
    assert passed_over & requirements() == set()
