"""Writes the reference pages that come from the code: `make docs`; `--check` only says which are stale."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from generating import compatibility, errors, findings, http, metrics, settings, states, witnesses

ROOT = Path(__file__).resolve().parent
_NOTE = "<!-- Written by docs/generate.py from the code: change the code, then run `make docs`. -->\n\n"


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated page: its path below the documentation root, and its text."""
    yield Path("reference/settings.md"), settings.page()
    yield Path("reference/errors.md"), errors.page()
    yield Path("reference/compatibility.md"), compatibility.page()
    yield Path("reference/states.md"), states.page()
    yield Path("reference/http.md"), http.page()
    yield Path("reference/metrics.md"), metrics.page()
    yield Path("explanation/witnesses.md"), witnesses.page()
    for area in findings.AREAS:
        yield Path(f"reference/findings/{area}.md"), findings.page(area)


def stale() -> list[tuple[Path, str]]:
    """The pages whose file differs from what the code says."""
    found = []
    for path, text in pages():
        file = ROOT / path
        wanted = _NOTE + text
        if not file.exists() or file.read_text(encoding="utf-8") != wanted:
            found.append((file, wanted))
    return found


def main() -> int:
    """Writes stale pages, or with `--check` names them and ends with 1."""
    parser = argparse.ArgumentParser(prog="docs/generate.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is stale")
    options = parser.parse_args()
    found = stale()
    for file, text in found:
        name = file.relative_to(ROOT.parent)
        if options.check:
            sys.stderr.write(f"{name} is stale: run `make docs`\n")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {name}\n")
    return 1 if options.check and found else 0


if __name__ == "__main__":
    sys.exit(main())
