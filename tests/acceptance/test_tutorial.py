"""The tutorial: every command on the page is run, and its output is what the page says."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from llm_schema_registry.cli.demo import RegistryProcess

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-hour.md"
ADDRESS = "http://127.0.0.1:8081"
_BLOCK = re.compile(r"^```(?P<info>[^\n]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'python title="(?P<name>[^"]+)"')


@dataclass(frozen=True)
class Command:
    """One command of the page and the output that it promises, `...` standing for anything."""

    line: str
    output: str

    def pattern(self) -> str:
        lines = []
        for line in self.output.splitlines():
            parts = [r"[ \t]*".join(map(re.escape, part.split())) for part in line.split("...")]
            lines.append(r"(?:.*\n)*?" if line == "..." else r"[ \t]*" + ".*?".join(parts) + r"[ \t]*\n")
        return "".join(lines)


def commands(body: str) -> Iterator[Command]:
    for chunk in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, _, output = chunk.partition("\n")
        yield Command(line, output)


def test_the_page_is_true(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("the tutorial uses curl")
    with RegistryProcess() as registry:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        environment = os.environ | {"PATH": path, "LSR_REGISTRY": registry.url}
        ran = 0
        for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8").replace(ADDRESS, registry.url)):
            if title := _TITLE.fullmatch(block["info"]):
                (tmp_path / title["name"]).write_text(block["body"])
            elif block["info"] == "console":
                for command in commands(block["body"]):
                    run(command, tmp_path, environment)
                    ran += 1
    assert ran > 15


def run(command: Command, directory: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", command.line],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    shown = done.stdout if done.stdout.endswith("\n") or not done.stdout else f"{done.stdout}\n"
    assert re.fullmatch(command.pattern(), shown), (
        f"$ {command.line}\npage:\n{command.output}\nreally:\n{shown}{done.stderr}"
    )


@pytest.mark.parametrize(
    ("promised", "shown", "matches"),
    [
        ("a\n", "a\n", True),
        ("a\n", "a b\n", False),
        ("a\n", "a\nb\n", False),
        ("a ... c\n", "a  b  c\n", True),
        ("a ... c\n", "a  b\n", False),
        ("a...\n", "ab\n", True),
        ("...\nz\n", "a\nb\nz\n", True),
        ("...\nz\n", "a\nb\n", False),
        ("", "a\n", False),
    ],
)
def test_how_output_is_compared(promised: str, shown: str, matches: bool) -> None:
    assert bool(re.fullmatch(Command("", promised).pattern(), shown)) is matches
