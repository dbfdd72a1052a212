"""Every SQL statement of the store, by name: read from the `.sql` files of this folder.

One text serves both engines: parameters are written `$1`, `$2` …, and nothing is used that only one of them knows.
"""

import pathlib
import re

_DIRECTORY = pathlib.Path(__file__).parent
_HEADING = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def load_statements(name: str) -> dict[str, str]:
    """The statements of one file.

    A statement begins with the heading `-- its_name --`; the comment lines that follow describe it and are left out.

    Args:
        name: the file's name without `.sql`.
    """
    pieces = _HEADING.split((_DIRECTORY / f"{name}.sql").read_text(encoding="utf-8"))
    return {heading: _bare(text) for heading, text in zip(pieces[1::2], pieces[2::2], strict=True)}


def _bare(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return " ".join(line for line in lines if line and not line.startswith("--")).removesuffix(";")
