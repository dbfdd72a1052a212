"""The README's commands are run as those of the tutorial are."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from acceptance.test_tutorial import ADDRESS, commands, run
from llm_schema_registry.cli.demo import RegistryProcess

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README uses curl")
def test_the_readme_is_true(tmp_path: Path) -> None:
    with RegistryProcess() as registry:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        text = README.read_text(encoding="utf-8").replace(ADDRESS, registry.url)
        blocks = re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        ran = [command for block in blocks for command in commands(block)]
        for command in ran:
            run(command, tmp_path, os.environ | {"PATH": path})
    assert len(ran) == 3
